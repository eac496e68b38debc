"""Procedural pictures: textures for backgrounds and objects, and silhouettes of objects."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Sprite:
    """A cut-out: `rgb` uint8 [h, w, 3] and `alpha` uint8 [h, w] (255 = object)."""

    rgb: Image
    alpha: Image


def colour(rng: np.random.Generator) -> NDArray[np.float32]:
    """A random RGB colour in 0..255, float32 [3]; a third of them greyish."""
    value = rng.uniform(0, 255, 3)
    if rng.random() < 0.33:
        value = value.mean() + rng.normal(0, 12, 3)
    return np.clip(value, 0, 255).astype(np.float32)


def texture(rng: np.random.Generator, size_hw: tuple[int, int], contrast: float = 1.0) -> Image:
    """A textured RGB picture uint8 [h, w, 3]: noise, gradient, stripes, checks or dots."""
    height, width = size_hw
    first, second = colour(rng), colour(rng)
    second = first + (second - first) * contrast
    weight = _pattern(rng, height, width)
    image = first + weight[..., None] * (second - first)
    if rng.random() < 0.6:
        image = image + 60 * contrast * (_noise(rng, height, width, 3, rng.uniform(2, 12)) - 0.5)
    return np.clip(image, 0, 255).astype(np.uint8)


def _pattern(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """A scalar pattern float32 [h, w] in 0..1."""
    kind = rng.integers(6)
    if kind <= 1:
        octaves = [_noise(rng, height, width, 1, cells) for cells in (3, 7, 17)]
        mixed = 0.5 * octaves[0] + 0.3 * octaves[1] + 0.2 * octaves[2]
        return np.asarray(mixed[..., 0], np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    along = (x * np.cos(angle) + y * np.sin(angle)) / max(height, width)
    across = (y * np.cos(angle) - x * np.sin(angle)) / max(height, width)
    cycles = rng.uniform(2, 14)
    if kind == 2:
        out = (along - along.min()) / max(float(np.ptp(along)), 1e-6)
    elif kind == 3:
        out = 0.5 + 0.5 * np.sin(2 * np.pi * cycles * along)
    elif kind == 4:
        out = (np.sin(2 * np.pi * cycles * along) * np.sin(2 * np.pi * cycles * across) > 0) * 1.0
    else:
        dots = np.sin(2 * np.pi * cycles * along) + np.sin(2 * np.pi * cycles * across)
        out = (dots > 0.8) * 1.0
    return np.asarray(out, np.float32)


def _noise(
    rng: np.random.Generator, height: int, width: int, channels: int, cells: float
) -> NDArray[np.float32]:
    """Smooth noise float32 [h, w, c] in 0..1 with about `cells` bumps along a side."""
    small = rng.random((int(cells) + 2, int(cells) + 2, channels), np.float32)
    out = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(out, np.float32).reshape(height, width, channels)


def silhouette(rng: np.random.Generator, size: int, thin: bool = False) -> Image:
    """A closed shape, uint8 [size, size], 0/255 with soft edges: blob, polygon, ring or figure.

    `thin` ones are a curved stroke, which fills little of its box.
    """
    mask: Image = np.zeros((size, size), np.uint8)
    if thin:
        _stroke(rng, mask)
        return mask
    kind = rng.integers(6)
    if kind <= 1:
        _fill(mask, _blob(rng, size))
    elif kind == 2:
        corners = int(rng.integers(3, 8))
        angles = (
            np.sort(rng.uniform(0, 2 * np.pi, corners))
            if rng.random() < 0.5
            else (np.arange(corners) * 2 * np.pi / corners)
        )
        _fill(mask, _ring(angles, rng.uniform(0.6, 0.95, corners), size))
    elif kind == 3:
        axes = (int(size * rng.uniform(0.2, 0.46)), int(size * rng.uniform(0.2, 0.46)))
        centre = (size // 2, size // 2)
        cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, 255, -1, cv2.LINE_AA)
        if rng.random() < 0.3:
            hole = (int(axes[0] * 0.5), int(axes[1] * 0.5))
            cv2.ellipse(mask, centre, hole, 0, 0, 360, 0, -1, cv2.LINE_AA)
    else:
        _figure(rng, mask)
    return mask


def _blob(rng: np.random.Generator, size: int) -> NDArray[np.int32]:
    """A star-shaped smooth outline, int32 [n, 2] (x, y)."""
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = np.ones(64)
    for order in range(2, 7):
        radius += rng.normal(0, 0.35 / order) * np.cos(order * angles + rng.uniform(0, 6.3))
    radius = np.clip(radius, 0.25, None)
    return _ring(angles, 0.95 * radius / radius.max(), size)


def _ring(angles: NDArray[np.float64], radius: NDArray[np.float64], size: int) -> NDArray[np.int32]:
    """Polar to pixel coordinates, int32 [n, 2] (x, y); radius 1 touches the border."""
    points = size / 2 + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1) * size / 2
    return np.asarray(points, np.int32)


def _fill(mask: Image, outline: NDArray[np.int32]) -> None:
    cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA)


def _figure(rng: np.random.Generator, mask: Image) -> None:
    """A body with a head and limbs (capsules of random size), drawn into `mask`."""
    size = mask.shape[0]
    body = rng.uniform(0.1, 0.17) * size
    centre = np.array([size / 2, size / 2])
    half = np.array([rng.uniform(0, 0.2), rng.uniform(0, 0.2)]) * size
    _capsule(mask, centre - half, centre + half, body)
    head = centre - half - np.array([0, body * 1.2])
    cv2.circle(mask, _pixel(head), int(body * rng.uniform(0.5, 0.9)), 255, -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(2, 6))):
        start = centre + half * rng.uniform(-1, 1)
        angle = rng.uniform(0, 2 * np.pi)
        end = start + rng.uniform(0.2, 0.36) * size * np.array([np.cos(angle), np.sin(angle)])
        _capsule(mask, start, end, body * rng.uniform(0.25, 0.5))


def _stroke(rng: np.random.Generator, mask: Image) -> None:
    """A smooth open curve of changing width, drawn into `mask`."""
    size = mask.shape[0]
    corners = np.array([rng.uniform(0.1, 0.9, 4), rng.uniform(0.1, 0.9, 4)], np.float32)
    corners[int(rng.integers(2))] = np.linspace(0.08, 0.92, 4)  # from side to side
    curve = cv2.resize(corners, (48, 2), interpolation=cv2.INTER_CUBIC).T * size
    widths = size * rng.uniform(0.015, 0.06) * (1 + 0.6 * np.sin(np.linspace(0, 6, len(curve))))
    for start, end, width in zip(curve[:-1], curve[1:], widths, strict=False):
        _capsule(mask, start, end, float(width))


def _capsule(
    mask: Image, start: NDArray[np.float64], end: NDArray[np.float64], radius: float
) -> None:
    cv2.line(mask, _pixel(start), _pixel(end), 255, max(2, int(2 * radius)), cv2.LINE_AA)


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def sprite(
    rng: np.random.Generator, size: int, contrast: float = 1.0, thin: bool = False
) -> Sprite:
    """A procedural object: a silhouette filled with a texture, sometimes of two parts."""
    alpha = silhouette(rng, size, thin)
    rgb = texture(rng, (size, size), contrast)
    if rng.random() < 0.4:
        part = silhouette(rng, size) > 127
        rgb = np.where(part[..., None], texture(rng, (size, size), contrast), rgb)
    if rng.random() < 0.4:  # shading from one side
        ramp = np.linspace(rng.uniform(0.5, 1), rng.uniform(0.8, 1.3), size, dtype=np.float32)
        shade = ramp[:, None] if rng.random() < 0.5 else ramp[None, :]
        rgb = np.clip(rgb * shade[..., None], 0, 255).astype(np.uint8)
    return Sprite(rgb, alpha)
