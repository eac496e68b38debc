"""Archives of images become one clip, pixel by pixel; bad ones are told of."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2ov.errors import VideoOpenError
from sam2ov.progress import Progress
from sam2ov.video import VideoLimits, open_video
from sam2ov.video.packed_images import join_images
from tests.clips import make_scene


def archive_of(folder: Path, pictures: list[np.ndarray]) -> Path:
    path = folder / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no image")
        for number, picture in enumerate(pictures):
            image = folder / f"{number}.png"
            Image.fromarray(picture).save(image)
            archive.write(image, f"shots/{number}.png")
            image.unlink()
    return path


@pytest.mark.parametrize("has_alpha", [False, True])
def test_every_pixel_stays_as_it_is(tmp_path: Path, has_alpha: bool) -> None:
    frames = make_scene(11, (47, 63), seed=3).frames
    if has_alpha:
        alpha = np.linspace(0, 255, 63).astype(np.uint8)
        frames = np.concatenate([frames, np.broadcast_to(alpha[:, None], (11, 47, 63, 1))], axis=3)
    archive = archive_of(tmp_path, list(frames))
    path = tmp_path / "clip.mkv"
    told: list[Progress] = []
    join_images(archive, path, VideoLimits(), "images.zip", told.append)
    assert told[-1].done == told[-1].total == 11
    with open_video(path) as video:
        assert (video.num_frames, video.size_hw) == (11, (47, 63))
        assert video.info.has_alpha is has_alpha
        if not has_alpha:
            for frame, expected in zip(video, frames, strict=True):
                np.testing.assert_array_equal(frame, expected)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["clip.mkv", "images.zip"]


def test_what_is_no_clip_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with pytest.raises(VideoOpenError, match=r"shots\.zip holds no image"):
        join_images(archive_of(tmp_path, []), path, VideoLimits(), "shots.zip")
    frames = [*make_scene(2, (48, 64), seed=3).frames, *make_scene(1, (32, 32), seed=3).frames]
    archive = archive_of(tmp_path, frames)
    with pytest.raises(VideoOpenError):
        join_images(archive, path, VideoLimits(), "shots.zip")
    with pytest.raises(VideoOpenError, match="limit"):
        join_images(archive, path, VideoLimits(max_bytes=1000), "shots.zip")
    with pytest.raises(VideoOpenError, match="frames"):
        join_images(archive, path, VideoLimits(max_frames=1), "shots.zip")
    archive.write_bytes(archive.read_bytes()[:400] + bytes(200) + archive.read_bytes()[600:])
    with pytest.raises(VideoOpenError):
        join_images(archive, path, VideoLimits(), "shots.zip")
    assert not path.exists()
