"""Prompts: what the user says about an object on a frame.

Points and boxes are kept in video pixels (``points_xy_video``, x to the right, y down, the centre
of the top-left pixel is 0.5) and brought to model pixels only when they are encoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sam2ov.errors import PromptError
from sam2ov.values.masks import BoolArray, FloatArray
from sam2ov.values.rle import Rle, decode_rle, encode_rle


class Label(IntEnum):
    """Meaning of a point (prompt_encoder.py, ``_embed_points``)."""

    PADDING = -1
    NEGATIVE = 0
    POSITIVE = 1
    BOX_TOP_LEFT = 2
    BOX_BOTTOM_RIGHT = 3


@dataclass(frozen=True, eq=False)
class PointPrompt:
    """Clicks and at most one box; the box corners come first.

    Attributes:
        points_xy_video: float32 [P, 2], P ≥ 1.
        labels: int32 [P], values of ``Label`` without ``PADDING``.
    """

    points_xy_video: FloatArray
    labels: npt.NDArray[np.int32]

    def __add__(self, other: "PointPrompt") -> "PointPrompt":
        return PointPrompt(
            np.concatenate([self.points_xy_video, other.points_xy_video]),
            np.concatenate([self.labels, other.labels]),
        )


@dataclass(frozen=True)
class MaskPrompt:
    """A mask that the user drew or imported, at any size, squashed like the frame.

    It is kept as run lengths, since there may be one on every frame of a long clip.

    Attributes:
        rle: valid (``require_valid``).
    """

    rle: Rle

    @classmethod
    def of(cls, mask: BoolArray) -> Self:
        """The prompt of a mask [H, W]."""
        return cls(encode_rle(mask))

    @property
    def mask(self) -> BoolArray:
        """The mask [H, W], decoded anew each time."""
        return decode_rle(self.rle)


Prompt = PointPrompt | MaskPrompt


def make_point_prompt(
    points: Any,
    labels: Any,
    box: Any,
    size_hw: tuple[int, int],
    *,
    normalize_coords: bool = True,
) -> PointPrompt:
    """Check clicks and a box and put them together.

    Args:
        points: [P, 2] (x, y) or None; anything NumPy turns into an array.
        labels: [P] of 1 (object) and 0 (background), or None; given if and only if points are.
        box: (x0, y0, x1, y1) or None.
        size_hw: height and width of the video.
        normalize_coords: True: coordinates are video pixels; False: they are fractions of the
            width and height (upstream's meaning of the flag).

    Raises:
        PromptError: nothing was given, or a value is malformed.
    """
    if (points is None) != (labels is None):
        raise PromptError("points and labels must be provided together, one label per point.")
    if points is None and box is None:
        raise PromptError("at least one of points or box must be provided as input.")
    parts = []
    if box is not None:
        parts.append(_box_prompt(box))
    if points is not None:
        parts.append(_click_prompt(points, labels))
    prompt = parts[0] if len(parts) == 1 else parts[0] + parts[1]
    if len(prompt.labels) == 0:
        raise PromptError("at least one point or a box must be provided: points is empty.")
    if not normalize_coords:
        height, width = size_hw
        scale = np.array([width, height], np.float32)
        return PointPrompt(np.multiply(prompt.points_xy_video, scale), prompt.labels)
    return prompt


def make_mask_prompt(mask: Any) -> MaskPrompt:
    """Check a mask prompt.

    Args:
        mask: [H, W]; non-zero is the object.

    Raises:
        PromptError: not two-dimensional, or empty of pixels.
    """
    array = np.asarray(mask)
    if array.ndim != 2 or array.size == 0:
        raise PromptError(f"a mask must be two-dimensional [H, W], got shape {array.shape}.")
    return MaskPrompt.of(array.astype(np.bool_))


def merge_prompts(prompts: Sequence[Prompt]) -> Prompt:
    """What prompts given one after the other on a frame come to.

    Points add to the points before them, a mask replaces what was before, and points after a mask
    replace it: the answer to the mask is fed back with them.
    """
    merged, *rest = prompts
    for prompt in rest:
        if isinstance(merged, PointPrompt) and isinstance(prompt, PointPrompt):
            merged = merged + prompt
        else:
            merged = prompt
    return merged


def points_to_model(
    points_xy_video: FloatArray, size_hw: tuple[int, int], image_size: int
) -> FloatArray:
    """Scale points from video pixels to model pixels (the frame is squashed to a square)."""
    height, width = size_hw
    fractions = np.divide(points_xy_video, np.array([width, height]), dtype=np.float32)
    points_xy_model: FloatArray = np.multiply(fractions, image_size, dtype=np.float32)
    return points_xy_model


def _as_float(values: Any, what: str) -> FloatArray:
    try:
        array = np.asarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise PromptError(f"{what} must be numbers, got {values!r}.") from error
    if not np.isfinite(array).all():
        raise PromptError(f"{what} must be finite numbers, got {values!r}.")
    return array


def _box_prompt(box: Any) -> PointPrompt:
    corners = _as_float(box, "box coordinates")
    if corners.size != 4:
        raise PromptError(f"a box is (x0, y0, x1, y1), got {corners.size} numbers.")
    labels = np.array([Label.BOX_TOP_LEFT, Label.BOX_BOTTOM_RIGHT], np.int32)
    return PointPrompt(corners.reshape(2, 2), labels)


def _click_prompt(points: Any, labels: Any) -> PointPrompt:
    xy = _as_float(points, "points")
    kinds = np.asarray(labels)
    if xy.ndim == 3 and xy.shape[0] == 1:  # upstream also takes a leading batch of one
        xy = xy[0]
    if kinds.ndim == 2 and kinds.shape[0] == 1:
        kinds = kinds[0]
    if xy.size == 0 and kinds.size == 0:
        return PointPrompt(np.zeros((0, 2), np.float32), np.zeros(0, np.int32))
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise PromptError(f"points must have shape [P, 2], got {xy.shape}.")
    if kinds.shape != (len(xy),):
        raise PromptError(f"{len(xy)} points need {len(xy)} labels, got shape {kinds.shape}.")
    if not np.isin(kinds, [label.value for label in Label if label is not Label.PADDING]).all():
        raise PromptError(f"labels are 1 (object) or 0 (background), got {kinds.tolist()}.")
    return PointPrompt(xy, kinds.astype(np.int32))
