"""Boxes (x0, y0, x1, y1) of masks: which are much alike, and which are cut off by a crop."""

from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.engine.automatic.grids import Crop
from sam2ov.values.masks import BoolArray, FloatArray

_NEAR: Final = 20.0
"""Pixels (utils/amg.py, ``is_box_near_crop_edge``)."""


def suppress(boxes: FloatArray, scores: FloatArray, threshold: float) -> npt.NDArray[np.int64]:
    """Non-maximum suppression as torchvision's ``batched_nms`` with one category does it.

    Args:
        boxes: float32 [N, 4].
        scores: float32 [N].
        threshold: of two boxes with an IoU above it the one with the lower score goes.

    Returns:
        Indices of the boxes that stay, by falling score; of equal scores the first comes first.
    """
    order = np.argsort(-scores, kind="stable")
    x0, y0, x1, y1 = np.ascontiguousarray(boxes[order].T, np.float32)
    areas = (x1 - x0) * (y1 - y0)
    stays = np.ones(len(order), np.bool_)
    for index in range(len(order)):
        if not stays[index]:
            continue
        rest = slice(index + 1, None)
        width = np.maximum(np.minimum(x1[index], x1[rest]) - np.maximum(x0[index], x0[rest]), 0)
        height = np.maximum(np.minimum(y1[index], y1[rest]) - np.maximum(y0[index], y0[rest]), 0)
        shared = width * height
        with np.errstate(divide="ignore", invalid="ignore"):  # two boxes without area: no IoU
            ious = shared / (areas[index] + areas[rest] - shared)
        stays[rest] &= ~(ious.astype(np.float64) > threshold)
    return order[stays]


def touch_crop_edge(boxes: FloatArray, crop: Crop, size_hw: tuple[int, int]) -> BoolArray:
    """Which boxes [N, 4], in pixels of the image, end near an edge of the crop alone.

    What they belong to goes on beyond it. Edges of the image itself do not count.
    """
    height, width = size_hw
    crop_edges = np.array([crop.x0, crop.y0, crop.x1, crop.y1], np.float32)
    image_edges = np.array([0, 0, width, height], np.float32)
    near_crop = np.abs(boxes - crop_edges) <= _NEAR
    near_image = np.abs(boxes - image_edges) <= _NEAR
    touches: BoolArray = (near_crop & ~near_image).any(axis=1)
    return touches
