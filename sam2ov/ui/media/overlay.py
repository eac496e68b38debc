"""The masks of all objects on a frame as one palette PNG: a few milliseconds, a few kilobytes."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from sam2ov.cleanup.shape import box_around, feathered
from sam2ov.values.masks import FloatArray, label_map
from sam2ov.values.palette import from_hex

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


def make_overlay(
    mask_logits: FloatArray,
    layers: Sequence[Layer],
    *,
    is_exact: bool = False,
    pixel_aspect: float = 1.0,
) -> Overlay:
    """Paint masks as translucent areas with opaque borders; soft edges fade out.

    The page replaces the palette to show them in other ways (``web/media/looks.js``).

    Args:
        mask_logits: [N, H, W] at the size of the picture, N ≤ 127.
        layers: of each of them.
        is_exact: it is shown enlarged: borders are one pixel wide, whatever the size.
        pixel_aspect: width / height of a pixel, which soft edges go by.

    Returns:
        A PNG with palette and transparency; index 0 is clear.
    """
    height, width = mask_logits.shape[1:]
    labels = label_map(mask_logits, (height, width))
    kernel = _THIN if is_exact or max(labels.shape) < _THICK_FROM else _THICK
    is_border = (cv2.erode(labels, kernel) != cv2.dilate(labels, kernel)) & (labels > 0)
    num_soft = sum(layer.feather > 1 for layer in layers)
    levels = min(_SOFT_LEVELS, (255 - 2 * len(layers)) // max(num_soft, 1))
    palette, alphas = [0, 0, 0], [0]
    areas, objects = [0], []
    for layer in layers:
        soft = levels if layer.feather > 1 else 0
        areas.append(len(alphas))
        alphas += [FILL_ALPHA, BORDER_ALPHA]
        alphas += [FILL_ALPHA * (m + 1) // (soft + 1) for m in range(soft)]
        palette += from_hex(layer.colour) * (2 + soft)
        objects.append((layer.obj_id, soft))
    # All objects at once, however many; only soft edges are a matter of each.
    painted = cv2.LUT(labels, np.resize(np.array(areas, np.uint8), 256)) + is_border
    for number, (layer, (_, soft)) in enumerate(zip(layers, objects, strict=True), 1):
        if soft:
            is_mask = labels == number
            box = box_around(is_mask, ceil(layer.feather * max(1 / pixel_aspect, 1)))
            matte = feathered(is_mask[box], layer.feather, pixel_aspect)
            part = np.rint(matte * (soft + 1)).astype(np.uint8)
            is_free = (labels[box] == 0) | (is_mask[box] & ~is_border[box])
            is_soft = (part > 0) & (part <= soft) & is_free
            painted[box][is_soft] = areas[number] + 1 + part[is_soft]
    image = Image.fromarray(painted)
    image.putpalette(palette)
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1, transparency=bytes(alphas))
    return Overlay(stream.getvalue(), tuple(objects))
