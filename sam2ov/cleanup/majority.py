"""Calming an object's outline: the majority of the frames around, moved along with the object.

What moves within the object, as a leg or a wing does, is in another place on every frame and would
be outvoted. So parts stay that the frames before and after have, too, but displaced; what flickers
has no such counterpart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.cleanup.motion import Patch, Shift, shift_between
from sam2ov.values.masks import BoolArray

_LEAST_IN_COMMON = 0.5
"""Of the smaller of two masks: less, and they show different things."""

_LEAST_THERE = 0.5
"""Of a part that is still in its place."""

_MOST_DIFFERENT = 2.0
_FARTHEST = 4.0
"""A counterpart is at most so many times larger or smaller than a part, and at most so many times
its size away."""


@dataclass(frozen=True, eq=False)
class Neighbour:
    """Another frame's mask, moved onto the present one.

    Attributes:
        patch: where it is now.
        shift: by how much it was moved; beyond the picture's border nothing is known of it.
        is_next: it is the frame right before or after.
    """

    patch: Patch
    shift: Shift
    is_next: bool


def aligned(
    other: Patch, present: Patch, size_hw: tuple[int, int], *, is_next: bool
) -> Neighbour | None:
    """Move another frame's mask onto the present one; None if it shows something else."""
    shift = shift_between(other, present, size_hw)
    moved = other.moved(shift)
    window = present.inside.shape[0], present.inside.shape[1]
    common = np.count_nonzero(moved.mask(window, (present.top, present.left)) & present.inside)
    least = min(np.count_nonzero(other.inside), np.count_nonzero(present.inside))
    if common < _LEAST_IN_COMMON * least:
        return None
    return Neighbour(moved, shift, is_next)


def majority(present: Patch, neighbours: Sequence[Neighbour], size_hw: tuple[int, int]) -> Patch:
    """What most of the frames show; where they are even, what the present one does.

    Args:
        present: not empty.
        neighbours: aligned with it.
        size_hw: of the picture.
    """
    if not neighbours:
        return present
    patches = [present, *(neighbour.patch for neighbour in neighbours)]
    top, left = (max(min(getattr(p, side) for p in patches), 0) for side in ("top", "left"))
    height = min(max(p.bottom for p in patches), size_hw[0]) - top
    width = min(max(p.right for p in patches), size_hw[1]) - left
    window, origin = (height, width), (top, left)
    now = present.mask(window, origin)
    votes = np.where(now, 1, -1).astype(np.int16)
    beside: list[tuple[BoolArray, BoolArray]] = []
    for neighbour in neighbours:
        mask = neighbour.patch.mask(window, origin)
        known = _known(neighbour.shift, size_hw, window, origin)
        votes += np.where(mask, 1, -1).astype(np.int16) * known
        if neighbour.is_next:
            beside.append((mask, known))
    most: BoolArray = np.where(votes == 0, now, votes > 0)
    kept = _moving(now & ~most, now, [(mask, known) for mask, known in beside])
    gone = _moving(most & ~now, ~now, [(~mask, known) for mask, known in beside])
    return Patch.of((most | kept) & ~gone).moved(origin)


def _known(
    shift: Shift, size_hw: tuple[int, int], window: tuple[int, int], origin: Shift
) -> BoolArray:
    """Where a picture that was moved lies in a window."""
    picture = Patch(0, 0, np.ones(size_hw, np.bool_)) if any(shift) else None
    if picture is None:
        return np.ones(window, np.bool_)
    return picture.moved(shift).mask(window, origin)


def _moving(
    parts: BoolArray, now: BoolArray, beside: Sequence[tuple[BoolArray, BoolArray]]
) -> BoolArray:
    """Those of ``parts`` that move: before and after they are there or displaced, once displaced.

    Slivers are left out: that is how outlines tremble.

    Args:
        parts: what would be outvoted.
        now: what they are parts of.
        beside: the same of the frames before and after, and where they are known.
    """
    moving = np.zeros_like(parts)
    if not beside or not parts.any():
        return moving
    found = _components(parts)
    others = [_components(mask & ~now & known) for mask, known in beside]
    for number in range(1, found.count):
        part = found.labels == number
        is_displaced = [_has_counterpart(found, number, other) for other in others]
        is_there = [
            np.count_nonzero(part & mask) >= _LEAST_THERE * found.areas[number]
            for mask, _ in beside
        ]
        if any(is_displaced) and all(map(bool.__or__, is_displaced, map(bool, is_there))):
            # The opening has taken the corners.
            grown = cv2.dilate(part.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
            moving |= grown & parts
    return moving


@dataclass(frozen=True, eq=False)
class _Components:
    """Connected parts, numbered from 1; ``centres`` are (x, y)."""

    count: int
    labels: npt.NDArray[np.int32]
    areas: npt.NDArray[np.int32]
    centres: npt.NDArray[np.float64]


def _has_counterpart(found: _Components, number: int, others: _Components) -> bool:
    area, centre = found.areas[number], found.centres[number]
    is_alike = (others.areas * _MOST_DIFFERENT >= area) & (others.areas <= area * _MOST_DIFFERENT)
    is_near = np.hypot(*(others.centres - centre).T) <= _FARTHEST * np.sqrt(area)
    return bool((is_alike & is_near)[1:].any())


def _components(parts: BoolArray) -> _Components:
    """What is at least three pixels thick."""
    thick = cv2.morphologyEx(parts.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, centres = cv2.connectedComponentsWithStats(thick, connectivity=8)
    return _Components(
        count,
        np.asarray(labels, np.int32),
        np.asarray(stats[:, cv2.CC_STAT_AREA], np.int32),
        np.asarray(centres, np.float64),
    )
