"""The masks of all objects on a frame as one palette PNG: a few milliseconds, a few kilobytes."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.cleanup.shape import feathered
from sam2ov.masks import FloatArray, without_overlaps
from sam2ov.palette import from_hex

FILL_ALPHA = 115
BORDER_ALPHA = 255
_SOFT_LEVELS = 15
"""Of an edge, where the palette has room for them: as finely as a screen has to show it."""

_THIN, _THICK = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)
_THICK_FROM = 1000
"""Pictures with a side of this many pixels are shown smaller: one pixel of border would be lost."""


class Layer(NamedTuple):
    """How an object is painted: its colour is "#rrggbb", its soft edges are ``feather`` px wide."""

    obj_id: int
    colour: str
    feather: float = 0.0


@dataclass(frozen=True)
class Overlay:
    """Masks for the page: a palette PNG, and whose its indices are, in order.

    Each entry of ``objects`` is (object id, n): an index for the object's area, one for its border,
    and n for soft edges, from the faintest on; the m-th of them covers m of n + 1 parts.
    """

    png: bytes
    objects: tuple[tuple[int, int], ...]


def label_map(mask_logits: FloatArray) -> npt.NDArray[np.uint8]:
    """Which object each pixel shows: 0 for none, n for the n-th of [N, H, W]; uint8 [H, W]."""
    labels = np.zeros(mask_logits.shape[1:], np.uint8)
    for number, logits in enumerate(without_overlaps(mask_logits), 1):
        labels[logits > 0] = number
    return labels


def make_overlay(
    mask_logits: FloatArray, layers: Sequence[Layer], *, is_exact: bool = False
) -> Overlay:
    """Paint masks as translucent areas with opaque borders; soft edges fade out.

    The page replaces the palette to show them in other ways (``web/looks.js``).

    Args:
        mask_logits: [N, H, W] at the size of the picture, N ≤ 127.
        layers: of each of them.
        is_exact: it is shown enlarged: borders are one pixel wide, whatever the size.

    Returns:
        A PNG with palette and transparency; index 0 is clear.
    """
    labels = label_map(mask_logits)
    kernel = _THIN if is_exact or max(labels.shape) < _THICK_FROM else _THICK
    is_border = (cv2.erode(labels, kernel) != cv2.dilate(labels, kernel)) & (labels > 0)
    num_soft = sum(layer.feather > 1 for layer in layers)
    levels = min(_SOFT_LEVELS, (255 - 2 * len(layers)) // max(num_soft, 1))
    painted = np.zeros_like(labels)
    palette, alphas = [0, 0, 0], [0]
    objects = []
    for number, layer in enumerate(layers, 1):
        area = len(alphas)
        is_mask = labels == number
        painted[is_mask] = area
        soft = levels if layer.feather > 1 else 0
        if soft:
            part = np.rint(feathered(is_mask, layer.feather) * (soft + 1)).astype(np.uint8)
            is_soft = (part > 0) & (part <= soft) & (is_mask | (labels == 0))
            painted[is_soft] = area + 1 + part[is_soft]
        painted[is_mask & is_border] = area + 1
        alphas += [FILL_ALPHA, BORDER_ALPHA]
        alphas += [FILL_ALPHA * (m + 1) // (soft + 1) for m in range(soft)]
        palette += from_hex(layer.colour) * (2 + soft)
        objects.append((layer.obj_id, soft))
    image = Image.fromarray(painted)
    image.putpalette(palette)
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1, transparency=bytes(alphas))
    return Overlay(stream.getvalue(), tuple(objects))
