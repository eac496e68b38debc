"""Objects of several plain colours, one of which may be that of what lies behind them.

Balls, balloons, flags and jerseys: a model that has met only textures and photos follows the panels
whose colour stands out, and leaves the others out.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.textures import Image, Sprite, colour

MAX_COLOURS = 4
LIKE_BEHIND_SHARE = 0.5  # have a panel in about the colour of the background
LIKE_BEHIND = 30.0  # standard deviation of the difference, in levels of a channel
SHADING = 0.3  # of the object's own light and dark stays


def panelled(rng: np.random.Generator, item: Sprite, behind: Image) -> Sprite:
    """The same shape in two to four plain colours: sectors around a point, or stripes.

    Args:
        rng: decides everything.
        item: the object.
        behind: uint8 [h, w, 3], what it will be seen before.
    """
    count = int(rng.integers(2, MAX_COLOURS + 1))
    colours = np.stack([colour(rng) for _ in range(count)])
    if rng.random() < LIKE_BEHIND_SHARE:
        colours[0] = behind.reshape(-1, 3).mean(0) + rng.normal(0, LIKE_BEHIND, 3)
    height, width = item.alpha.shape
    panels = _sectors(rng, height, width) if rng.random() < 0.5 else _stripes(rng, height, width)
    flat = colours[panels % count]
    light = cv2.GaussianBlur(item.rgb.mean(2), (0, 0), max(height, width) / 16)
    flat = flat + SHADING * (light - light.mean())[..., None]
    return Sprite(np.clip(flat, 0, 255).astype(np.uint8), item.alpha)


def _sectors(rng: np.random.Generator, height: int, width: int) -> NDArray[np.int64]:
    """Numbers of sectors around a point near the middle, int [h, w]."""
    centre_x, centre_y = (side * rng.uniform(0.35, 0.65) for side in (width, height))
    y, x = np.mgrid[0:height, 0:width]
    turn = np.arctan2(y - centre_y, x - centre_x) / (2 * np.pi) + rng.random()
    return np.asarray(np.floor(turn % 1 * rng.integers(3, 10)), np.int64)


def _stripes(rng: np.random.Generator, height: int, width: int) -> NDArray[np.int64]:
    """Numbers of parallel stripes, int [h, w]."""
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[0:height, 0:width]
    along = (x * np.cos(angle) + y * np.sin(angle)) / max(height, width)
    return np.asarray(np.floor((along - along.min()) * rng.uniform(2, 7)), np.int64)
