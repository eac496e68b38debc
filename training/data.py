"""Training batches: single pictures with several objects, and clips."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.model import normalise
from training.pictures import Pictures, Still
from training.scenes import Difficulty, make_clip
from training.textures import Image
from training.tracking import Batch

MASKS_PER_IMAGE = 3
MIN_SHARE = 0.004  # of the crop; smaller objects are not asked for


def image_batch(
    rng: np.random.Generator,
    count: int,
    size: int,
    pictures: Pictures | None,
    device: torch.device,
    real_share: float = 0.8,
) -> Batch:
    """`count` pictures as clips of one frame with 3 objects each: mostly photos, some drawn."""
    frames, masks = [], []
    for _ in range(count):
        if pictures is not None and rng.random() < real_share:
            rgb, objects = still_sample(rng, *pictures.pick(rng), size)
        else:
            clip = make_clip(rng, 1, (size, size), MASKS_PER_IMAGE, "hard", pictures)
            rgb = clip.frames[0]
            objects = np.stack([clip.masks[0] == k + 1 for k in range(MASKS_PER_IMAGE)])
        frames.append(rgb[None])
        masks.append(objects[:, None])
    return to_batch(np.stack(frames), np.stack(masks).astype(np.uint8), device)


def still_sample(
    rng: np.random.Generator, still: Still, label: int, size: int
) -> tuple[Image, NDArray[np.bool_]]:
    """A crop around one object of a photo, squashed to a square, with 3 of its objects.

    Returns RGB uint8 [S, S, 3] and masks bool [3, S, S]; objects repeat when there are fewer.
    """
    rows, columns = _crop(rng, still, label)
    rgb = cv2.resize(still.rgb[rows, columns], (size, size), interpolation=cv2.INTER_AREA)
    labels = cv2.resize(still.labels[rows, columns], (size, size), interpolation=cv2.INTER_NEAREST)
    shares = np.bincount(labels.ravel(), minlength=label + 1) / labels.size
    others = [int(k) for k in np.flatnonzero(shares > MIN_SHARE) if k not in (0, label)]
    rng.shuffle(others)
    chosen = ([label, *others] * MASKS_PER_IMAGE)[:MASKS_PER_IMAGE]
    masks = np.stack([labels == k for k in chosen])
    if rng.random() < 0.5:
        rgb, masks = rgb[:, ::-1], masks[..., ::-1]
    return _recolour(rng, np.asarray(rgb)), masks


def _crop(rng: np.random.Generator, still: Still, label: int) -> tuple[slice, slice]:
    """Rows and columns of a crop that holds the object with a random margin."""
    mask = still.labels == label
    spans = []
    for axis in (0, 1):
        where = np.flatnonzero(mask.any(1 - axis))
        first, last, whole = int(where[0]), int(where[-1]) + 1, mask.shape[axis]
        keep_before, keep_after = 1 - rng.random(2) ** 1.5
        start = int(first * (1 - keep_before))
        stop = int(np.ceil(last + (whole - last) * keep_after))
        spans.append(slice(start, max(stop, start + 16)))
    return spans[0], spans[1]


def _recolour(rng: np.random.Generator, rgb: Image) -> Image:
    """Change light and colour balance."""
    gain = np.clip(rng.normal(1, 0.15) + rng.normal(0, 0.06, 3), 0.5, 1.5)
    bias = rng.normal(0, 12)
    out = rgb * gain.astype(np.float32) + np.float32(bias)
    if rng.random() < 0.1:
        out = np.broadcast_to(out.mean(2, keepdims=True), out.shape)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def clip_batch(
    rng: np.random.Generator,
    count: int,
    num_frames: int,
    size: int,
    num_objects: int,
    pictures: Pictures | None,
    device: torch.device,
    hard_share: float = 0.7,
) -> Batch:
    """`count` generated clips with `num_objects` objects each."""
    frames, masks = [], []
    for _ in range(count):
        difficulty: Difficulty = "hard" if rng.random() < hard_share else "easy"
        source = pictures if rng.random() < 0.85 else None
        clip = make_clip(rng, num_frames, (size, size), num_objects, difficulty, source)
        frames.append(clip.frames)
        masks.append(np.stack([clip.masks == k + 1 for k in range(num_objects)]))
    return to_batch(np.stack(frames), np.stack(masks).astype(np.uint8), device)


def to_batch(frames: NDArray[np.uint8], masks: NDArray[np.uint8], device: torch.device) -> Batch:
    """Frames uint8 [N, T, S, S, 3] and masks uint8 [N, K, T, S, S] as tensors."""
    return Batch(normalise(torch.from_numpy(frames).to(device)), torch.from_numpy(masks).to(device))
