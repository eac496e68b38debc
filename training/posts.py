"""Trunks and poles that stand in front of a scene: objects go behind them, and they stay.

A model that has met only what passes in front takes what stays for the object after a while.
"""

from __future__ import annotations

import cv2
import numpy as np

from training import motion
from training.layers import Layer
from training.textures import Image, Sprite, texture

MIN_WIDTH, MAX_WIDTH = 0.02, 0.13  # by the width of the frame
LYING_SHARE = 0.15  # lie across, as rails do
TILT = 0.08  # radians, standard deviation
_MARGIN = 2


def post(
    rng: np.random.Generator, camera: motion.Affines, size_hw: tuple[int, int], photo: Image
) -> Layer:
    """A post that moves with the camera alone.

    Args:
        rng: decides everything.
        camera: [T, 3, 3], as of `motion.camera_path`.
        size_hw: of the frames.
        photo: uint8 [h, w, 3]; half of the posts look like a part of it.
    """
    height, width = size_hw
    long_side = 3 * max(size_hw)
    thick = max(3, round(rng.uniform(MIN_WIDTH, MAX_WIDTH) * width))
    sprite = _upright(rng, long_side, thick, photo)
    angle = rng.normal(0, TILT) + (np.pi / 2 if rng.random() < LYING_SHARE else 0.0)
    place = motion.similarity(
        *(np.ones(1), np.full(1, angle), np.ones(1)),
        centre_xy=np.array([[rng.uniform(0.1, 0.9) * width, rng.uniform(0.2, 0.8) * height]]),
        pivot_xy=(sprite.alpha.shape[1] / 2, long_side / 2),
    )
    path = (camera @ place).astype(np.float32)
    return Layer(sprite, path, 0, np.ones(len(path), bool))


def _upright(rng: np.random.Generator, height: int, thick: int, photo: Image) -> Sprite:
    """A bar with uneven edges, `thick` wide and transparent on both sides."""
    width = thick + 2 * _MARGIN
    if rng.random() < 0.5:
        rgb = texture(rng, (height, width), rng.uniform(0.1, 0.6))
    else:
        left = int(rng.integers(max(photo.shape[1] - thick, 1)))
        strip = photo[:, left : left + thick]
        rgb = np.asarray(cv2.resize(strip, (width, height), interpolation=cv2.INTER_LINEAR))
        rgb = np.clip(rgb * rng.uniform(0.3, 1.3), 0, 255).astype(np.uint8)
    knots = rng.uniform(0, 0.3 * thick, (2, 12)).astype(np.float32)
    edges = cv2.resize(knots, (height, 2), interpolation=cv2.INTER_CUBIC)
    column = np.arange(width)
    inside = (column >= _MARGIN + edges[0][:, None]) & (
        column < width - _MARGIN - edges[1][:, None]
    )
    alpha = cv2.GaussianBlur(inside.astype(np.uint8) * 255, (3, 3), 0.6)
    return Sprite(rgb, np.asarray(alpha, np.uint8))
