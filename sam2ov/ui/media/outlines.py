"""Masks as outlines that the page draws, and finds again under the pointer."""

import cv2
import numpy as np

from sam2ov.values.masks import BoolArray

_TOLERANCE = 0.6
"""How far an outline may be off, in pixels of a picture that fits a screen."""
_SCREEN = 1280


def outlines(mask: BoolArray) -> tuple[tuple[float, ...], ...]:
    """The rings around all parts and holes of a mask [H, W]; even-odd filling gives it back.

    Returns:
        Each ring as x, y, x, y … in pixels of the mask, rounded.
    """
    found, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    tolerance = max(_TOLERANCE * max(mask.shape) / _SCREEN, _TOLERANCE)
    rings = (cv2.approxPolyDP(ring, tolerance, closed=True)[:, 0] + 0.5 for ring in found)
    return tuple(
        tuple(float(value) for value in ring.ravel().round(1)) for ring in rings if len(ring) > 2
    )
