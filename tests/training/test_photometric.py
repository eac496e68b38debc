import cv2
import numpy as np
import torch

from training import photometric
from training.textures import texture


def pictures(count: int, size: int = 64) -> torch.Tensor:
    rng = np.random.default_rng(0)
    drawn = np.stack([texture(rng, (size, size)) for _ in range(count)])
    return torch.from_numpy(drawn).float().movedim(-1, 1)


def test_all_frames_of_a_clip_are_recoloured_alike() -> None:
    frame = pictures(4)
    clips = torch.cat([frame, frame], 1)
    out = photometric.recolour(np.random.default_rng(0), clips)
    torch.testing.assert_close(out[:, :3], out[:, 3:])
    assert (out[:, :3] - frame).abs().mean() > 1
    assert 0 <= out.min() <= out.max() <= 255


def test_compression_loses_about_what_jpeg_loses() -> None:
    given = pictures(1, 128)
    picture = given[0].movedim(0, -1).numpy().astype(np.uint8)
    losses = []
    for quality in (20, 50, 90):
        out = photometric.compress(given, np.array([float(quality)]))
        data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        again = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1].astype(float)
        lost = float(np.square(again - picture).mean())
        losses.append((float((out - given).square().mean()), lost))
    for ours, theirs in losses:
        assert 0.3 < (ours + 1) / (theirs + 1) < 3
    assert losses[0][0] > losses[1][0] > losses[2][0]


def test_degraded_pictures_are_near_the_given_ones_and_some_are_the_same() -> None:
    given = pictures(8)
    out = photometric.degrade(np.random.default_rng(1), given)
    assert out.shape == given.shape
    assert (out - given).abs().mean() < 20
    same = (out - given).abs().flatten(1).max(1).values < 1e-3
    assert same.any()
    assert not same.all()
