"""Masks as the fields of ``supervision.Detections``, without that package."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.errors import PromptError


def masks_to_detections(
    masks: Any,
    obj_ids: Sequence[int] | None = None,
    *,
    class_ids: Sequence[int] | None = None,
    scores: Sequence[float] | npt.NDArray[Any] | None = None,
) -> dict[str, Any]:
    """What ``supervision.Detections`` is made of: ``Detections(**masks_to_detections(masks))``.

    Args:
        masks: [N, H, W] or [N, 1, H, W]: booleans, 0 and 1, or logits: an object is where they are
            greater than 0. Objects without a pixel are left out.
        obj_ids: of the N objects, which become ``tracker_id``; None for detections of one image.
        class_ids: of the N objects; None for 0 each.
        scores: of the N objects, 0 to 1, which become ``confidence``; None for none.

    Returns:
        For the n objects that are to be seen: ``xyxy`` float32 [n, 4], the first and last column
        and row in pixels, as ``supervision.mask_to_xyxy`` gives them; ``mask`` bool [n, H, W];
        ``confidence`` float32 [n] or None; ``class_id`` and ``tracker_id`` int64 [n], the latter
        None without ``obj_ids``.

    Raises:
        PromptError: shapes or lengths do not fit.
    """
    array = np.asarray(masks)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape == (0,):  # an empty list
        array = array.reshape(0, 0, 0)
    if array.ndim != 3:
        raise PromptError(f"masks must be [N, H, W] or [N, 1, H, W], got shape {array.shape}.")
    found = array > 0
    for name, values in (("obj_ids", obj_ids), ("class_ids", class_ids), ("scores", scores)):
        if values is not None and len(values) != len(found):
            raise PromptError(f"{name} must have one entry for each of the {len(found)} masks.")
    seen = np.flatnonzero(found.any(axis=(1, 2)))
    classes = np.zeros(len(found), np.int64) if class_ids is None else np.asarray(class_ids)
    return {
        "xyxy": np.array([_xyxy(found[i]) for i in seen], np.float32).reshape(-1, 4),
        "mask": found[seen],
        "confidence": None if scores is None else np.asarray(scores, np.float32)[seen],
        "class_id": classes.astype(np.int64)[seen],
        "tracker_id": None if obj_ids is None else np.asarray(obj_ids, np.int64)[seen],
    }


def _xyxy(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    return x, y, x + width - 1, y + height - 1
