"""Archives of images become one clip, pixel by pixel; bad ones are told of."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2ov.errors import VideoOpenError
from sam2ov.progress import Progress
from sam2ov.video import PictureForm, VideoLimits, VideoWriter, open_video
from sam2ov.video.packed_images import join_images, joined_limits
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
        form = PictureForm(has_alpha=has_alpha)
        with video.twin(cache_bytes=0, form=form) as reader:
            for frame, expected in zip(reader, frames, strict=True):
                np.testing.assert_array_equal(frame, expected)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["clip.mkv", "images.zip"]


def test_all_of_sixteen_bits_stay(tmp_path: Path) -> None:
    deep = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * np.uint16(21) + np.uint16(7)
    archive = archive_of(tmp_path, [deep, deep[::-1].copy()])
    path = tmp_path / "clip.mkv"
    join_images(archive, path, VideoLimits(), "images.zip")
    form = PictureForm(is_deep=True)
    with open_video(path) as video, video.twin(cache_bytes=0, form=form) as reader:
        assert video.info.bits == 16
        np.testing.assert_array_equal(reader.read_deep(0)[..., 0], deep)
        np.testing.assert_array_equal(reader.read_deep(1)[..., 2], deep[::-1])


def test_what_grows_too_much_or_finds_no_room_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_of(tmp_path, list(make_scene(3, (48, 64), seed=3).frames))
    path, limits = tmp_path / "clip.mkv", VideoLimits(max_bytes=100_000)
    monkeypatch.setattr(VideoWriter, "num_bytes", joined_limits(limits).max_bytes + 1)
    with pytest.raises(VideoOpenError, match="limit"):
        join_images(archive, path, limits, "shots.zip")
    monkeypatch.undo()
    join_images(archive, path, limits, "shots.zip")
    path.unlink()
    monkeypatch.setattr("sam2ov.video.packed_images._LEAST_FREE_BYTES", 1 << 62)
    with pytest.raises(VideoOpenError, match="nearly full"):
        join_images(archive, path, limits, "shots.zip")
    assert [found.name for found in tmp_path.iterdir()] == ["images.zip"]


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
