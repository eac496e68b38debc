"""Simulated users: clicks, boxes and corrections for given masks.

Whole batches of masks are asked on the device they are on, without waiting for it; only the random
numbers come from NumPy, so that a seed says everything. `centre_click` and `box_corners` are for
single masks of NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Kind = Literal["mask", "box", "click"]
Mask = NDArray[np.bool_]

CENTRE_SHARE = 0.3  # of the clicks; the others are anywhere but the very edge
CELL = 4  # pixels; where a click goes is first decided on a grid of this size


@dataclass(frozen=True)
class Points:
    """`xy` float32 [B, P, 2] in pixels; `labels` int32 [B, P]: 1 +, 0 −, 2/3 box corners."""

    xy: Tensor
    labels: Tensor


def centre_click(mask: Mask) -> tuple[float, float]:
    """The (x, y) of the point deepest inside a mask; the image centre for an empty one."""
    if not mask.any():
        return mask.shape[1] / 2, mask.shape[0] / 2
    depth = _distance(mask)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(x), float(y)


def box_corners(mask: Mask) -> tuple[float, float, float, float]:
    """The tight box (x0, y0, x1, y1) of a mask in pixels, ends included."""
    if not mask.any():
        return 0.0, 0.0, float(mask.shape[1] - 1), float(mask.shape[0] - 1)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])


def clicks(rng: np.random.Generator, masks: Tensor) -> Points:
    """One positive click for each mask of bool [B, H, W] (multiples of 4).

    Some at the deepest point, the others anywhere but the very edge; the image centre for an empty
    mask.
    """
    xy = _points_inside(rng, masks)[:, None]
    return Points(xy, torch.ones(xy.shape[:2], dtype=torch.int32, device=xy.device))


def boxes(rng: np.random.Generator, masks: Tensor, noise: float = 0.12) -> Points:
    """One box for each mask of bool [B, H, W], each side moved by up to `noise` of its length.

    Some boxes are nearly tight, others careless: each has its own share of the noise.
    """
    count, height, width = masks.shape
    corners = torch.stack([*_ends(masks.any(1)), *_ends(masks.any(2))], 1)  # x0 x1 y0 y1
    corners = corners.reshape(-1, 2, 2).transpose(1, 2).float()
    sides = corners[:, 1:] - corners[:, :1]
    care = rng.random((count, 1, 1))
    moved = care * np.clip(rng.normal(0, noise / 2, (count, 2, 2)), -noise, noise)
    corners = corners + _sent(moved, masks.device) * sides
    corners = torch.stack(
        [corners[..., 0].clamp(0, width - 1), corners[..., 1].clamp(0, height - 1)], -1
    )
    labels = torch.tensor([[2, 3]], dtype=torch.int32).to(masks.device, non_blocking=True)
    return Points(corners, labels.expand(count, 2))


def corrections(rng: np.random.Generator, masks: Tensor, predicted: Tensor) -> Points:
    """One click for each object in its largest error: + where it is missed, − where it spills.

    Both are bool [B, H, W]; where there is no error, the click is inside the mask.
    """
    missed, spilled = masks & ~predicted, predicted & ~masks
    positive = missed.flatten(1).sum(1) >= spilled.flatten(1).sum(1)
    error = torch.where(positive[:, None, None], missed, spilled)
    error = torch.where(error.flatten(1).any(1)[:, None, None], error, masks)
    return Points(_points_inside(rng, error)[:, None], positive.int()[:, None])


def join(first: Points, second: Points) -> Points:
    """All points of both, in order."""
    return Points(torch.cat([first.xy, second.xy], 1), torch.cat([first.labels, second.labels], 1))


def depths(masks: Tensor) -> Tensor:
    """How deep inside its mask each pixel is, float32 [B, H, W] in pixels, 0 outside.

    The image border counts as outside. On the CPU the Euclidean distance of OpenCV; elsewhere
    `eroded_depths`.
    """
    if masks.device.type == "cpu":
        each = [_distance(mask) for mask in masks.numpy()]
        return torch.from_numpy(np.stack(each))
    return eroded_depths(masks)


def eroded_depths(masks: Tensor) -> Tensor:
    """`depths` by erosion, by a cross and a square in turn, which makes distances octagonal."""
    left = functional.pad(masks.half(), (1, 1, 1, 1))[:, None]
    total = torch.zeros_like(left)
    for step in range((min(masks.shape[1:]) + 1) // 2):
        total += left
        if step % 2:
            left = -functional.max_pool2d(-left, 3, 1, 1)
        else:
            rows = -functional.max_pool2d(-left, (3, 1), 1, (1, 0))
            left = torch.minimum(rows, -functional.max_pool2d(-left, (1, 3), 1, (0, 1)))
    return total[:, 0, 1:-1, 1:-1].float()


def _points_inside(rng: np.random.Generator, masks: Tensor) -> Tensor:
    """A point of each mask as a click would give it, float32 [B, 2] (x, y).

    A cell of `CELL` pixels is chosen first, then that of its pixels in the mask which is nearest to
    the middle of the cell.
    """
    count, height, width = masks.shape
    device = masks.device
    cells = functional.max_pool2d(masks[:, None].float(), CELL)[:, 0] > 0
    depth = depths(cells).flatten(1)
    deepest = depth.max(1, keepdim=True).values
    fraction, place, centred = _sent(rng.random((3, count, 1)), device)
    inside = (depth > 0) & (depth >= 0.6 * fraction * deepest)
    order = inside.int().cumsum(1)
    wanted = (place * order[:, -1:]).int().clamp(max=order[:, -1:] - 1)
    anywhere = (order <= wanted).sum(1, keepdim=True).clamp(max=depth.shape[1] - 1)
    cell = torch.where(centred < CENTRE_SHARE, depth.argmax(1, keepdim=True), anywhere)
    columns = width // CELL
    steps = torch.arange(CELL * CELL, device=device)
    ys, xs = CELL * (cell // columns) + steps // CELL, CELL * (cell % columns) + steps % CELL
    flat = masks.flatten(1).gather(1, ys * width + xs)
    centrality = (steps // CELL * (CELL - 1 - steps // CELL)) + steps % CELL * (
        CELL - 1 - steps % CELL
    )
    which = (flat * (1 + centrality)).argmax(1, keepdim=True)
    chosen = torch.cat([xs.gather(1, which), ys.gather(1, which)], 1).float()
    middle = torch.tensor([[width / 2, height / 2]]).to(device, non_blocking=True)
    return torch.where(deepest > 0, chosen, middle)


def _ends(filled: Tensor) -> tuple[Tensor, Tensor]:
    """First and last true place of each row of bool [B, L]; the whole row where there is none."""
    size = filled.shape[1]
    some = filled.any(1)
    first = filled.int().argmax(1)
    last = size - 1 - filled.flip(1).int().argmax(1)
    return first, torch.where(some, last, size - 1)


def _sent(values: NDArray[np.float64], device: torch.device) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(device, non_blocking=True)


def _distance(mask: Mask) -> NDArray[np.float32]:
    """Distance to the outside in pixels, the image border counting as outside."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1], np.float32)
