"""Readers of one video that share its index, and frames scaled down."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2ov.errors import VideoOpenError
from sam2ov.video import FrameReader, PictureForm, fitting_size
from sam2ov.video.served import open_in_process
from tests.clips import Encoding, Frames, make_scene, write_clip, write_gif, write_image_folder

NUM_FRAMES = 20
SIZE_HW = (96, 128)
SMALL = PictureForm(max_side=64)


@pytest.fixture(scope="module")
def frames() -> Frames:
    return make_scene(NUM_FRAMES, SIZE_HW, seed=4).frames


def small(reader: FrameReader, frame_idx: int, size_wh: tuple[int, int]) -> np.ndarray:
    return cv2.resize(reader.read(frame_idx), size_wh, interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("kind", ["clip", "images", "gif"])
def test_a_twin_shows_the_same_frames(kind: str, tmp_path: Path, frames: Frames) -> None:
    if kind == "clip":
        path = write_clip(tmp_path / "clip", frames)
    elif kind == "gif":
        path = write_gif(tmp_path / "clip.gif", frames)
    else:
        path = write_image_folder(tmp_path / "images", frames)
    with open_in_process(path) as reader, reader.twin(cache_bytes=0) as twin:
        assert twin.info == reader.info
        for frame_idx in (7, 0, 19):
            np.testing.assert_array_equal(twin.read(frame_idx), reader.read(frame_idx))
        with reader.twin(cache_bytes=0, form=SMALL) as half:
            assert half.size_hw == half.read(3).shape[:2] == (48, 64)
            apart = np.abs(half.read(3).astype(int) - small(reader, 3, (64, 48)))
            assert apart.mean() < 4, "the same colours"
        twin.close()
        reader.read(5)


def test_a_turned_clip_is_scaled_as_shown(tmp_path: Path, frames: Frames) -> None:
    path = write_clip(tmp_path / "turned", frames, Encoding(rotation=90))
    with (
        open_in_process(path) as reader,
        reader.twin(cache_bytes=0, form=SMALL) as half,
    ):
        assert reader.size_hw == SIZE_HW, "the file holds it lying on its side"
        assert half.size_hw == half.read(2).shape[:2] == (48, 64)
        apart = np.abs(half.read(2).astype(int) - small(reader, 2, (64, 48)))
        assert apart.mean() < 4


def test_keyframes_are_where_decoding_can_begin(tmp_path: Path, frames: Frames) -> None:
    path = write_clip(tmp_path / "clip", frames, Encoding(options={"g": "6", "sc_threshold": "0"}))
    with open_in_process(path) as reader:
        assert reader.keyframes.tolist() == [0, 6, 12, 18]
    with open_in_process(write_gif(tmp_path / "clip.gif", frames)) as reader:
        assert reader.keyframes.tolist() == [0], "frames of a GIF patch the one before"


def test_another_file_in_its_place_is_noticed(tmp_path: Path, frames: Frames) -> None:
    path = write_clip(tmp_path / "clip", frames)
    with open_in_process(path) as reader:
        path.unlink()
        with pytest.raises(VideoOpenError, match="not the file any more"):
            reader.twin(cache_bytes=0)


@pytest.mark.parametrize(
    ("size", "side", "fitted"),
    [
        ((1920, 1080), 640, (640, 360)),
        ((1080, 1920), 640, (360, 640)),
        ((320, 200), 640, (320, 200)),
        ((9000, 2), 640, (640, 1)),
        ((1920, 1080), None, (1920, 1080)),
    ],
)
def test_sizes_fit(size: tuple[int, int], side: int | None, fitted: tuple[int, int]) -> None:
    assert fitting_size(*size, side) == fitted
