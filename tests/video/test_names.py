"""Messages tell of a video by the name that people know it by, wherever the file lies."""

from pathlib import Path

import numpy as np
import pytest

from sam2ov.errors import VideoError
from sam2ov.video import VideoLimits
from sam2ov.video.served import open_in_process
from tests.clips import write_clip

NAME = "my holiday.mp4"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip under a name of the server's."""
    return write_clip(tmp_path_factory.mktemp("kept") / "clip", np.zeros((3, 64, 64, 3), np.uint8))


@pytest.mark.parametrize(
    "limits",
    [
        VideoLimits(max_bytes=10),
        VideoLimits(max_pixels=100),
        VideoLimits(max_frames=2),
        VideoLimits(max_duration_s=0.01),
        VideoLimits(max_streams=0),
    ],
)
def test_limits(kept: Path, limits: VideoLimits) -> None:
    with pytest.raises(VideoError) as refused:
        open_in_process(kept, limits, name=NAME)
    assert NAME in str(refused.value)
    assert str(kept) not in str(refused.value)
    with pytest.raises(VideoError, match=str(kept)):
        open_in_process(kept, limits)


@pytest.mark.parametrize("content", [None, b"", b"no video at all", b"\0\0\0\x18ftypmp42" * 99])
def test_what_cannot_be_opened(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "clip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoError) as refused:
        open_in_process(path, name=NAME)
    assert str(refused.value).startswith(NAME)
    assert str(path) not in str(refused.value)


def test_a_reader_and_its_twin(kept: Path, tmp_path: Path) -> None:
    copy = tmp_path / "clip"
    copy.write_bytes(kept.read_bytes())
    reader = open_in_process(copy, name=NAME)
    twin = reader.twin(cache_bytes=0)
    for made in (reader, twin):
        assert made.info.name == NAME
        with pytest.raises(IndexError, match=NAME):
            made.read(99)
    copy.unlink()
    with pytest.raises(VideoError, match=f"^{NAME} is not the file any more"):
        reader.twin(cache_bytes=0)
    for made in (reader, twin):
        made.close()
        with pytest.raises(VideoError, match=f"^{NAME} was closed"):
            made.read(0)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"^frames of mine contains no images"):
        open_in_process(tmp_path, name="frames of mine")
