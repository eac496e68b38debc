"""SMPTE timecode: what editors call frames by (SMPTE ST 12-1)."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_FORM: Final = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})")
_HOURS: Final = 24


@dataclass(frozen=True)
class Timecode:
    """The name of a frame.

    Attributes:
        number: how many frames come before it in a day, counted as they are shown.
        rate: frames that a second has in names: 25, or 30 where there are 29.97.
        drops: names are left out now and then so that they keep up with the clock (29.97, 59.94).
    """

    number: int
    rate: int
    drops: bool = False

    @staticmethod
    def parse(text: str, fps: Fraction) -> "Timecode | None":
        """Read ``10:00:01:20``; ``;`` before the frame drops names. None for what is none.

        Args:
            text: of a file.
            fps: of its frames.
        """
        found = _FORM.fullmatch(text.strip())
        rate = round(fps)
        if found is None or rate < 1:
            return None
        hours, minutes, seconds, frames = (int(found[place]) for place in (1, 2, 3, 5))
        drops = found[4] != ":" and rate % 30 == 0
        if hours >= _HOURS or minutes >= 60 or seconds >= 60 or frames >= rate:
            return None
        number = ((hours * 60 + minutes) * 60 + seconds) * rate + frames
        if drops:
            all_minutes = hours * 60 + minutes
            number -= _dropped_a_minute(rate) * (all_minutes - all_minutes // 10)
        return Timecode(number, rate, drops)

    def after(self, frames: int) -> "Timecode":
        """The name of the frame so many later; names begin again after a day."""
        shown = _dropped_in(_HOURS * 60, self.rate) if self.drops else 0
        a_day = _HOURS * 3600 * self.rate - shown
        return Timecode((self.number + frames) % a_day, self.rate, self.drops)

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """Hours, minutes, seconds, frames."""
        number = self.number
        if self.drops:
            # Ten minutes at a time: names are left out in each but the first.
            a_minute = 60 * self.rate - _dropped_a_minute(self.rate)
            ten = a_minute * 10 + _dropped_a_minute(self.rate)
            tens, rest = divmod(number, ten)
            extra = max(rest - 60 * self.rate, -1)
            minutes = 0 if extra < 0 else 1 + extra // a_minute
            number += _dropped_a_minute(self.rate) * (9 * tens + minutes)
        seconds, frames = divmod(number, self.rate)
        return seconds // 3600 % _HOURS, seconds // 60 % 60, seconds % 60, frames

    def __str__(self) -> str:
        hours, minutes, seconds, frames = self.parts
        mark = ";" if self.drops else ":"
        return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{frames:02d}"


def _dropped_a_minute(rate: int) -> int:
    return rate // 15


def _dropped_in(minutes: int, rate: int) -> int:
    return _dropped_a_minute(rate) * (minutes - minutes // 10)
