"""Simulated users: clicks, boxes and corrections for given masks. NumPy and OpenCV only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Kind = Literal["mask", "box", "click"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Points:
    """`xy` float32 [B, P, 2] in pixels; `labels` int32 [B, P]: 1 +, 0 −, 2/3 box corners."""

    xy: NDArray[np.float32]
    labels: NDArray[np.int32]


def centre_click(mask: Mask) -> tuple[float, float]:
    """The (x, y) of the point deepest inside a mask; the image centre for an empty one."""
    if not mask.any():
        return mask.shape[1] / 2, mask.shape[0] / 2
    depth = _depth(mask)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(x), float(y)


def random_click(rng: np.random.Generator, mask: Mask) -> tuple[float, float]:
    """A point (x, y) inside a mask: half the time its centre, else anywhere but the very edge."""
    if not mask.any() or rng.random() < 0.3:
        return centre_click(mask)
    depth = _depth(mask)
    inside = np.flatnonzero(depth >= rng.uniform(0, 0.6) * depth.max())
    y, x = divmod(int(rng.choice(inside)), mask.shape[1])
    return float(x), float(y)


def box_corners(mask: Mask) -> tuple[float, float, float, float]:
    """The tight box (x0, y0, x1, y1) of a mask in pixels, ends included."""
    if not mask.any():
        return 0.0, 0.0, float(mask.shape[1] - 1), float(mask.shape[0] - 1)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])


def clicks(rng: np.random.Generator, masks: Mask) -> Points:
    """One positive click for each mask of bool [B, H, W]."""
    xy = np.array([[random_click(rng, mask)] for mask in masks], np.float32)
    return Points(xy, np.ones((len(masks), 1), np.int32))


def boxes(rng: np.random.Generator, masks: Mask, noise: float = 0.12) -> Points:
    """One box for each mask of bool [B, H, W], each side moved by up to `noise` of its length.

    Some boxes are nearly tight, others careless: each has its own share of the noise.
    """
    corners = np.array([box_corners(mask) for mask in masks], np.float64).reshape(-1, 2, 2)
    sides = corners[:, 1:] - corners[:, :1]
    care = rng.random((len(corners), 1, 1))
    corners += care * np.clip(rng.normal(0, noise / 2, corners.shape), -noise, noise) * sides
    limits = np.array(masks.shape[:0:-1]) - 1
    labels = np.tile(np.array([2, 3], np.int32), (len(masks), 1))
    return Points(np.clip(corners, 0, limits).astype(np.float32), labels)


def corrections(rng: np.random.Generator, masks: Mask, predicted: Mask) -> Points:
    """One click for each object in its largest error: + where it is missed, − where it spills."""
    xy, labels = [], []
    for mask, guess in zip(masks, predicted, strict=True):
        missed, spilled = mask & ~guess, guess & ~mask
        positive = bool(missed.sum() >= spilled.sum())
        error = missed if positive else spilled
        xy.append([random_click(rng, error if error.any() else mask)])
        labels.append([int(positive)])
    return Points(np.array(xy, np.float32), np.array(labels, np.int32))


def join(first: Points, second: Points) -> Points:
    """All points of both, in order."""
    return Points(
        np.concatenate([first.xy, second.xy], 1), np.concatenate([first.labels, second.labels], 1)
    )


def _depth(mask: Mask) -> NDArray[np.float32]:
    """Distance to the outside in pixels, the image border counting as outside."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1], np.float32)
