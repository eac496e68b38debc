"""Masks as polygons: exact along the edges of pixels, or through their centres.

COCO's coordinates are continuous (a pixel covers one unit), so its polygons run along the edges.
YOLO's are drawn by ``cv2.fillPoly``, whose lines belong to what it fills, so they run through the
outermost pixels: a quarter into each, which those who cut off (Ultralytics) and those who round
(supervision) take for the same one. One polygon is one ring: holes, and where asked for the parts
of an object, are joined to it by a line there and back, which encloses nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.values.masks import BoolArray

Ring = npt.NDArray[np.float64]
"""[P, 2] corners (x, y) of a closed polygon, the first one not repeated."""

_WITHIN = 0.25
_TOLERANCE = 0.02
_MAX_TOLERANCE = 1.0
_MAX_DISTANCES = 4_000_000
_MOST_JOINED = 300


def edge_polygons(mask: BoolArray) -> list[Ring]:
    """A polygon for each part of a mask (4-connected), along the edges of its pixels."""
    count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    rings: list[list[Ring]] = [[] for _ in range(count)]
    tolerance = _tolerance(mask)
    for ring in _edge_rings(mask):
        x, y = _pixel_inside(ring)
        rings[labels[y, x]].append(ring)
    return [_with_holes(part, tolerance) for part in rings[1:]]


def centre_polygons(mask: BoolArray, *, joined: bool) -> list[Ring]:
    """A polygon for each part of a mask (8-connected) or for all, through the centres of pixels.

    Args:
        mask: [H, W].
        joined: make one of all parts.

    Returns:
        Rings of at least three corners, in pixels of which the first one goes from 0 to 1.
    """
    contours, hierarchy = cv2.findContours(
        mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    if not contours:
        return []
    tolerance = _tolerance(mask)
    parts: dict[int, list[Ring]] = {}
    for index, contour in enumerate(contours):
        parent = int(hierarchy[0][index][3])
        ring = contour[:, 0].astype(np.float64)
        parts.setdefault(index if parent < 0 else parent, []).append(ring)
    polygons = [_with_holes(rings, tolerance) for rings in parts.values()]
    if joined:
        polygons = [joined_polygon(polygons)]
    return [_at_least_three(ring) + _WITHIN for ring in polygons]


def _tolerance(mask: BoolArray) -> float:
    """By how much outlines may be straightened: little enough for 98 % of a small mask to stay."""
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(len(contour) for contour in contours)
    return min(_MAX_TOLERANCE, _TOLERANCE * int(np.count_nonzero(mask)) / max(length, 1))


def _with_holes(rings: list[Ring], tolerance: float) -> Ring:
    """One ring of an outline and those of its holes."""
    simple = [_simplified(ring, tolerance) for ring in rings]
    simple.sort(key=lambda ring: -abs(_area(ring)))
    return joined_polygon(simple)


def joined_polygon(rings: list[Ring]) -> Ring:
    """One ring of several, by the shortest lines from each to what is joined already.

    Of very many, which are specks, the smallest are left out.
    """
    first, *rest = sorted(rings, key=lambda ring: -abs(_area(ring)))[:_MOST_JOINED]
    if not rest:
        return first
    # By Prim: what is joined grows by one ring, and only that is new to those that wait.
    joined = [first]
    nearest = {number: (_nearest(first, ring), 0) for number, ring in enumerate(rest)}
    lines: dict[int, list[tuple[int, int, int]]] = {}
    order = []
    while nearest:
        number = min(nearest, key=lambda each: nearest[each][0][0])
        (_, here, there), parent = nearest.pop(number)
        joined.append(rest[number])
        place = len(joined) - 1
        lines.setdefault(parent, []).append((here, there, place))
        order.append(number)
        for other, (known, _) in nearest.items():
            found = _nearest(rest[number], rest[other])
            if found[0] < known[0]:
                nearest[other] = found, place
    return _walked(joined, lines, 0, 0)


def _walked(
    joined: list[Ring], lines: Mapping[int, list[tuple[int, int, int]]], number: int, start: int
) -> Ring:
    """A ring from one of its corners around to it, and all that hangs on it there and back."""
    ring = joined[number]
    corners = [(start + step) % len(ring) for step in range(len(ring))]
    by_corner: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for here, there, other in lines.get(number, ()):
        by_corner[here].append((there, other))
    parts: list[Ring] = []
    for corner in corners:
        parts.append(ring[corner : corner + 1])
        for there, other in by_corner[corner]:
            parts += [_walked(joined, lines, other, there), ring[corner : corner + 1]]
    if number:  # back to where the line came in
        parts.append(ring[start : start + 1])
    return np.concatenate(parts)


def _nearest(one: Ring, other: Ring) -> tuple[float, int, int]:
    """Distance squared and the two corners that are closest; of long rings, among some corners."""
    step = max(1, int(np.ceil(np.sqrt(len(one) * len(other) / _MAX_DISTANCES))))
    difference = one[::step, None] - other[None, ::step]
    distances = (difference**2).sum(axis=2)
    here, there = np.unravel_index(int(distances.argmin()), distances.shape)
    return float(distances[here, there]), int(here) * step, int(there) * step


def _simplified(ring: Ring, tolerance: float) -> Ring:
    """Without corners that lie within ``tolerance`` of a straight line."""
    contour = ring.astype(np.float32).reshape(-1, 1, 2)
    return cv2.approxPolyDP(contour, tolerance, closed=True)[:, 0].astype(np.float64)


def _at_least_three(ring: Ring) -> Ring:
    """A line or a point of pixels, too, is a polygon for those who draw it."""
    missing = max(3 - len(ring), 0)
    return np.concatenate([ring, np.repeat(ring[-1:], missing, axis=0)])


def _area(ring: Ring) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _pixel_inside(ring: Ring) -> tuple[int, int]:
    """A pixel of the mask that a ring of ``_edge_rings`` runs along: on the right of its start."""
    (x, y), (to_x, _) = ring[0], ring[1]
    return (int(x), int(y)) if to_x > x else (int(x) - 1, int(y) - 1)


def _edge_rings(mask: BoolArray) -> list[Ring]:
    """All closed lines between object and background, the object on the right of each.

    Where pixels touch at a corner only, lines turn right: the pixels are apart.
    """
    # By corner and direction: to the right above an object, to the left below it, up on its left
    # side, down on its right side.
    across = {
        (x1 if step < 0 else x0, y, step > 0): x0 if step < 0 else x1
        for y, x0, x1, step in _runs(mask)
    }
    along = {
        (x, y1 if step > 0 else y0, step > 0): y0 if step > 0 else y1
        for x, y0, y1, step in _runs(mask.T)
    }
    rings = []
    while across:
        start = next(iter(across))
        corners: list[tuple[int, int]] = []
        key = start
        while True:
            x, y, is_right = key
            corners.append((x, y))
            x = across.pop(key)
            corners.append((x, y))
            is_up = not is_right if (x, y, not is_right) in along else is_right
            y = along.pop((x, y, is_up))
            key = (x, y, is_up)
            if key != start and key not in across:
                key = (x, y, not is_up)
            if key == start:
                break
        rings.append(np.array(corners, np.float64))
    return rings


def _runs(mask: BoolArray) -> Iterator[tuple[int, int, int, int]]:
    """Lines along the rows between unlike pixels: row, first and last column, 1 above an object."""
    padded = np.pad(mask.astype(np.int8), ((1, 1), (1, 1)))
    steps = np.diff(padded, axis=0)
    rows, first = np.nonzero((steps != 0) & (steps != np.roll(steps, 1, axis=1)))
    _, last = np.nonzero((steps != 0) & (steps != np.roll(steps, -1, axis=1)))
    found = (rows, first - 1, last, steps[rows, first])
    yield from zip(*(values.tolist() for values in found), strict=True)
