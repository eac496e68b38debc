"""The objects of a clip: what they look like and how they move. Photos lend whole real ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from training import motion
from training.augment import recolour
from training.layers import Layer, backdrop, bent
from training.panels import panelled
from training.pictures import Pictures, Still, cut
from training.posts import post
from training.textures import Image, Sprite, sprite

Difficulty = Literal["easy", "hard"]
MIN_CONTRAST = 55.0  # mean RGB distance of an easy object from the background
THIN_SHARE = 0.4  # of the drawn objects that mix with photos
SPARSE_SHARE = 0.5  # of the clips in a photo, see Pictures.pick
TWIN_SHARE = 0.3  # of the hard clips in a photo get a look-alike of their first object


def pick_object(
    rng: np.random.Generator, behind: Image, difficulty: Difficulty, pictures: Pictures | None
) -> Sprite:
    """A real or drawn object; an easy one differs clearly from the background in colour.

    Beside photos, many drawn ones are thin; half of all are narrowed, as a wide video is when it is
    squeezed into a square.
    """
    for _ in range(20):
        if pictures is None:
            item = sprite(rng, 128, rng.uniform(0.2, 1.0))
        else:
            if rng.random() < 0.7:
                item = pictures.cutout(rng)
            else:
                item = sprite(rng, 128, rng.uniform(0.2, 1.0), thin=rng.random() < THIN_SHARE)
            if pictures.panel_share and rng.random() < pictures.panel_share:
                item = panelled(rng, item, behind)
            item = _narrowed(item, rng.uniform(0.55, 1.0)) if rng.random() < 0.5 else item
        inside = item.rgb[item.alpha > 127]
        if difficulty == "hard" or not len(inside):
            break
        distance = np.linalg.norm(inside.mean(0) - behind.reshape(-1, 3).mean(0))
        if distance > MIN_CONTRAST:
            break
    return item


def moving(
    rng: np.random.Generator,
    item: Sprite,
    label: int,
    num_frames: int,
    size_hw: tuple[int, int],
    difficulty: Difficulty,
) -> Layer:
    """Give an object a size, a path through the frame, deformation and (hard) absences."""
    hard = difficulty == "hard"
    height, width = item.alpha.shape
    share = rng.uniform(0.12, 0.6) if hard else rng.uniform(0.2, 0.55)
    scale = share * max(size_hw) / max(height, width)
    start_xy = rng.uniform(0.15, 0.85, 2) * np.array(size_hw[::-1])
    bounds = size_hw if not hard or rng.random() < 0.6 else None
    reach = rng.uniform(0.05, 0.5 if hard else 0.2) * max(size_hw)
    turn = rng.uniform(0, 1.2 if hard else 0.4)
    path = motion.object_path(
        rng,
        num_frames,
        start_xy,
        scale,
        (width / 2, height / 2),
        reach,
        turn,
        0.3 if hard else 0.12,
        bounds,
    )
    layer = Layer(item, path, label, _shown(rng, num_frames, 0.2 if hard else 0.0))
    return bent(rng, layer, 0.1) if rng.random() < (0.6 if hard else 0.3) else layer


def _shown(rng: np.random.Generator, num_frames: int, absent_share: float) -> NDArray[np.bool_]:
    """On which frames an object can be seen, bool [T]; the first always."""
    shown = np.ones(num_frames, bool)
    if absent_share and num_frames > 3 and rng.random() < absent_share:
        gone = int(rng.integers(1, num_frames))
        shown[gone : gone + int(rng.integers(1, max(2, num_frames // 2)))] = False
    return shown


def _narrowed(item: Sprite, factor: float) -> Sprite:
    """The same object, `factor` as wide."""
    size = (max(2, round(item.alpha.shape[1] * factor)), item.alpha.shape[0])
    rgb, alpha = (
        np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.uint8)
        for layer in (item.rgb, item.alpha)
    )
    return Sprite(rgb, alpha)


def photo_layers(
    rng: np.random.Generator,
    num_frames: int,
    size_hw: tuple[int, int],
    num_objects: int,
    difficulty: Difficulty,
    pictures: Pictures,
) -> tuple[list[Image], list[Layer]]:
    """Real objects in their own photo: the camera moves, and each object a little by itself."""
    hard = difficulty == "hard"
    still, first = pictures.pick(rng, prefer_sparse=bool(rng.random() < SPARSE_SHARE))
    still = replace(still, rgb=recolour(rng, still.rgb)) if rng.random() < 0.5 else still
    labels = _choose_labels(rng, still, first, num_objects)
    view = _view(rng, still, labels, size_hw)
    camera = motion.camera_path(rng, num_frames, size_hw, rng.uniform(0.02, 0.18 if hard else 0.07))
    flat = _fill_in(still, labels)
    back = backdrop([flat], camera @ view, size_hw)
    layers = []
    for label, label_in_photo in enumerate(labels, 1):
        item, (left, top) = cut(still, label_in_photo)
        height, width = item.alpha.shape
        to_photo = motion.similarity(
            *(np.ones(1), np.zeros(1), np.ones(1)),
            centre_xy=np.array([[left + width / 2, top + height / 2]]),
            pivot_xy=(width / 2, height / 2),
        )
        reach = rng.choice([0, 0.06, 0.2 if hard else 0.1]) * max(still.labels.shape)
        own = motion.object_path(
            rng,
            num_frames,
            np.array([left + width / 2, top + height / 2]),
            1.0,
            (left + width / 2, top + height / 2),
            reach,
            0.15,
            0.15,
            None,
        )
        path = (camera @ view @ own @ to_photo).astype(np.float32)
        layer = Layer(item, path, label, _shown(rng, num_frames, 0.08 if hard else 0.0))
        layers.append(bent(rng, layer, rng.uniform(0.02, 0.12)))
    if hard and rng.random() < TWIN_SHARE:
        twin = cut(still, first)[0]
        twin = Sprite(tint(rng, twin.rgb, 12), twin.alpha)
        layers.insert(0, moving(rng, twin, 0, num_frames, size_hw, difficulty))
    missing = list(range(len(labels) + 1, num_objects + 1))
    for label in missing + [0] * (int(rng.integers(0, 3)) if hard else 0):
        other = pick_object(rng, back[0], difficulty, pictures)
        layers.append(moving(rng, other, label, num_frames, size_hw, difficulty))
    if hard and pictures.post_share and rng.random() < pictures.post_share:
        layers += [post(rng, camera, size_hw, flat) for _ in range(int(rng.integers(1, 3)))]
    return back, layers


def _choose_labels(
    rng: np.random.Generator, still: Still, first: int, num_objects: int
) -> list[int]:
    """`first` and further objects of the photo that are not tiny; fewer when there are fewer."""
    shares = np.bincount(still.labels.ravel(), minlength=2) / still.labels.size
    others = [int(i) for i in np.flatnonzero(shares > 0.008) if i not in (0, first)]
    rng.shuffle(others)
    return [first, *others[: num_objects - 1]]


def _view(
    rng: np.random.Generator, still: Still, labels: list[int], size_hw: tuple[int, int]
) -> NDArray[np.float32]:
    """A crop of the photo as a transform [3, 3] from photo to frame, with some squash and flip."""
    height, width = still.labels.shape
    rows, columns = np.nonzero(np.isin(still.labels, labels))
    keep = rng.uniform(0.3, 1.0)
    x0, x1 = columns.min() * keep, width - (width - columns.max()) * keep
    y0, y1 = rows.min() * keep, height - (height - rows.max()) * keep
    scale = np.array([size_hw[1] / (x1 - x0), size_hw[0] / (y1 - y0)])
    limit = rng.uniform(1.0, 1.8)
    scale = np.clip(scale, scale.max() / limit, None)
    out = np.eye(3, dtype=np.float32)
    out[0, 0], out[1, 1] = scale
    out[:2, 2] = np.array(size_hw[::-1]) / 2 - scale * np.array([x0 + x1, y0 + y1]) / 2
    if rng.random() < 0.5:
        out[0] = -out[0]
        out[0, 2] += size_hw[1]
    return out


def _fill_in(still: Still, labels: list[int]) -> Image:
    """The photo with the objects' places filled from around them (blurred)."""
    hole = np.isin(still.labels, labels).astype(np.uint8)
    hole = np.asarray(cv2.dilate(hole, np.ones((5, 5), np.uint8)), np.uint8)
    half = (max(1, hole.shape[1] // 2), max(1, hole.shape[0] // 2))
    rgb = cv2.resize(still.rgb, half, interpolation=cv2.INTER_AREA)
    keep = (cv2.resize(hole, half, interpolation=cv2.INTER_AREA) == 0).astype(np.float32)
    filled = np.zeros((*keep.shape, 3), np.float32)
    missing = np.ones(keep.shape, np.float32)
    for sigma in (2, 8, 32):
        step = max(1, sigma // 4)
        small = (max(1, keep.shape[1] // step), max(1, keep.shape[0] // step))
        image = cv2.resize(rgb * keep[..., None], small, interpolation=cv2.INTER_AREA)
        weight = cv2.resize(keep, small, interpolation=cv2.INTER_AREA)
        image, weight = (cv2.GaussianBlur(x, (0, 0), sigma / step) for x in (image, weight))
        share = np.clip(weight * 8, 0, 1)
        colour = image / np.maximum(weight, 1e-4)[..., None]
        take = missing * cv2.resize(share, half)
        filled += take[..., None] * cv2.resize(colour, half)
        missing = missing - take
    filled = np.clip(filled + missing[..., None] * 128, 0, 255)
    large = cv2.resize(filled.astype(np.uint8), hole.shape[::-1])
    return np.where(hole[..., None] > 0, large, still.rgb).astype(np.uint8)


def tint(rng: np.random.Generator, rgb: Image, strength: float) -> Image:
    """The same picture, each colour channel shifted by about `strength`."""
    return np.clip(rgb + rng.normal(0, strength, 3), 0, 255).astype(np.uint8)
