"""Clips of moving objects with exact masks, drawn from a seed. Needs NumPy and OpenCV only.

`difficulty`
  * "easy": at least one clearly visible object; slow motion inside the frame, contrast to the
    background, no distractors, mild light changes and noise. Objects never leave or vanish.
  * "hard": faster motion, objects that leave, vanish and come back, look-alikes, occluders,
    camera motion, low contrast, motion blur, strong light changes and noise.
Every object is visible on the first frame in both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training import motion
from training.layers import Layer, backdrop, render
from training.objects import Difficulty as Difficulty
from training.objects import moving, photo_layers, pick_object, tint
from training.pictures import Pictures
from training.textures import Image, Sprite, texture

MIN_VISIBLE = {"easy": 0.015, "hard": 0.006}  # share of the first frame


@dataclass(frozen=True)
class Clip:
    """`frames` uint8 [T, H, W, 3] RGB; `masks` uint8 [T, H, W], 0 background, 1…K objects."""

    frames: NDArray[np.uint8]
    masks: NDArray[np.uint8]


def make_clip(
    rng: np.random.Generator,
    num_frames: int,
    size_hw: tuple[int, int],
    num_objects: int,
    difficulty: Difficulty,
    pictures: Pictures | None = None,
) -> Clip:
    """Draw a clip with `num_objects` objects, all of them visible on the first frame.

    With `pictures`, objects and backgrounds are mostly real. The same generator state gives the
    same clip.
    """
    if num_frames < 1 or num_objects < 1 or min(size_hw) < 32:
        raise ValueError("a clip has at least 1 frame, 1 object and 32 × 32 pixels")
    while True:
        if pictures is not None and rng.random() < 0.6:
            back, layers = photo_layers(rng, num_frames, size_hw, num_objects, difficulty, pictures)
        else:
            back, layers = _pasted_layers(
                rng, num_frames, size_hw, num_objects, difficulty, pictures
            )
        if _all_visible(layers, size_hw, num_objects, difficulty):
            return _finish(rng, *render(back, layers, size_hw), difficulty)


def _pasted_layers(
    rng: np.random.Generator,
    num_frames: int,
    size_hw: tuple[int, int],
    num_objects: int,
    difficulty: Difficulty,
    pictures: Pictures | None,
) -> tuple[list[Image], list[Layer]]:
    """Objects of any origin over an unrelated background."""
    hard = difficulty == "hard"
    camera = motion.camera_path(
        rng, num_frames, size_hw, rng.choice([0, 0.04, 0.12]) if hard else 0
    )
    if pictures is not None and rng.random() < 0.8:
        sources = pictures.backdrop(rng, num_frames)
    else:
        sources = [texture(rng, size_hw, rng.uniform(0.2, 1.0))]
    back = backdrop(sources, camera, size_hw)
    layers: list[Layer] = []
    for label in range(1, num_objects + 1):
        item = pick_object(rng, back[0], difficulty, pictures)
        layers.append(moving(rng, item, label, num_frames, size_hw, difficulty))
        if hard and rng.random() < 0.4:  # a look-alike without a label
            twin = Sprite(tint(rng, item.rgb, 12), item.alpha)
            layers.append(moving(rng, twin, 0, num_frames, size_hw, difficulty))
    if hard and rng.random() < 0.5:  # something that may pass in front
        layers.append(
            moving(
                rng, pick_object(rng, back[0], difficulty, pictures), 0, num_frames, size_hw, "hard"
            )
        )
    if hard:
        order = rng.permutation(len(layers))
        layers = [replace(layers[i], path=camera @ layers[i].path) for i in order]
    return back, layers


def _all_visible(
    layers: list[Layer], size_hw: tuple[int, int], num_objects: int, difficulty: Difficulty
) -> bool:
    """Whether every object can be seen on the first frame."""
    first = [
        replace(
            layer, path=layer.path[:1], bend_by=None if layer.bend_by is None else layer.bend_by[:1]
        )
        for layer in layers
    ]
    blank = [np.zeros((*size_hw, 3), np.uint8)]
    masks = render(blank, first, size_hw)[1]
    shares = np.bincount(masks.ravel(), minlength=num_objects + 1)[1:] / masks.size
    return bool((shares[:num_objects] > MIN_VISIBLE[difficulty]).all())


def _finish(
    rng: np.random.Generator,
    frames: NDArray[np.uint8],
    masks: NDArray[np.uint8],
    difficulty: Difficulty,
) -> Clip:
    """What the camera does to the picture: light, blur and noise."""
    hard = difficulty == "hard"
    gain = 1 + motion.smooth_walk(rng, len(frames), 0.15 if hard else 0.04)
    gain = np.clip(gain * rng.uniform(0.75, 1.15), 0.5, 1.4)
    sigma = rng.choice([0, 0, 0.6, 1.2]) if hard else 0.0
    noise_level = rng.uniform(0, 10 if hard else 4)
    height, width = masks.shape[1:]
    noise = rng.integers(-128, 128, (height + 16, width + 16, 3), np.int16).astype(np.float32)
    noise *= noise_level / 74
    out = np.empty_like(frames)
    for t, frame in enumerate(frames):
        image = cv2.GaussianBlur(frame, (0, 0), sigma) if sigma else frame
        dy, dx = rng.integers(0, 16, 2)
        lit = image * np.float32(gain[t]) + noise[dy : dy + height, dx : dx + width]
        out[t] = np.clip(lit, 0, 255)
    return Clip(out, masks)
