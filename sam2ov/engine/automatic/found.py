"""A mask that was found, and what one is at the size of the image."""

from dataclasses import dataclass

import cv2
import numpy as np

from sam2ov.engine.automatic.grids import Crop
from sam2ov.engine.automatic.settings import AutomaticSettings
from sam2ov.values.masks import BoolArray, FloatArray, clean_logits, resize_logits
from sam2ov.values.rle import Rle, decode_rle, encode_box_rle


@dataclass(frozen=True)
class FoundMask:
    """A mask of something in an image.

    Attributes:
        rle: the mask at the image's size.
        area: in pixels.
        box: (x0, y0, x1, y1): the first and the last column and row of the mask, both included;
            zeros for an empty mask.
        iou: the predicted one.
        stability: IoU of the masks above and below the threshold; NaN for an empty one.
        point: the click (x, y) in pixels of the image.
        crop: where it was found.
    """

    rle: Rle
    area: int
    box: tuple[int, int, int, int]
    iou: float
    stability: float
    point: tuple[float, float]
    crop: Crop

    @property
    def mask(self) -> BoolArray:
        """The mask, bool [H, W], decoded anew each time."""
        return decode_rle(self.rle)

    @property
    def box_xywh(self) -> tuple[int, int, int, int]:
        """The box as upstream gives it: x, y, and the differences of its ends."""
        x0, y0, x1, y1 = self.box
        return x0, y0, x1 - x0, y1 - y0


@dataclass(frozen=True, eq=False)
class Candidate:
    """A mask of the decoder that may be one of something.

    Attributes:
        logits: float32 [h, w] at low resolution.
        iou: the predicted one.
        point: the click (x, y) in pixels of the crop.
    """

    logits: FloatArray
    iou: np.float32
    point: FloatArray


def measured(
    candidate: Candidate, crop: Crop, size_hw: tuple[int, int], settings: AutomaticSettings
) -> FoundMask | None:
    """A candidate at the size of the image; None if it is not stable enough.

    Upstream: ``_process_batch`` (automatic_mask_generator.py, l. 299).
    """
    threshold, offset = settings.mask_threshold, settings.stability_score_offset
    least = settings.min_mask_region_area
    cleaned = clean_logits(candidate.logits[None], threshold, least, least)
    logits = resize_logits(cleaned, crop.size_hw)[0]
    inner = np.count_nonzero(logits > threshold + offset)
    outer = np.count_nonzero(logits > threshold - offset)
    stability = np.float32(inner) / np.float32(outer) if outer else np.float32("nan")
    if settings.stability_score_thresh > 0 and not stability >= settings.stability_score_thresh:
        return None
    mask = (logits > threshold).view(np.uint8)
    x, y, width, height = cv2.boundingRect(mask)
    part = mask[y : y + height, x : x + width].view(np.bool_)
    left, top = x + crop.x0, y + crop.y0
    is_empty = not width
    box = (left, top, left + width - 1, top + height - 1)
    return FoundMask(
        rle=encode_box_rle(part, (left, top), size_hw),
        area=int(np.count_nonzero(part)),
        box=(crop.x0, crop.y0, crop.x0, crop.y0) if is_empty else box,
        iou=float(candidate.iou),
        stability=float(stability),
        point=(float(candidate.point[0]) + crop.x0, float(candidate.point[1]) + crop.y0),
        crop=crop,
    )
