"""Training batches: single pictures with several objects, and clips."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.augment import degrade, recolour
from training.layers import Layer, render
from training.model import normalise
from training.motion import Affines, similarity
from training.objects import Difficulty, pick_object
from training.pictures import Pictures, Still
from training.scenes import make_clip
from training.textures import Image, Sprite
from training.tracking import Batch

MASKS_PER_IMAGE = 3
MIN_SHARE = 0.004  # of the crop; smaller objects are not asked for
PASTED_SHARE, TURNED_SHARE, SPARSE_SHARE = 0.25, 0.35, 0.6  # of the photos
MAX_CUT = 0.25  # of an object's extent, at each side
MAX_LABEL = 255


def image_batch(
    rng: np.random.Generator,
    count: int,
    size: int,
    pictures: Pictures | None,
    device: torch.device,
    real_share: float = 0.88,
) -> Batch:
    """`count` pictures as clips of one frame with 3 objects each: mostly photos, some drawn."""
    frames, masks = [], []
    for _ in range(count):
        if pictures is not None and rng.random() < real_share:
            still, label = pictures.pick(rng, prefer_sparse=rng.random() < SPARSE_SHARE)
            if rng.random() < PASTED_SHARE:
                item = pick_object(rng, still.rgb, "hard", pictures)
                still, label = _with_pasted(rng, still, label, item)
            rgb, objects = still_sample(rng, still, label, size, turned=rng.random() < TURNED_SHARE)
        else:
            clip = make_clip(rng, 1, (size, size), MASKS_PER_IMAGE, "hard", pictures)
            rgb = clip.frames[0]
            objects = np.stack([clip.masks[0] == k + 1 for k in range(MASKS_PER_IMAGE)])
        frames.append(degrade(rng, rgb[None]))
        masks.append(objects[:, None])
    return to_batch(np.stack(frames), np.stack(masks).astype(np.uint8), device)


def still_sample(
    rng: np.random.Generator, still: Still, label: int, size: int, turned: bool = False
) -> tuple[Image, NDArray[np.bool_]]:
    """A crop around one object of a photo, squashed to a square, with 3 of its objects.

    With `turned` the photo leans to one side, and the crop may cut the object.
    Returns RGB uint8 [S, S, 3] and masks bool [3, S, S]; objects repeat when there are fewer.
    """
    rows, columns = _crop(rng, still, label, MAX_CUT if turned else 0.0)
    if turned:
        rgb, labels = _leaning(rng, still, rows, columns, size)
    else:
        rgb = _resized(still.rgb[rows, columns], size, cv2.INTER_AREA)
        labels = _resized(still.labels[rows, columns], size, cv2.INTER_NEAREST)
    shares = np.bincount(labels.ravel(), minlength=label + 1) / labels.size
    others = [int(k) for k in np.flatnonzero(shares > MIN_SHARE) if k not in (0, label)]
    rng.shuffle(others)
    chosen = ([label, *others] * MASKS_PER_IMAGE)[:MASKS_PER_IMAGE]
    masks = np.stack([labels == k for k in chosen])
    if rng.random() < 0.5:
        rgb, masks = rgb[:, ::-1], masks[..., ::-1]
    return recolour(rng, np.asarray(rgb)), masks


def _crop(
    rng: np.random.Generator, still: Still, label: int, max_cut: float
) -> tuple[slice, slice]:
    """Rows and columns of a crop that holds the object with a random margin.

    Up to `max_cut` of the object's extent may be missing at each side.
    """
    mask = still.labels == label
    spans = []
    for axis in (0, 1):
        where = np.flatnonzero(mask.any(1 - axis))
        first, last, whole = int(where[0]), int(where[-1]) + 1, mask.shape[axis]
        if max_cut:
            cut_before, cut_after = rng.uniform(-max_cut, max_cut, 2).clip(0) * (last - first)
            first, last = int(first + cut_before), int(last - cut_after)
        keep_before, keep_after = 1 - rng.random(2) ** 1.5
        start = int(first * (1 - keep_before))
        stop = int(np.ceil(last + (whole - last) * keep_after))
        spans.append(slice(start, max(stop, start + 16)))
    return spans[0], spans[1]


def _resized(picture: Image, size: int, interpolation: int) -> Image:
    return np.asarray(cv2.resize(picture, (size, size), interpolation=interpolation), np.uint8)


def _leaning(
    rng: np.random.Generator, still: Still, rows: slice, columns: slice, size: int
) -> tuple[Image, NDArray[np.uint8]]:
    """The crop turned by up to 20 degrees, RGB uint8 [S, S, 3] and labels uint8 [S, S]."""
    height, width = rows.stop - rows.start, columns.stop - columns.start
    centre = (columns.start + width / 2, rows.start + height / 2)
    turn = cv2.getRotationMatrix2D(centre, rng.uniform(-20, 20), 1.0)
    turn[:, 2] -= (columns.start, rows.start)
    turn *= np.array([[size / width], [size / height]])
    square = (size, size)
    mode = cv2.BORDER_REFLECT_101
    rgb = cv2.warpAffine(still.rgb, turn, square, flags=cv2.INTER_LINEAR, borderMode=mode)
    labels = cv2.warpAffine(still.labels, turn, square, flags=cv2.INTER_NEAREST, borderMode=mode)
    return np.asarray(rgb, np.uint8), np.asarray(labels, np.uint8)


def _with_pasted(
    rng: np.random.Generator, still: Still, label: int, item: Sprite
) -> tuple[Still, int]:
    """The photo with a foreign object in it; half the time that one becomes the wanted object.

    Left as it is where the pasted object would hide most of the wanted one.
    """
    height, width = still.labels.shape
    scale = rng.uniform(0.15, 0.5) * max(height, width) / max(item.alpha.shape)
    new = int(still.labels.max()) + 1
    pasted = Layer(item, _placed(rng, item, scale, still.labels.shape), new, np.ones(1, bool))
    frames, masks = render([still.rgb], [pasted], (height, width))
    labels = np.where(masks[0] == new, new, still.labels).astype(np.uint8)
    hidden = 1 - (labels == label).sum() / (still.labels == label).sum()
    visible = float((labels == new).mean())
    if hidden > 0.5 or visible < MIN_SHARE or new > MAX_LABEL:
        return still, label
    return Still(frames[0], labels, still.source), new if rng.random() < 0.5 else label


def _placed(
    rng: np.random.Generator, item: Sprite, scale: float, size_hw: tuple[int, ...]
) -> Affines:
    """Where a sprite goes, one transform [1, 3, 3]: anywhere, a little turned."""
    height, width = item.alpha.shape
    centre = rng.uniform(0.1, 0.9, (1, 2)) * np.array(size_hw[::-1])
    angle = rng.normal(0, 0.2, 1)
    return similarity(np.full(1, scale), angle, np.ones(1), centre, (width / 2, height / 2))


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
        source = pictures if rng.random() < 0.8 else None
        clip = make_clip(rng, num_frames, (size, size), num_objects, difficulty, source)
        frames.append(degrade(rng, clip.frames))
        masks.append(np.stack([clip.masks == k + 1 for k in range(num_objects)]))
    return to_batch(np.stack(frames), np.stack(masks).astype(np.uint8), device)


def to_batch(frames: NDArray[np.uint8], masks: NDArray[np.uint8], device: torch.device) -> Batch:
    """Frames uint8 [N, T, S, S, 3] and masks uint8 [N, K, T, S, S] as tensors."""
    return Batch(normalise(torch.from_numpy(frames).to(device)), torch.from_numpy(masks).to(device))
