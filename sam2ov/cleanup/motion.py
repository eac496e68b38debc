"""How an object has moved from one frame to another, and what lies between, by its masks alone.

A ``Patch`` is a mask without the empty space around it: moving it costs nothing.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.cleanup.shape import signed_distance
from sam2ov.values.masks import BoolArray, FloatArray

Shift = tuple[int, int]
"""Rows down and columns to the right."""

_MAX_POINTS = 400
_STEPS = (16, 8, 4, 2, 1)
_AROUND = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0))
_CAP = 0.1
"""Points of an outline count at most so much, in shares of the object's size: parts that are
missing or too many should not draw the rest along."""


@dataclass(frozen=True, eq=False)
class Patch:
    """A mask's box: ``inside`` [h, w] begins at (``top``, ``left``), perhaps beyond the picture."""

    top: int
    left: int
    inside: BoolArray

    @staticmethod
    def of(mask: BoolArray) -> "Patch":
        """Of a mask [H, W]; an empty one has no pixels."""
        x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
        return Patch(y, x, mask[y : y + height, x : x + width].copy())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.inside.size == 0

    @property
    def bottom(self) -> int:
        """The row below it."""
        return self.top + len(self.inside)

    @property
    def right(self) -> int:
        """The column right of it."""
        return self.left + int(self.inside.shape[1])

    def moved(self, by: Shift) -> "Patch":
        """The same elsewhere."""
        return replace(self, top=self.top + by[0], left=self.left + by[1])

    def mask(self, size_hw: tuple[int, int], origin: Shift = (0, 0)) -> BoolArray:
        """The mask in a window of a size, whose first pixel is at ``origin``."""
        made = np.zeros(size_hw, np.bool_)
        top, left = self.top - origin[0], self.left - origin[1]
        rows = slice(max(top, 0), max(top + self.inside.shape[0], 0))
        columns = slice(max(left, 0), max(left + self.inside.shape[1], 0))
        part = made[rows, columns]
        down, right = max(-top, 0), max(-left, 0)
        part[...] = self.inside[down : down + part.shape[0], right : right + part.shape[1]]
        return made


def shift_between(start: Patch, end: Patch, size_hw: tuple[int, int]) -> Shift:
    """By how much ``start`` is to be moved for its outline to lie on that of ``end``.

    Parts of the outline that have no counterpart count little, those along the border of the
    picture (of ``size_hw``) not at all: there the object only seems to end.
    """
    wanted = _outline(end, size_hw)
    if not len(wanted):
        return 0, 0
    cap = max(_CAP * max(*start.inside.shape, *end.inside.shape), 4.0)
    margin = int(cap) + 1
    distance = _distance_to_outline(start, size_hw, margin, cap)
    origin = np.array([start.top - margin, start.left - margin])

    def mismatch(shift: Shift) -> float:
        rows, columns = (wanted - origin - shift).T
        height, width = distance.shape
        is_in = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        far = cap * np.count_nonzero(~is_in)
        return float(distance[rows[is_in], columns[is_in]].sum() + far)

    best = min(_guesses(start, end), key=mismatch)
    least = mismatch(best)
    for step in _STEPS:
        while True:
            around = [(best[0] + step * y, best[1] + step * x) for y, x in _AROUND]
            found = min(around, key=mismatch)
            if mismatch(found) >= least:
                break
            best, least = found, mismatch(found)
    return best


def between(before: Patch, after: Patch, share: float, size_hw: tuple[int, int]) -> Patch:
    """What lies between two masks: in place and shape ``share`` (0 to 1) of the way."""
    rows, columns = shift_between(before, after, size_hw)
    there = before.moved((round(rows * share), round(columns * share)))
    back = after.moved((round(-rows * (1 - share)), round(-columns * (1 - share))))
    top, left = min(there.top, back.top) - 1, min(there.left, back.left) - 1
    window = (max(there.bottom, back.bottom) - top + 1, max(there.right, back.right) - left + 1)
    first, second = (signed_distance(one.mask(window, (top, left))) for one in (there, back))
    found = Patch.of(first * (1 - share) + second * share > 0)
    return found.moved((top, left))


def _guesses(start: Patch, end: Patch) -> list[Shift]:
    """Where to look first: one side may have changed and another not."""
    y0, x0 = (axis.mean() for axis in np.nonzero(start.inside))
    y1, x1 = (axis.mean() for axis in np.nonzero(end.inside))
    middle = (end.top - start.top + round(y1 - y0), end.left - start.left + round(x1 - x0))
    corners = [
        (rows, columns)
        for rows in (end.top - start.top, end.bottom - start.bottom)
        for columns in (end.left - start.left, end.right - start.right)
    ]
    return [middle, (0, 0), *corners]


def _outline(patch: Patch, size_hw: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Some points (row, column) of the outline, int [P, 2], as the picture counts."""
    rows, columns = np.nonzero(_edge(patch.inside))
    rows, columns = rows + patch.top, columns + patch.left
    height, width = size_hw
    is_real = (rows > 0) & (rows < height - 1) & (columns > 0) & (columns < width - 1)
    points = np.stack([rows[is_real], columns[is_real]], axis=1)
    return points[:: max(1, -(-len(points) // _MAX_POINTS))]


def _distance_to_outline(
    patch: Patch, size_hw: tuple[int, int], margin: int, cap: float
) -> FloatArray:
    """Distance to the outline, up to ``cap``, in the patch with a margin."""
    edge = _edge(patch.inside)
    height, width = size_hw
    for rows in (0, height - 1):
        if patch.top <= rows < patch.bottom:
            edge[rows - patch.top] = False
    for columns in (0, width - 1):
        if patch.left <= columns < patch.right:
            edge[:, columns - patch.left] = False
    away = np.pad(~edge, margin, constant_values=True).view(np.uint8)
    if away.all():  # nothing but border
        return np.full(away.shape, cap, np.float32)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_3)
    return np.minimum(np.asarray(distance, np.float32), np.float32(cap))


def _edge(inside: BoolArray) -> BoolArray:
    """Pixels of a mask beside what is not in it; beyond the array there is nothing."""
    padded = np.pad(inside, 1).view(np.uint8)
    core = cv2.erode(padded, np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    edge: BoolArray = inside & (core == 0)
    return edge
