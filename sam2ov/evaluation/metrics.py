"""J and F of DAVIS (Perazzi et al., CVPR 2016), each between 0 and 1.

The same numbers as ``davis2017-evaluation`` (``davis2017/metrics.py``), which dilates the outlines
with a disc; a distance transform finds the same pixels faster.
"""

import math

import cv2
import numpy as np

from sam2ov.values.masks import BoolArray

BOUNDARY_TOLERANCE = 0.008
"""How far apart matching outlines may be, in diagonals of the picture."""


def region_similarity(mask: BoolArray, truth: BoolArray) -> float:
    """J: intersection over union of two masks [H, W]; 1 where both are empty."""
    union = np.count_nonzero(mask | truth)
    return np.count_nonzero(mask & truth) / union if union else 1.0


def boundary_accuracy(
    mask: BoolArray, truth: BoolArray, tolerance: float = BOUNDARY_TOLERANCE
) -> float:
    """F: harmonic mean of the precision and the recall of the outline.

    An outline pixel is right if the other outline passes within ``tolerance`` diagonals of it,
    rounded up to whole pixels. 1 where both masks are without an outline, 0 where one of them is.
    """
    radius = math.ceil(tolerance * math.hypot(*mask.shape))
    found, wanted = outline(mask), outline(truth)
    if not (found.any() and wanted.any()):
        return float(found.any() == wanted.any())
    precision = _share_near(found, wanted, radius)
    recall = _share_near(wanted, found, radius)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def outline(mask: BoolArray) -> BoolArray:
    """The pixels that differ from their right, lower or lower right neighbour.

    ``_seg2bmap`` of ``davis2017-evaluation``: one pixel wide, half a pixel towards the origin. The
    edge of the picture is no outline.
    """
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    right, below, diagonal = padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    edges: BoolArray = (mask != right) | (mask != below) | (mask != diagonal)
    return edges


def _share_near(outline_a: BoolArray, outline_b: BoolArray, radius: int) -> float:
    """The share of one outline that is at most ``radius`` pixels away from the other."""
    outside = (~outline_b).view(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Squared distances of pixels are whole numbers: the next one beyond radius² is well apart.
    near = distance <= math.sqrt(radius * radius + 0.5)
    return float(np.count_nonzero(outline_a & near) / np.count_nonzero(outline_a))
