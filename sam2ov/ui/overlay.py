"""The masks of all objects on a frame as one palette PNG: a few milliseconds, a few kilobytes."""

import io
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.masks import FloatArray, resize_logits, without_overlaps
from sam2ov.palette import from_hex

FILL_ALPHA = 115
BORDER_ALPHA = 255
_BORDER = np.ones((3, 3), np.uint8)


def label_map(mask_logits: FloatArray, size_hw: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Which object each pixel shows: 0 for none, n for the n-th of [N, h, w]; uint8 [H, W]."""
    if len(mask_logits) == 0:
        return np.zeros(size_hw, np.uint8)
    resized = without_overlaps(resize_logits(mask_logits, size_hw))
    labels = np.zeros(size_hw, np.uint8)
    for number, logits in enumerate(resized, 1):
        labels[logits > 0] = number
    return labels


def overlay_png(mask_logits: FloatArray, colours: Sequence[str], size_hw: tuple[int, int]) -> bytes:
    """Paint masks as translucent areas with opaque borders.

    Args:
        mask_logits: [N, h, w], N ≤ 127.
        colours: "#rrggbb" of each object.
        size_hw: of the picture.

    Returns:
        A PNG with palette and transparency: 0 is clear, 2n - 1 the area and 2n the border of the
        n-th object.
    """
    labels = label_map(mask_logits, size_hw)
    inside = cv2.erode(labels, _BORDER) == cv2.dilate(labels, _BORDER)
    painted = np.where(labels > 0, 2 * labels - inside, 0).astype(np.uint8)
    palette = [0, 0, 0]
    alphas = [0]
    for colour in colours:
        palette += [*from_hex(colour), *from_hex(colour)]
        alphas += [FILL_ALPHA, BORDER_ALPHA]
    image = Image.fromarray(painted)
    image.putpalette(palette)
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1, transparency=bytes(alphas))
    return stream.getvalue()
