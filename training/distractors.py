"""Drawn clips full of look-alikes: what a memory has to hold on to.

Each has three copies of one figure on a textured background; two of them are the objects. They
cross each other, hide behind a wall, leave and come back, or are cut away from and back to.
`python -m training.unseen FOLDER` writes a set of them beside easy and hard clips.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes import Clip
from training.textures import Image, Sprite, sprite, texture

Trouble = Literal["crossing", "wall", "leaving", "cut"]
TROUBLES: Final[tuple[Trouble, ...]] = get_args(Trouble)

SEED: Final = 3_000_000  # neither training nor validation comes here
FRAMES, SIZE_HW = 60, (240, 426)
_COPIES, _OBJECTS = 3, 2
_SIDE: Final = 64


def distractor_clip(index: int) -> Clip:
    """The clip of that number; troubles take turns."""
    rng = np.random.default_rng(SEED + index)
    trouble = TROUBLES[index % len(TROUBLES)]
    figure = sprite(rng, _SIDE)
    copies = [_varied(rng, figure) for _ in range(_COPIES)]
    paths = _paths(rng, trouble)
    background = texture(rng, (SIZE_HW[0] + 40, SIZE_HW[1] + 80), contrast=0.7)
    elsewhere = texture(rng, SIZE_HW, contrast=0.9)
    wall = texture(rng, (SIZE_HW[0], 90), contrast=0.5)
    frames = np.empty((FRAMES, *SIZE_HW, 3), np.uint8)
    masks = np.zeros((FRAMES, *SIZE_HW), np.uint8)
    for number in range(FRAMES):
        if trouble == "cut" and 25 <= number < 37:
            frames[number] = elsewhere
            continue
        dx, dy = round(40 + 30 * np.sin(number / 19)), round(20 + 12 * np.sin(number / 13))
        picture = background[dy : dy + SIZE_HW[0], dx : dx + SIZE_HW[1]].copy()
        for copy in range(_COPIES):
            label = copy + 1 if copy < _OBJECTS else 0
            _paste(picture, masks[number], copies[copy], paths[copy, number], label)
        if trouble == "wall":
            left = SIZE_HW[1] // 2 - 45
            picture[:, left : left + 90] = wall
            masks[number, :, left : left + 90] = 0
        noise = rng.normal(0, 3, picture.shape)
        frames[number] = np.clip(picture + noise, 0, 255).astype(np.uint8)
    return Clip(frames, masks)


def _varied(rng: np.random.Generator, figure: Sprite) -> Sprite:
    """A copy that differs as one sheep does from another: a little in colour and size."""
    side = round(_SIDE * rng.uniform(0.92, 1.08))
    rgb = cv2.resize(figure.rgb, (side, side), interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(figure.alpha, (side, side), interpolation=cv2.INTER_AREA)
    tinted = np.clip(rgb + rng.normal(0, 6, 3), 0, 255).astype(np.uint8)
    return Sprite(tinted, np.asarray(alpha, np.uint8))


def _paths(rng: np.random.Generator, trouble: Trouble) -> NDArray[np.float64]:
    """Centres [copies, frames, 2] as (x, y)."""
    height, width = SIZE_HW
    time = np.linspace(0, 1, FRAMES)
    paths = np.empty((_COPIES, FRAMES, 2))
    for copy in range(_COPIES):
        row = height * (copy + 1) / (_COPIES + 1)
        phase, sway = rng.uniform(0, 2 * np.pi), rng.uniform(10, 25)
        start, end = (0.12, 0.88) if copy % 2 == 0 else (0.88, 0.12)
        along = start + (end - start) * (0.5 - 0.5 * np.cos(np.pi * time * 1.5))
        paths[copy, :, 0] = width * along
        paths[copy, :, 1] = row + sway * np.sin(2 * np.pi * time * 2 + phase)
        if trouble == "crossing":  # all of them meet in the middle, twice
            paths[copy, :, 1] = height / 2 + (row - height / 2) * np.cos(2 * np.pi * time)
        if trouble == "leaving" and copy < _OBJECTS:
            away = np.clip(np.sin(np.pi * (time * 2 - 0.35 - 0.15 * copy)), 0, 1)
            paths[copy, :, 1] += (-1 if copy == 0 else 1) * away * height
    return paths


def _paste(
    picture: Image, labels: Image, item: Sprite, centre: NDArray[np.float64], label: int
) -> None:
    """Put a figure over what is there; its pixels belong to it alone."""
    side = item.alpha.shape[0]
    left, top = (round(float(value)) - side // 2 for value in centre)
    rows = slice(max(top, 0), max(min(top + side, picture.shape[0]), 0))
    columns = slice(max(left, 0), max(min(left + side, picture.shape[1]), 0))
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return
    inside = (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )
    alpha = item.alpha[inside][..., None] / 255
    mixed = picture[rows, columns] * (1 - alpha) + item.rgb[inside] * alpha
    picture[rows, columns] = np.rint(mixed).astype(np.uint8)
    labels[rows, columns][item.alpha[inside] > 127] = label
