"""Strings, poles and leads on the objects of photos: their boxes are mostly background then.

Few photos have such objects, and a model that has not seen them fills a box that it is given.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.textures import Image

MAX_LINES = 3
MIN_LENGTH, MAX_LENGTH = 0.4, 1.6  # by the diagonal of the object's box
MIN_WIDTH, MAX_WIDTH = 0.002, 0.009  # by the long side of the photo
MAX_SAG = 0.15  # by the length
SPREAD = 0.35  # radians between lines, standard deviation
_CURVE_POINTS = 12


def with_lines(
    rng: np.random.Generator, rgb: Image, labels: Image, label: int
) -> tuple[Image, Image]:
    """A photo in which one to three thin lines go out from an object and belong to it.

    Args:
        rng: decides everything.
        rgb: uint8 [h, w, 3].
        labels: uint8 [h, w].
        label: of the object, which is in the photo.

    Returns:
        Copies of both with the lines, which hide what they cross.
    """
    rgb, labels = rgb.copy(), labels.copy()
    rows, columns = np.nonzero(labels == label)
    diagonal = float(np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1))
    long_side = max(labels.shape)
    width = max(1, round(rng.uniform(MIN_WIDTH, MAX_WIDTH) * long_side))
    own = rgb[rows, columns].mean(0)
    colour = np.clip(own * rng.uniform(0.2, 1.8) + rng.normal(0, 25, 3), 0, 255).round()
    direction = rng.uniform(0, 2 * np.pi)
    for _ in range(int(rng.integers(1, MAX_LINES + 1))):
        start = int(rng.integers(len(rows)))
        angle = direction + rng.normal(0, SPREAD)
        length = rng.uniform(MIN_LENGTH, MAX_LENGTH) * diagonal
        sag = rng.uniform(-MAX_SAG, MAX_SAG)
        points = _curve(np.array([columns[start], rows[start]]), angle, length, sag)
        cv2.polylines(rgb, [points], False, colour.tolist(), width, cv2.LINE_AA)
        cv2.polylines(labels, [points], False, int(label), width)
    return rgb, labels


def _curve(
    start_xy: NDArray[np.int64], angle: float, length: float, sag: float
) -> NDArray[np.int32]:
    """Points int32 [n, 1, 2] along a line that bends by `sag` of its length in the middle."""
    share = np.linspace(0, 1, _CURVE_POINTS)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    offsets = share[:, None] * along + (4 * sag * share * (1 - share))[:, None] * across
    return np.asarray(start_xy + length * offsets).round().astype(np.int32)[:, None]
