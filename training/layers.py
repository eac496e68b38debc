"""Sprites in motion over a background, and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training import motion
from training.textures import Image, Sprite


@dataclass(frozen=True)
class Layer:
    """A sprite in motion: `path` [T, 3, 3] maps sprite pixels to frame pixels.

    `label` 0 hides it from the masks (distractor, occluder). `shown` bool [T]. `bend` holds two
    displacement fields, float32 [h, w, 4], and `bend_by` their weights [T, 2].
    """

    sprite: Sprite
    path: motion.Affines
    label: int
    shown: NDArray[np.bool_]
    bend: NDArray[np.float32] | None = None
    bend_by: NDArray[np.float64] | None = None


def backdrop(sources: list[Image], path: motion.Affines, size_hw: tuple[int, int]) -> list[Image]:
    """The background of every frame; a single source moves with `path`, a film has its own."""
    height, width = size_hw
    size = (width, height)
    if len(sources) > 1:
        return [np.asarray(cv2.resize(s, size, interpolation=cv2.INTER_AREA)) for s in sources]
    source = sources[0]
    if np.allclose(path[0], np.eye(3)):  # an unrelated picture: fit it to the frame first
        source = np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_AREA))
    else:
        source, path = _prefilter(source, path)
    mode = cv2.BORDER_REFLECT_101
    return [
        np.asarray(cv2.warpAffine(source, p[:2], size, flags=cv2.INTER_LINEAR, borderMode=mode))
        for p in path
    ]


def _prefilter(source: Image, path: motion.Affines) -> tuple[Image, motion.Affines]:
    """Shrink a source by halves while the path shrinks it more than 1.5 times."""
    path = path.copy()
    while np.sqrt(abs(np.linalg.det(path[0, :2, :2]))) < 0.66:
        height, width = source.shape[:2]
        source = np.asarray(
            cv2.resize(source, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        )
        path[:, :2, :2] *= 2
    return source, path


def _warp(
    layer: Layer, rgba: Image, frame: int, size_hw: tuple[int, int]
) -> tuple[slice, slice, Image] | None:
    """A layer on one frame: rows, columns and RGBA uint8 [h, w, 4] there; None when outside.

    `rgba` is its sprite with the alpha as the fourth channel.
    """
    path = layer.path[frame]
    height, width = rgba.shape[:2]
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    x, y = (path @ corners)[:2]
    left, right = max(0, int(x.min())), min(size_hw[1], int(np.ceil(x.max())) + 1)
    top, bottom = max(0, int(y.min())), min(size_hw[0], int(np.ceil(y.max())) + 1)
    if right - left < 2 or bottom - top < 2:
        return None
    if layer.bend is not None and layer.bend_by is not None and layer.bend_by[frame].any():
        first, second = layer.bend_by[frame].astype(np.float32)
        grid = first * layer.bend[..., :2]
        grid += second * layer.bend[..., 2:]
        grid[..., 0] += np.arange(width, dtype=np.float32)
        grid[..., 1] += np.arange(height, dtype=np.float32)[:, None]
        rgba = np.asarray(cv2.remap(rgba, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR))
    moved = path[:2].copy()
    moved[:, 2] -= (left, top)
    size = (right - left, bottom - top)
    return slice(top, bottom), slice(left, right), np.asarray(cv2.warpAffine(rgba, moved, size))


def render(
    back: list[Image], layers: list[Layer], size_hw: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw the layers over the background in order: frames and masks."""
    num_frames = len(layers[0].path)
    frames = np.stack([back[t % len(back)] for t in range(num_frames)])
    masks = np.zeros((num_frames, *size_hw), np.uint8)
    layers = [_small(layer) for layer in layers]
    sprites = [np.dstack([layer.sprite.rgb, layer.sprite.alpha]) for layer in layers]
    for t in range(num_frames):
        for layer, sprite in zip(layers, sprites, strict=True):
            drawn = _warp(layer, sprite, t, size_hw) if layer.shown[t] else None
            if drawn is None:
                continue
            rows, columns, rgba = drawn
            weight = rgba[..., 3:].astype(np.float32) / 255
            view = frames[t, rows, columns]
            view[:] = view + weight * (rgba[..., :3].astype(np.float32) - view)
            masks[t, rows, columns][rgba[..., 3] > 127] = layer.label
    return frames, masks


def _small(layer: Layer) -> Layer:
    """A layer with its sprite shrunk when it is drawn much smaller than it is."""
    factor = float(np.sqrt(abs(np.linalg.det(layer.path[0, :2, :2]))))
    if factor > 0.66 or layer.bend is not None:
        return layer
    rgb, path = _prefilter(layer.sprite.rgb, layer.path)
    size = (rgb.shape[1], rgb.shape[0])
    alpha = cv2.resize(layer.sprite.alpha, size, interpolation=cv2.INTER_AREA)
    return replace(layer, sprite=Sprite(rgb, np.asarray(alpha, np.uint8)), path=path)


def bent(rng: np.random.Generator, layer: Layer, strength: float) -> Layer:
    """Add a smooth deformation that comes and goes; none on the first frame."""
    height, width = layer.sprite.alpha.shape
    fields = rng.normal(0, 1, (4, 4, 4)).astype(np.float32)
    fields *= strength * max(height, width)
    bend = cv2.resize(fields, (width, height), interpolation=cv2.INTER_CUBIC)
    frames = len(layer.path)
    by = np.stack([np.clip(motion.smooth_walk(rng, frames, 0.5), -1.2, 1.2) for _ in range(2)], 1)
    return replace(layer, bend=np.asarray(bend, np.float32), bend_by=by)
