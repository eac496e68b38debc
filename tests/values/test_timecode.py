"""Timecodes: names of frames, as editors count them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.values.timecode import Timecode

NTSC = Fraction(30000, 1001)


def at(text: str, fps: Fraction | int) -> Timecode:
    found = Timecode.parse(text, Fraction(fps))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("start", "fps", "frames", "name"),
    [
        ("10:00:00:00", 25, 50, "10:00:02:00"),
        ("10:00:00;00", NTSC, 50, "10:00:01;20"),
        ("00:00:59;29", NTSC, 1, "00:01:00;02"),
        ("00:09:59;29", NTSC, 1, "00:10:00;00"),
        ("00:00:00;00", NTSC, 17982, "00:10:00;00"),
        ("00:00:00;00", 2 * NTSC, 3600, "00:01:00;04"),
        ("01:00:00:00", NTSC, 1800, "01:01:00:00"),
        ("23:59:59:23", Fraction(24000, 1001), 1, "00:00:00:00"),
        ("23:59:59;29", NTSC, 1, "00:00:00;00"),
        ("00:00:00:00", 120, 119, "00:00:00:119"),
    ],
)
def test_frames_have_their_names(start: str, fps: Fraction, frames: int, name: str) -> None:
    assert str(at(start, fps).after(frames)) == name


@pytest.mark.parametrize("text", ["", "10:00:00", "10:00:00:30", "25:00:00:00", "10:60:00:00", "x"])
def test_what_is_none(text: str) -> None:
    assert Timecode.parse(text, Fraction(25)) is None


@given(number=st.integers(0, 2_589_407), fps=st.sampled_from([Fraction(25), NTSC]))
def test_names_are_read_back(number: int, fps: Fraction) -> None:
    code = Timecode(number % 2_160_000 if fps == 25 else number, round(fps), fps == NTSC)
    assert Timecode.parse(str(code), fps) == code


def test_a_day_of_names_is_as_long_as_a_day() -> None:
    day = at("00:00:00;00", NTSC)
    assert abs(day.after(-1).number + 1 - float(24 * 3600 * NTSC)) < 5
