"""The clip: what is said to be in it is in it."""

from pathlib import Path

import numpy as np
import pytest

from sam2ov.bench.clip import BenchClip, write_clip
from sam2ov.video import open_video
from tests.bench.conftest import NUM_FRAMES, SIZE_HW


def test_size_length_and_boxes(bench_clip: BenchClip) -> None:
    with open_video(bench_clip.path) as reader:
        assert (reader.num_frames, reader.size_hw) == (NUM_FRAMES, SIZE_HW)
    assert len(bench_clip.boxes) == 3


@pytest.mark.parametrize(("size_hw", "number"), [((64, 96), 8), ((720, 1280), 8), ((65, 64), 1)])
def test_objects_stay_inside_and_apart(
    size_hw: tuple[int, int], number: int, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size_hw, 1, number)
    covered = np.zeros(size_hw, int)
    for x0, y0, x1, y1 in clip.boxes:
        assert 0 <= x0 < x1 < size_hw[1]
        assert 0 <= y0 < y1 < size_hw[0]
        covered[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] += 1
    assert covered.max() == 1


def test_objects_and_background_move(bench_clip: BenchClip) -> None:
    with open_video(bench_clip.path) as reader:
        first, later = reader.read(0).astype(int), reader.read(NUM_FRAMES - 1).astype(int)
    x0, y0, x1, y1 = map(int, bench_clip.boxes[0])
    change = np.abs(first - later).mean(axis=-1)
    assert change[y0:y1, x0:x1].mean() > 10
    inside = np.zeros(SIZE_HW, bool)
    for box in bench_clip.boxes:
        left, top, right, bottom = map(int, box)
        inside[max(top - 8, 0) : bottom + 8, max(left - 8, 0) : right + 8] = True
    assert change[~inside].mean() > 5


def test_the_same_arguments_give_the_same_pictures(bench_clip: BenchClip, tmp_path: Path) -> None:
    again = write_clip(tmp_path / "again.mp4", SIZE_HW, NUM_FRAMES, 3)
    assert again.boxes == bench_clip.boxes
    other = write_clip(tmp_path / "other.mp4", SIZE_HW, NUM_FRAMES, 3, seed=1)
    with open_video(bench_clip.path) as reader, open_video(again.path) as same:
        picture = reader.read(5).astype(int)
        # The encoder's threads may decide a little differently each time.
        assert np.abs(picture - same.read(5)).mean() < 3
    with open_video(other.path) as different:
        assert np.abs(picture - different.read(5)).mean() > 10
