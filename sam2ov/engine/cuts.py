"""Scene cuts: where a picture has nothing to do with the one before it.

Two things are compared of pictures that are made small anyway: where which colours are, and how
much there is of each. A fast pan or an object that moves changes the one, a change of light the
other; a cut changes both, at once, and more than the steps before it did.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.values.masks import FloatArray

AtCuts = Literal["go-on", "stop", "search"]
"""What tracking does where a scene ends. go-on: as within one; stop: there; search: the object is
looked for with what was remembered of it before, until it is found again."""

_SIDE: Final = 16
_BINS: Final = 6

LEAST_MOVED: Final = 0.09
"""Mean change of a pixel of 16 × 16, 0 to 1, that a cut has at least."""
LEAST_COLOURS: Final = 0.35
"""Share of the picture, 0 to 1, whose colours are others after a cut, at least."""
_LEAP: Final = 3.0
"""So many times the change of the step before is a leap; a fast pan goes on as it began."""


@dataclass(frozen=True, eq=False)
class Glance:
    """What a picture looks like at a glance.

    Attributes:
        pixels: float32 [16, 16, 3], 0 to 1.
        colours: float32 [216], the share of each; they sum up to 1.
    """

    pixels: FloatArray
    colours: FloatArray

    @classmethod
    def of(cls, image: npt.NDArray[np.uint8]) -> "Glance":
        """The glance of a picture, uint8 RGB [H, W, 3]."""
        small = cv2.resize(image, (4 * _SIDE, 4 * _SIDE), interpolation=cv2.INTER_AREA)
        tiny = cv2.resize(small, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        counted = cv2.calcHist([small], [0, 1, 2], None, [_BINS] * 3, [0, 256] * 3)
        colours = np.asarray(counted, np.float32).reshape(-1) / np.float32(small[..., 0].size)
        return cls(np.asarray(tiny, np.float32) / np.float32(255), colours)


@dataclass(frozen=True)
class Change:
    """How much changes from a picture to the next, both from 0 to 1."""

    moved: float
    colours: float

    @classmethod
    def between(cls, before: Glance, after: Glance) -> "Change":
        """The change from one to the other; the same both ways."""
        moved = float(np.abs(after.pixels - before.pixels).mean())
        colours = float(np.abs(after.colours - before.colours).sum()) / 2
        return cls(moved, colours)


def is_cut(change: Change, usual: Change | None) -> bool:
    """Whether a change is one of scenes.

    Args:
        change: from the picture before.
        usual: the change of the step before that; None where there was none, or where it was a cut.
    """
    if change.moved < LEAST_MOVED or change.colours < LEAST_COLOURS:
        return False
    return usual is None or change.moved > _LEAP * usual.moved or change.colours > 2 * usual.colours
