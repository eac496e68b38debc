"""The masks of all objects on a frame as one palette PNG: a few milliseconds, a few kilobytes."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.masks import FloatArray, without_overlaps
from sam2ov.palette import from_hex

FILL_ALPHA = 115
BORDER_ALPHA = 255
_THIN, _THICK = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)
_THICK_FROM = 1000
"""Pictures with a side of this many pixels are shown smaller: one pixel of border would be lost."""


@dataclass(frozen=True)
class Overlay:
    """Masks for the page: a palette PNG, and the object of each pair of its indices in order."""

    png: bytes
    obj_ids: tuple[int, ...]


def label_map(mask_logits: FloatArray) -> npt.NDArray[np.uint8]:
    """Which object each pixel shows: 0 for none, n for the n-th of [N, H, W]; uint8 [H, W]."""
    labels = np.zeros(mask_logits.shape[1:], np.uint8)
    for number, logits in enumerate(without_overlaps(mask_logits), 1):
        labels[logits > 0] = number
    return labels


def overlay_png(
    mask_logits: FloatArray,
    colours: Sequence[str],
    *,
    is_exact: bool = False,
) -> bytes:
    """Paint masks as translucent areas with opaque borders.

    The page replaces the palette to show them in other ways (``web/looks.js``).

    Args:
        mask_logits: [N, H, W] at the size of the picture, N ≤ 127.
        colours: "#rrggbb" of each object.
        is_exact: it is shown enlarged: borders are one pixel wide, whatever the size.

    Returns:
        A PNG with palette and transparency: 0 is clear, 2n - 1 the area and 2n the border of the
        n-th object.
    """
    labels = label_map(mask_logits)
    kernel = _THIN if is_exact or max(labels.shape) < _THICK_FROM else _THICK
    inside = cv2.erode(labels, kernel) == cv2.dilate(labels, kernel)
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
