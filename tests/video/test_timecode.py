"""Start timecode: read as ffprobe reads it, and written for the frame that comes first."""

from fractions import Fraction
from pathlib import Path

import pytest

from sam2ov.video import FFV1, PRORES_422_HQ, Encoding, VideoWriter, h264
from sam2ov.video.served import open_in_process
from tests.video import ffmpeg

NTSC = "30000/1001"


def write_source(path: Path, rate: str, timecode: str | None) -> Path:
    named = ("-timecode", timecode) if timecode else ()
    ffmpeg.run(
        "ffmpeg", "-f", "lavfi", "-i", f"testsrc2=s=64x48:r={rate}:d=3",
        "-c:v", "libx264", "-preset", "ultrafast", *named, path,
    )  # fmt: skip
    return path


def timecode_of(path: Path) -> str | None:
    """As ffprobe has it."""
    found = ffmpeg.probe(path, "-show_entries", "stream_tags=timecode:format_tags=timecode")
    tags = [*(each.get("tags", {}) for each in found["streams"]), found["format"].get("tags", {})]
    texts = [value for each in tags for name, value in each.items() if name.lower() == "timecode"]
    return texts[0] if texts else None


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("rate", "timecode", "of_50"),
    [("25", "10:00:00:00", "10:00:02:00"), (NTSC, "10:00:00;00", "10:00:01;20")],
)
@pytest.mark.parametrize("encoding", [h264(preset="ultrafast"), PRORES_422_HQ, FFV1])
def test_a_part_begins_with_the_name_of_its_frame(
    suffix: str, rate: str, timecode: str, of_50: str, encoding: Encoding, tmp_path: Path
) -> None:
    source = write_source(tmp_path / f"source{suffix}", rate, timecode)
    with open_in_process(source) as reader:
        assert str(reader.info.timecode) == timecode
        assert str(reader.info.timecode_of(50)) == of_50
        out = tmp_path / f"out{encoding.suffix}"
        with VideoWriter.for_source(
            out, reader.info, start=50, stop=55, encoding=encoding
        ) as writer:
            for frame in reader.iter_frames(50, 55):
                writer.write(frame)
    assert timecode_of(out) == of_50
    with open_in_process(out) as reader:
        assert str(reader.info.timecode) == of_50


def test_none_where_the_source_has_none(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source.mov", "25", None)
    with open_in_process(source) as reader:
        assert reader.info.timecode is None
        assert reader.info.timecode_of(5) is None
        with VideoWriter.for_source(tmp_path / "out.mov", reader.info, stop=2) as writer:
            for frame in reader.iter_frames(0, 2):
                writer.write(frame)
    assert timecode_of(tmp_path / "out.mov") is None
    assert reader.info.fps == Fraction(25)
