"""Recordings that begin in the middle, and clocks that jump; made with ffmpeg."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sam2ov.video.served import open_in_process
from tests.clips import Encoding, make_scene, read_frame_number, write_clip
from tests.video import ffmpeg

FRAMES = make_scene(75, (96, 128), seed=3).frames
TS = Encoding(".ts", fps=Fraction(25), options={"g": "12", "bf": "2", "sc_threshold": "0"})


def test_a_stream_that_is_cut_inside_a_packet(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole", FRAMES, TS).read_bytes()
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole[len(whole) // 6 + 100 :])
    with open_in_process(cut) as reader:
        first = read_frame_number(reader.read(0))
        assert first > 0
        assert first % 12 == 0, "the first picture that can be decoded whole is a keyframe"
        assert len(reader) == 75 - first
        for frame_idx in (0, 7, len(reader) - 1, 3):
            assert read_frame_number(reader.read(frame_idx)) == first + frame_idx


@pytest.mark.parametrize("jump_s", [3600, -20, 3600 * 26])
def test_a_clock_that_jumps_goes_on(jump_s: int, tmp_path: Path) -> None:
    """Two recordings one behind the other, as a receiver writes them: 6 s in all."""
    parts = []
    for number, start in enumerate((30 * 90_000, (30 + 3 + jump_s) * 90_000)):
        part = tmp_path / f"{number}.ts"
        whole = write_clip(tmp_path / f"whole {number}", FRAMES, TS)
        ffmpeg.run(
            "ffmpeg", "-i", whole, "-c", "copy", "-copyts", "-muxdelay", "0",
            "-output_ts_offset", str(start / 90_000 % (1 << 33)), part,
        )  # fmt: skip
        parts.append(part.read_bytes())
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(parts))
    with open_in_process(path) as reader:
        assert len(reader) == 150
        assert float(reader.info.duration) == pytest.approx(6.0, abs=0.1)
        assert float(reader.info.fps) == pytest.approx(25, abs=0.5)
        assert (np.diff(reader.info.frame_pts) > 0).all()
        for frame_idx in (0, 74, 75, 80, 149, 20, 100):
            assert read_frame_number(reader.read(frame_idx)) == frame_idx % 75


def test_a_segment_that_begins_with_its_type(tmp_path: Path) -> None:
    whole = write_clip(
        tmp_path / "whole", FRAMES[:40], Encoding(container_options={"movflags": "+faststart"})
    )
    content = whole.read_bytes()
    segment = tmp_path / "segment.mp4"
    segment.write_bytes(content[:4] + b"styp" + content[8:])
    with open_in_process(segment) as reader:
        assert len(reader) == 40
        assert read_frame_number(reader.read(39)) == 39
