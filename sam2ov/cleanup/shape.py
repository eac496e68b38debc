"""One mask at a time: holes, specks, the course of the outline, soft edges.

The object is taken to go on beyond the borders of the picture: nothing is moved or softened there.
"""

from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.values.masks import BoolArray, FloatArray

Box = tuple[slice, slice]
"""Rows and columns."""

_SIGMAS = 3
"""Of a Gaussian that count."""


def without_holes(mask: BoolArray, max_area: int) -> BoolArray:
    """Fill background parts (4-connected) of up to ``max_area`` pixels inside a mask [H, W].

    What touches the border of the picture is no hole.
    """
    if not max_area or not mask.any():
        return mask
    count, labels, stats, _ = cv2.connectedComponentsWithStats(_bytes(~mask), connectivity=4)
    is_hole = stats[:, cv2.CC_STAT_AREA] <= max_area
    is_hole[0] = False  # the mask itself
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        is_hole[np.unique(line)] = False
    return mask | is_hole[labels] if count > 1 else mask


def without_specks(mask: BoolArray, max_area: int) -> BoolArray:
    """Remove parts (8-connected) of up to ``max_area`` pixels from a mask [H, W]."""
    if not max_area or not mask.any():
        return mask
    _, labels, stats, _ = cv2.connectedComponentsWithStats(_bytes(mask), connectivity=8)
    stays = stats[:, cv2.CC_STAT_AREA] > max_area
    stays[0] = False  # the background
    kept: BoolArray = stays[labels]
    return kept


def smoothed(mask: BoolArray, radius: float) -> BoolArray:
    """Round off a mask [H, W]: what is finer than about ``radius`` pixels goes."""
    if radius <= 0 or not mask.any():
        return mask
    box = box_around(mask, ceil(_SIGMAS * radius))
    soft = cv2.GaussianBlur(
        mask[box].astype(np.float32), (0, 0), radius, borderType=cv2.BORDER_REPLICATE
    )
    made = mask.copy()
    made[box] = soft > 0.5
    return made


def grown(mask: BoolArray, by: float) -> BoolArray:
    """Move the outline of a mask [H, W] outwards by so many pixels, inwards if negative."""
    if by == 0 or not mask.any():
        return mask
    box = box_around(mask, ceil(abs(by)) + 1)
    inside = mask[box]
    made = mask.copy()
    made[box] = _distance(~inside) <= by if by > 0 else _distance(inside) > -by
    return made


def feathered(mask: BoolArray, width: float, pixel_aspect: float = 1.0) -> FloatArray:
    """A matte [H, W] from 0 to 1 with soft edges; > 0.5 is the mask.

    Args:
        mask: [H, W].
        width: of the edges, in rows of the picture.
        pixel_aspect: width / height of a pixel; edges are as wide along both axes of the display.
    """
    matte = mask.astype(np.float32)
    if width <= 1 or not mask.any():
        return matte
    box = box_around(mask, ceil(width / 2 * max(1 / pixel_aspect, 1)) + 1)
    inside = mask[box]
    distance = signed_distance(inside) if pixel_aspect == 1 else _shown(inside, pixel_aspect)
    ramp = np.clip(0.5 + distance / width, 0, 1)
    matte[box] = ramp * ramp * (3 - 2 * ramp)
    return matte


def antialiased(mask: BoolArray, logits: FloatArray) -> FloatArray:
    """How much of each pixel a mask covers, [H, W] from 0 to 1; > 0.5 is the mask.

    Between pixels the outline is where the logits pass through 0: by their slope it is so many
    pixels away.

    Args:
        mask: [H, W].
        logits: [H, W], whose signs are the mask wherever it ends.
    """
    matte = mask.astype(np.float32)
    if not mask.any():
        return matte
    box = box_around(mask, 2)
    inside, near = mask[box], np.asarray(logits[box], np.float32)
    slope = cv2.magnitude(*(cv2.Sobel(near, cv2.CV_32F, x, 1 - x, ksize=1) / 2 for x in (1, 0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        covered = np.clip(0.5 + near / slope, 0, 1)
    # Elsewhere, such as where another object is on top, the outline lies between whole pixels.
    is_edge = (slope > 0) & ((near > 0) == inside)
    matte[box] = np.where(is_edge, covered, inside)
    return matte


def _shown(mask: BoolArray, pixel_aspect: float) -> FloatArray:
    """As ``signed_distance``, measured where pixels are square, in rows of the mask.

    At the outline, which is found anew between pixels there, the mask itself says what is inside.
    """
    height, width = mask.shape
    size = max(round(width * pixel_aspect), 1), height
    how = cv2.INTER_LINEAR if pixel_aspect > 1 else cv2.INTER_AREA
    wide = cv2.resize(mask.astype(np.float32), size, interpolation=how) > 0.5
    distance = cv2.resize(signed_distance(wide), (width, height), interpolation=cv2.INTER_LINEAR)
    found: FloatArray = np.where(mask, np.maximum(distance, 0.05), np.minimum(distance, -0.05))
    return found


def signed_distance(mask: BoolArray) -> FloatArray:
    """Distance to the outline of a mask [H, W] in pixels, negative outside."""
    signed: FloatArray = np.where(mask, _distance(mask) - 0.5, 0.5 - _distance(~mask))
    return signed


def box_around(mask: BoolArray, margin: int) -> Box:
    """Rows and columns of the picture that a mask [H, W] lies in, with a margin."""
    x, y, width, height = cv2.boundingRect(_bytes(mask))
    rows = slice(max(y - margin, 0), y + height + margin)
    return rows, slice(max(x - margin, 0), x + width + margin)


def _distance(mask: BoolArray) -> FloatArray:
    """How far each pixel of a mask is from what is not in it; 0 elsewhere."""
    if mask.all():  # OpenCV leaves open what the distance to nothing is
        return np.full(mask.shape, np.float32(1e6))
    distance = cv2.distanceTransform(_bytes(mask), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance, np.float32)


def _bytes(mask: BoolArray) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(mask).view(np.uint8)
