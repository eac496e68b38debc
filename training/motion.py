"""Smooth paths of affine transforms: how objects and the camera of a generated clip move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Affines = NDArray[np.float32]  # [T, 3, 3], column vectors (x, y, 1), pixels


def smooth_walk(rng: np.random.Generator, num_frames: int, amplitude: float) -> NDArray[np.float64]:
    """A smooth random curve [T] from 0: a drift and two slow waves, of about `amplitude`."""
    time = np.arange(num_frames) / 16.0
    drift = rng.normal() * time
    waves = np.zeros(num_frames)
    for _ in range(2):
        period, phase = rng.uniform(0.6, 3.0), rng.uniform(0, 2 * np.pi)
        waves += rng.normal() * 0.5 * (np.sin(2 * np.pi * time / period + phase) - np.sin(phase))
    return amplitude * (drift + waves)


def similarity(
    scale: NDArray[np.float64],
    angle: NDArray[np.float64],
    stretch: NDArray[np.float64],
    centre_xy: NDArray[np.float64],
    pivot_xy: tuple[float, float],
) -> Affines:
    """Transforms [T, 3, 3] that turn and scale around `pivot_xy` and put it at `centre_xy` [T, 2].

    `angle` is in radians; `stretch` > 1 widens and flattens (area is kept).
    """
    cos, sin = np.cos(angle), np.sin(angle)
    out = np.zeros((len(scale), 3, 3), np.float64)
    out[:, 0, 0], out[:, 0, 1] = scale * stretch * cos, -scale / stretch * sin
    out[:, 1, 0], out[:, 1, 1] = scale * stretch * sin, scale / stretch * cos
    pivot = np.array(pivot_xy)
    out[:, :2, 2] = centre_xy - out[:, :2, :2] @ pivot
    out[:, 2, 2] = 1.0
    return out.astype(np.float32)


def object_path(
    rng: np.random.Generator,
    num_frames: int,
    start_xy: NDArray[np.float64],
    scale: float,
    pivot_xy: tuple[float, float],
    reach: float,
    turn: float,
    zoom: float,
    bounds_hw: tuple[float, float] | None,
) -> Affines:
    """The path of one sprite.

    `reach` is the typical travel in pixels over 16 frames, `turn` in radians, `zoom` in log scale.
    With `bounds_hw` the centre bounces inside the frame, else it may leave.
    """
    centre = np.stack([smooth_walk(rng, num_frames, reach) for _ in range(2)], axis=1) + start_xy
    if bounds_hw is not None:
        height, width = bounds_hw
        for axis, size in ((0, width), (1, height)):
            centre[:, axis] = _reflect(centre[:, axis], 0.12 * size, 0.88 * size)
    scales = scale * np.exp(np.clip(smooth_walk(rng, num_frames, zoom), -0.7, 0.7))
    stretch = np.exp(np.clip(smooth_walk(rng, num_frames, zoom * 0.5), -0.3, 0.3))
    angle = smooth_walk(rng, num_frames, turn)
    return similarity(scales, angle, stretch, centre, pivot_xy)


def camera_path(
    rng: np.random.Generator, num_frames: int, size_hw: tuple[int, int], strength: float
) -> Affines:
    """Pan, zoom and roll of the whole view [T, 3, 3]; the identity on the first frame."""
    height, width = size_hw
    centre_xy = np.array([width / 2, height / 2])
    shift = np.stack([smooth_walk(rng, num_frames, strength * side) for side in (width, height)], 1)
    scale = np.exp(np.clip(smooth_walk(rng, num_frames, strength * 0.7), -0.5, 0.5))
    angle = np.clip(smooth_walk(rng, num_frames, strength * 0.5), -0.6, 0.6)
    ones = np.ones(num_frames)
    return similarity(scale, angle, ones, centre_xy + shift, (width / 2, height / 2))


def _reflect(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Fold values into [low, high] like a ball between two walls."""
    span = high - low
    folded = np.mod(values - low, 2 * span)
    return np.asarray(low + np.where(folded > span, 2 * span - folded, folded), np.float64)
