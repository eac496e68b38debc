"""The prompts of one object on one frame, in order: what can be moved or taken away."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.errors import PromptError
from sam2ov.values.masks import BoolArray
from sam2ov.values.prompts import Label, PointPrompt, Prompt

PromptSequence = tuple[Prompt, ...]
"""What was said about one object on one frame, in order."""


@dataclass(frozen=True)
class _Place:
    """Where a point stands: in which prompt, and where in it."""

    prompt: int
    point: int


def points_of(sequence: PromptSequence) -> list[tuple[float, float, int]]:
    """All points as (x, y, label) in video pixels; the corners of a box are points."""
    return [
        (float(x), float(y), int(label))
        for prompt in sequence
        if isinstance(prompt, PointPrompt)
        for (x, y), label in zip(prompt.points_xy_video, prompt.labels, strict=True)
    ]


def with_point_moved(
    sequence: PromptSequence, index: int, xy: tuple[float, float]
) -> PromptSequence:
    """Put a point somewhere else; the corners of a box stay in order.

    Args:
        sequence: of the frame.
        index: counts as ``points_of``.
        xy: in video pixels.

    Raises:
        PromptError: there is no such point, or the box would be empty.
    """
    place, prompt = _find(sequence, index)
    points = prompt.points_xy_video.copy()
    points[place.point] = xy
    corners = np.flatnonzero(prompt.labels >= Label.BOX_TOP_LEFT)
    if place.point in corners:
        box = points[corners]
        points[corners] = [box.min(axis=0), box.max(axis=0)]
        if (np.ptp(box, axis=0) < 1).any():
            raise PromptError("The box would be empty. Drag its corner further away.")
    changed = replace(prompt, points_xy_video=points)
    return (*sequence[: place.prompt], changed, *sequence[place.prompt + 1 :])


def without_point(sequence: PromptSequence, index: int) -> PromptSequence:
    """Take a point away, with both corners if it belongs to a box; raises as above."""
    place, prompt = _find(sequence, index)
    is_corner = prompt.labels >= Label.BOX_TOP_LEFT
    keep = ~is_corner if is_corner[place.point] else np.arange(len(is_corner)) != place.point
    rest: PromptSequence = ()
    if keep.any():
        rest = (PointPrompt(prompt.points_xy_video[keep], prompt.labels[keep]),)
    return (*sequence[: place.prompt], *rest, *sequence[place.prompt + 1 :])


def painted(
    mask: BoolArray,
    points_xy: Sequence[tuple[float, float]],
    radius: float,
    *,
    erase: bool,
    pixel_aspect: float = 1.0,
) -> BoolArray:
    """Draw a stroke with a round brush into a mask.

    Args:
        mask: [H, W]; stays as it is.
        points_xy: the path in pixels of the mask, (0, 0) the corner of its first pixel.
        radius: of the brush, in rows of the mask.
        erase: take the stroke away instead of adding it.
        pixel_aspect: width / height of a pixel; the brush is round where the picture is shown.
    """
    height, width = mask.shape
    size = max(round(width * pixel_aspect), 1), height
    stroke = _stroke(size, [(x * size[0] / width, y) for x, y in points_xy], radius)
    if size[0] != width:
        # Half covered is painted.
        how = cv2.INTER_AREA if size[0] > width else cv2.INTER_LINEAR
        covered = cv2.resize(stroke * 255, (width, height), interpolation=how)
        stroke = (np.asarray(covered) > 127).view(np.uint8)
    result: BoolArray = mask & (stroke == 0) if erase else mask | (stroke > 0)
    return result


def refined(
    mask: BoolArray, answer: BoolArray, xy: tuple[float, float], *, positive: bool
) -> BoolArray:
    """A mask with what a click on it changes where it was made; elsewhere it stays.

    Args:
        mask: [H, W], before the click.
        answer: [H, W], what the model makes of mask and click.
        xy: the click, in pixels of the masks.
        positive: the part of ``answer`` at the click is added; else the part of ``mask`` there that
            ``answer`` has not is taken away.
    """
    height, width = mask.shape
    column, row = min(int(xy[0]), width - 1), min(int(xy[1]), height - 1)
    changed = answer & ~mask if positive else mask & ~answer
    count, parts = cv2.connectedComponents(changed.view(np.uint8), connectivity=4)
    part = parts[row, column]
    if count < 2 or not part:
        return mask
    result: BoolArray = mask | (parts == part) if positive else mask & (parts != part)
    return result


def _stroke(
    size_wh: tuple[int, int], points_xy: Sequence[tuple[float, float]], radius: float
) -> npt.NDArray[np.uint8]:
    """A stroke, 1 on 0, where pixels are square."""
    shift = 4
    scale = 1 << shift
    # OpenCV's coordinates are centres of pixels, and fixed-point numbers here.
    path = np.round((np.array(points_xy, np.float64) - 0.5) * scale).astype(np.int32)
    # It also fills every pixel that an outline touches: half a pixel more on each side.
    inner = radius - min(0.5, radius / 4)
    stroke = np.zeros(size_wh[::-1], np.uint8)
    for centre in path:
        cv2.circle(stroke, centre.tolist(), round(inner * scale), 1, cv2.FILLED, shift=shift)
    if len(path) > 1:
        cv2.polylines(stroke, [path], False, 1, thickness=max(round(2 * inner), 1), shift=shift)
    return stroke


def _find(sequence: PromptSequence, index: int) -> tuple[_Place, PointPrompt]:
    left = index
    for number, prompt in enumerate(sequence):
        if isinstance(prompt, PointPrompt):
            if left < len(prompt.labels):
                return _Place(number, left), prompt
            left -= len(prompt.labels)
    raise PromptError("This point is no longer there.")
