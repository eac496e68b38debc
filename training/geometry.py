"""Crops, turns and mirrorings of batches of pictures on a device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Rows = NDArray[np.float64]  # one value for each picture


@dataclass(frozen=True)
class View:
    """What of each picture is shown: boxes around centres, turned; all float64 [N], in pixels.

    A negative `half_width` mirrors. `angle` is in radians.
    """

    centre_x: Rows
    centre_y: Rows
    half_width: Rows
    half_height: Rows
    angle: Rows


def look(
    view: View, pictures: Tensor, labels: Tensor, size: int, extents: tuple[Rows, Rows]
) -> tuple[Tensor, Tensor]:
    """Pictures [N, C, H, W] (any dtype) and label maps uint8 [N, K, H, W] through a view.

    Returns float32 [N, C, size, size] and uint8 [N, K, size, size]. Each picture fills the first
    `extents` (widths, heights) of its tensor; outside it is reflected.
    """
    device = pictures.device
    cos, sin = np.cos(view.angle), np.sin(view.angle)
    numbers = np.stack(
        [
            *(view.centre_x, cos * view.half_width, sin * view.half_height),
            *(view.centre_y, -sin * view.half_width, cos * view.half_height),
            *extents,
        ]
    ).astype(np.float32)
    sent = torch.from_numpy(numbers).to(device, non_blocking=True)[..., None, None]
    line = (torch.arange(size, device=device) + 0.5) * (2 / size) - 1
    u, v = line[None, None, :], line[None, :, None]
    x = _reflected(sent[0] + sent[1] * u + sent[2] * v, sent[6])
    y = _reflected(sent[3] + sent[4] * u + sent[5] * v, sent[7])
    height, width = pictures.shape[-2:]
    grid = torch.stack([x * (2 / width) - 1, y * (2 / height) - 1], -1)

    def sample(source: Tensor, mode: str) -> Tensor:
        return functional.grid_sample(
            source.float(), grid, mode=mode, padding_mode="border", align_corners=False
        )

    return sample(pictures, "bilinear"), sample(labels, "nearest").to(torch.uint8)


def choose(labels: Tensor, wanted: int, first: Tensor | None, min_share: float) -> Tensor:
    """`wanted` objects of each label map uint8 [N, S, S], by chance, as labels int64 [N, wanted].

    `first` [N] comes first where given. Objects of less than `min_share` of the picture are not
    asked for; where there are too few, one is asked for again.
    """
    count = len(labels)
    flat = labels.flatten(1).long()
    areas = torch.zeros(count, 256, device=labels.device)
    areas.scatter_add_(1, flat, torch.ones_like(flat, dtype=torch.float32))
    areas[:, 0] = 0
    fits = areas > min_share * flat.shape[1]
    score = torch.rand_like(areas) * fits
    if first is not None:
        score.scatter_(1, first[:, None], 2.0)
    best, order = score.topk(wanted, 1)
    fallback = areas.argmax(1, keepdim=True) if first is None else first[:, None]
    return torch.where(best > 0, order, fallback)


def _reflected(values: Tensor, end: Tensor) -> Tensor:
    """Fold values into 0..end; those more than once beyond it stay at the other end."""
    inside = end - (end - values.abs()).abs()
    return torch.minimum(inside.clamp(min=0.5), end - 0.5)
