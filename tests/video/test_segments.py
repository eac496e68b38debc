"""Videos in segments: whole, in order, with the times of their frames."""

from pathlib import Path

import av
import numpy as np
import pytest

from sam2ov.errors import VideoWriteError
from sam2ov.video.encodings import FFV1, h264
from sam2ov.video.segments import SegmentWriter

SIZE_HW = (48, 64)


def frame(value: int) -> np.ndarray:
    return np.full((*SIZE_HW, 3), value, np.uint8)


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(picture.time or 0) for picture in container.decode(video=0)]


def test_segments_follow_each_other(tmp_path: Path) -> None:
    came = [0.0, 0.1, 0.35, 1.0, 1.2, 2.5, 2.5]
    with SegmentWriter(tmp_path / "live.mp4", SIZE_HW, h264(), seconds=1.0) as writer:
        for number, seconds in enumerate(came):
            writer.write(frame(number), 100 + seconds)
            if number == 3:
                assert writer.paths == [tmp_path / "live-00001.mp4"], "whole as soon as it is over"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["live-00001.mp4", "live-00002.mp4", "live-00003.mp4"]
    assert times_of(tmp_path / names[0]) == pytest.approx([0, 0.1, 0.35], abs=1e-3)
    assert times_of(tmp_path / names[1]) == pytest.approx([0, 0.2], abs=1e-3)
    assert len(times_of(tmp_path / names[2])) == 2, "frames of one time follow each other"


@pytest.mark.parametrize(("there", "following"), [("00007", "00008"), ("100000", "100001")])
def test_numbers_go_on_and_nothing_is_replaced(tmp_path: Path, there: str, following: str) -> None:
    (tmp_path / f"live-{there}.mp4").write_bytes(b"mine")
    (tmp_path / "live-99999.txt").write_bytes(b"no segment")
    with SegmentWriter(tmp_path / "live.mp4", SIZE_HW, h264()) as writer:
        writer.write(frame(1), 0.0)
    assert (tmp_path / f"live-{there}.mp4").read_bytes() == b"mine"
    assert len(times_of(tmp_path / f"live-{following}.mp4")) == 1


def test_alpha_and_grey(tmp_path: Path) -> None:
    alpha = np.dstack([frame(9), frame(200)[..., 0]])
    with SegmentWriter(tmp_path / "a.mkv", SIZE_HW, FFV1, has_alpha=True) as writer:
        writer.write(alpha, 0.0)
    with SegmentWriter(tmp_path / "m.mp4", SIZE_HW, h264(), is_grey=True, fps=15) as writer:
        writer.write(frame(255)[..., 0], 0.0)
    with av.open(str(tmp_path / "a-00001.mkv")) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgba")
    np.testing.assert_array_equal(picture, alpha)
    assert times_of(tmp_path / "m-00001.mp4") == [0]


def test_what_ends_it_keeps_what_was_written(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "live.mp4", SIZE_HW, h264())
    writer.write(frame(1), 0.0)
    writer.__exit__(KeyError, KeyError(), None)
    assert len(times_of(tmp_path / "live-00001.mp4")) == 1


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(VideoWriteError),
        SegmentWriter(tmp_path / "live.mp4", SIZE_HW, h264()) as writer,
    ):
        writer.write(np.zeros((4, 4, 3), np.uint8), 0.0)
    assert not list(tmp_path.iterdir())
    with pytest.raises(VideoWriteError, match="more than 0 seconds"):
        SegmentWriter(tmp_path / "live.mp4", SIZE_HW, h264(), seconds=0)
