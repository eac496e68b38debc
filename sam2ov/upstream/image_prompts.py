"""The prompts of ``SAM2ImagePredictor.predict`` in all their forms, for the networks."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sam2ov.engine.image import ImagePrompts
from sam2ov.errors import PromptError
from sam2ov.manifest import Manifest
from sam2ov.values.masks import FloatArray
from sam2ov.values.prompts import Label, points_to_model


def make_image_prompts(
    point_coords: Any,
    point_labels: Any,
    box: Any,
    mask_input: Any,
    size_hw: tuple[int, int],
    manifest: Manifest,
    *,
    normalize_coords: bool,
) -> ImagePrompts:
    """Check the prompts of N objects and put them together: corners of boxes first.

    Upstream: ``_prep_prompts`` and ``_predict`` (sam2_image_predictor.py).

    Args:
        point_coords: [P, 2] or [N, P, 2], or None.
        point_labels: [P] or [N, P]; given if and only if points are.
        box: 4 numbers, or [N, 4], or None.
        mask_input: [1, h, w], [h, w] or [N, 1, h, w] logits, or None.
        size_hw: of the image.
        manifest: of the model.
        normalize_coords: False where coordinates are fractions of width and height.

    Raises:
        PromptError: a value is malformed, or the numbers of objects differ.
    """
    if (point_coords is None) != (point_labels is None):
        raise PromptError(
            "point_labels must be supplied if point_coords is supplied, and the other way round."
        )
    parts: list[tuple[FloatArray, npt.NDArray[np.int32]]] = []
    if box is not None:
        parts.append(_boxes(box))
    if point_coords is not None:
        parts.append(_points(point_coords, point_labels))
    masks = None if mask_input is None else _masks(mask_input, manifest.low_res_size)
    numbers = {len(labels) for _, labels in parts}
    if len(numbers) > 1:
        raise PromptError(
            "points and boxes must be for the same number of objects, got "
            f"{len(parts[1][1])} and {len(parts[0][1])}."
        )
    if not parts:
        count = 1 if masks is None else len(masks)
        parts.append((np.zeros((count, 0, 2), np.float32), np.zeros((count, 0), np.int32)))
    count = len(parts[0][1])
    xy = np.concatenate([xy for xy, _ in parts], axis=1)
    labels = np.concatenate([labels for _, labels in parts], axis=1)
    points = (
        points_to_model(xy, size_hw, manifest.image_size)
        if normalize_coords
        else np.multiply(xy, manifest.image_size, dtype=np.float32)
    )
    if masks is not None and len(masks) not in (1, count):
        raise PromptError(f"mask_input is for {len(masks)} objects, the other prompts for {count}.")
    return ImagePrompts(points, labels, masks)


def _numbers(values: Any, what: str) -> FloatArray:
    try:
        array = np.asarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise PromptError(f"{what} must be numbers in rows of one length.") from error
    if not np.isfinite(array).all():
        raise PromptError(f"{what} must be finite numbers.")
    return array


def _boxes(box: Any) -> tuple[FloatArray, npt.NDArray[np.int32]]:
    corners = _numbers(box, "boxes")
    if corners.size == 0 or corners.size % 4 or corners.shape[-1] not in (2, 4):
        raise PromptError(
            f"boxes are (x0, y0, x1, y1) or [N, 4], at least one; got shape {corners.shape}."
        )
    corners = corners.reshape(-1, 2, 2)
    labels = np.array([[Label.BOX_TOP_LEFT, Label.BOX_BOTTOM_RIGHT]], np.int32)
    return corners, np.repeat(labels, len(corners), axis=0)


def _points(point_coords: Any, point_labels: Any) -> tuple[FloatArray, npt.NDArray[np.int32]]:
    xy, kinds = _numbers(point_coords, "point_coords"), _numbers(point_labels, "point_labels")
    if xy.ndim == 2:
        xy, kinds = xy[None], kinds[None]
    if xy.ndim != 3 or xy.shape[2] != 2 or xy.size == 0:
        raise PromptError(f"point_coords must be [P, 2] or [N, P, 2], got shape {xy.shape}.")
    if kinds.shape != xy.shape[:2]:
        raise PromptError(
            f"point_labels must have one label per point, {xy.shape[:2]}; got {kinds.shape}."
        )
    labels = kinds.astype(np.int32)
    if not np.isin(labels, [label.value for label in Label]).all() or (labels != kinds).any():
        raise PromptError("labels are 1 (object), 0 (background) or -1 (no point).")
    return xy, labels


def _masks(mask_input: Any, size: int) -> FloatArray:
    logits = _numbers(mask_input, "mask_input")
    fits = logits.shape[-2:] == (size, size) and logits.ndim <= 4
    if not fits or logits.size == 0 or (logits.ndim == 4 and logits.shape[1] != 1):
        raise PromptError(
            f"mask_input must be logits [1, {size}, {size}] of an earlier call, or "
            f"[N, 1, {size}, {size}] for N objects; got {logits.shape}."
        )
    return logits.reshape(-1, size, size)
