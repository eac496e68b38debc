"""Mask logits: choosing, resizing, filling holes, resolving overlaps.

``mask_logits`` are float32, an object is where they are > 0. Low resolution is a quarter of the
model's image size; masks are squashed with the frame, so sizes are given as ``size_hw``.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
LabelMap = npt.NDArray[np.uint8]
"""uint8 [H, W]: 0 for the background, n for the n-th object."""
MAX_LABELS: Final = 255
"""Objects that a label map tells apart."""

NO_OBJECT_LOGIT = -1024.0
"""Logit of every pixel of an absent object (``NO_OBJ_SCORE`` in sam2_base.py)."""

PROMPT_LOGIT = 10.0
"""A mask prompt becomes logits of ±10 (sam2_base.py, ``_use_mask_as_output``)."""

HOLE_AREA: Final = 8
"""Holes of up to so many low-resolution pixels are filled, unless told otherwise."""

_OVERLAP_LOGIT = -10.0
_FILLED_LOGIT = 0.1


class MaskSource(Protocol):
    """Where masks come from: a ``VideoSession``, or a project's journal without a model."""

    @property
    def num_frames(self) -> int:
        """Length of the video."""

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the video."""

    @property
    def obj_ids(self) -> Sequence[int]:
        """The objects that have prompts."""

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        """The objects' current answers on a frame, float32 [N, H, W] at a size."""


def no_object(size_hw: tuple[int, int]) -> FloatArray:
    """The logits [H, W] of an object that is not there, or of which nothing is known."""
    return np.full(size_hw, NO_OBJECT_LOGIT, np.float32)


def resize_logits(mask_logits: FloatArray, size_hw: tuple[int, int]) -> FloatArray:
    """Resize [N, h, w] logits bilinearly (half-pixel centres, no antialiasing) to [N, H, W]."""
    height, width = size_hw
    if mask_logits.shape[1:] == size_hw:
        return mask_logits
    resized = np.empty((len(mask_logits), height, width), np.float32)
    for source, target in zip(mask_logits, resized, strict=True):
        cv2.resize(source, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)
    return resized


def resize_antialiased(image: FloatArray, size_hw: tuple[int, int]) -> FloatArray:
    """Resize one [h, w] float image with a triangle filter that widens when it shrinks.

    Equals ``torch.nn.functional.interpolate(mode="bilinear", antialias=True)``.
    """
    height, width = size_hw
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float32)


def mask_to_model(mask: BoolArray, image_size: int) -> BoolArray:
    """Bring a mask prompt [H, W] to the model's square [S, S] (upstream: ``add_new_mask``)."""
    if mask.shape == (image_size, image_size):
        return mask
    return resize_antialiased(mask.astype(np.float32), (image_size, image_size)) >= 0.5


def mask_prompt_logits(mask_model: BoolArray, low_res_size: int) -> FloatArray:
    """Low-resolution logits [h, w] in [-10, 10] of a mask prompt [S, S]."""
    return mask_at(mask_model, (low_res_size, low_res_size))


def mask_at(mask: BoolArray, size_hw: tuple[int, int]) -> FloatArray:
    """Logits in [-10, 10] of a mask [H, W] at another size; exact at its own."""
    logits = mask.astype(np.float32) * (2 * PROMPT_LOGIT) - PROMPT_LOGIT
    return logits if mask.shape == size_hw else resize_antialiased(logits, size_hw)


def fill_holes(mask_logits: FloatArray, max_area: int) -> FloatArray:
    """Turn background components of at most ``max_area`` pixels (8-connected) into foreground.

    Args:
        mask_logits: [N, h, w]; returned unchanged where there is nothing to fill.
        max_area: in pixels of ``mask_logits``; 0 switches filling off.

    Upstream: ``fill_holes_in_mask_scores`` (utils/misc.py), a CUDA kernel skipped on CPU.
    """
    if max_area <= 0:
        return mask_logits
    filled = mask_logits
    for index, logits in enumerate(mask_logits):
        background = (logits <= 0).view(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(background, connectivity=8)
        small = np.flatnonzero(stats[1:count, cv2.CC_STAT_AREA] <= max_area) + 1
        if len(small):
            if filled is mask_logits:
                filled = mask_logits.copy()
            filled[index][np.isin(labels, small)] = _FILLED_LOGIT
    return filled


def clean_logits(
    mask_logits: FloatArray, threshold: float, max_hole_area: float, max_speck_area: float
) -> FloatArray:
    """Fill small holes of masks on a single image, and remove small specks.

    Args:
        mask_logits: [N, h, w]; returned unchanged where there is nothing to do.
        threshold: logits above it are the object.
        max_hole_area: in pixels of ``mask_logits``; 0 fills none. Components are 8-connected.
        max_speck_area: likewise for components of the object.

    Upstream: ``SAM2Transforms.postprocess_masks`` (utils/transforms.py), by a CUDA kernel that is
    skipped on CPU.
    """
    if max_hole_area <= 0 and max_speck_area <= 0:
        return mask_logits
    cleaned = mask_logits.copy()
    for logits, target in zip(mask_logits, cleaned, strict=True):
        for is_part, most, value in (
            (logits <= threshold, max_hole_area, threshold + PROMPT_LOGIT),
            (logits > threshold, max_speck_area, threshold - PROMPT_LOGIT),
        ):
            if most > 0:
                target[_small_parts(is_part, most)] = value
    return cleaned


def _small_parts(is_part: BoolArray, most: float) -> BoolArray:
    """The pixels [h, w] of 8-connected components of at most ``most`` pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        is_part.view(np.uint8), connectivity=8
    )
    is_small = stats[:count, cv2.CC_STAT_AREA] <= most
    is_small[0] = False
    small: BoolArray = is_small[labels]
    return small


def without_overlaps(mask_logits: FloatArray) -> FloatArray:
    """Keep each pixel of [N, H, W] for the object with the highest logit; others get ≤ -10."""
    if len(mask_logits) < 2:
        return mask_logits
    owner = mask_logits.argmax(axis=0)
    keep = owner[None] == np.arange(len(mask_logits))[:, None, None]
    return np.where(keep, mask_logits, np.minimum(mask_logits, _OVERLAP_LOGIT))


def label_map(each_logits: Iterable[FloatArray], size_hw: tuple[int, int]) -> LabelMap:
    """Which object each pixel shows: 0 for none, n for the n-th; uint8 [H, W].

    Where masks overlap it is the one with the highest logit, as in ``without_overlaps``.

    Args:
        each_logits: [H, W] of up to ``MAX_LABELS`` objects; one at a time is in memory.
        size_hw: their height and width.
    """
    labels = np.zeros(size_hw, np.uint8)
    highest = np.zeros(size_hw, np.float32)
    for number, logits in enumerate(each_logits, 1):
        is_higher = logits > highest
        labels[is_higher] = number
        np.copyto(highest, logits, where=is_higher)
    return labels


def stability_scores(mask_logits: FloatArray, delta: float) -> FloatArray:
    """IoU of [N, h, w] masks thresholded at +delta and -delta; 1 for empty ones, float32 [N]."""
    inner = np.count_nonzero(mask_logits > delta, axis=(1, 2)).astype(np.float32)
    outer = np.count_nonzero(mask_logits > -delta, axis=(1, 2)).astype(np.float32)
    return np.where(outer > 0, inner / np.maximum(outer, 1), np.float32(1)).astype(np.float32)


def centre_of_mass(mask: BoolArray) -> tuple[float, float]:
    """Mean position (x, y) of a mask [h, w] in shares of width and height; NaN for an empty one."""
    columns, rows = np.count_nonzero(mask, axis=0), np.count_nonzero(mask, axis=1)
    total = int(columns.sum())
    if total == 0:
        return float("nan"), float("nan")
    height, width = mask.shape
    x = float(columns @ (np.arange(width) + 0.5)) / total / width
    y = float(rows @ (np.arange(height) + 0.5)) / total / height
    return x, y


def box_of(mask: BoolArray) -> tuple[float, float, float, float] | None:
    """The edges (x0, y0, x1, y1) of a mask [H, W] in pixels, ends excluded; None if it is empty."""
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    return (float(x), float(y), float(x + width), float(y + height)) if width else None
