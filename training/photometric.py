"""Changes of light, and what a camera and a codec do to pictures, for whole batches on a device.

The same as `augment.py` does to single pictures in NumPy. Pictures are float32 [N, C, S, S] with
values 0..255; C may hold several RGB frames, which are then treated alike.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

BLURRED, COMPRESSED, NOISY, FLAT, GREY = 0.25, 0.25, 0.2, 0.25, 0.1  # shares of the pictures
KERNEL = 15  # pixels, of the widest blur

LUMA = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
"""JPEG's steps for brightness (ITU T.81, annex K), used for colour too, twice as coarse."""


def recolour(rng: np.random.Generator, pictures: Tensor) -> Tensor:
    """Change light, colour balance and contrast; some become grey."""
    count, channels = pictures.shape[:2]
    frames = channels // 3
    gain = np.clip(rng.normal(1, 0.15, (count, 1)) + rng.normal(0, 0.06, (count, 3)), 0.5, 1.5)
    bias = rng.normal(0, 12, (count, 1))
    contrast = np.where(rng.random((count, 1)) < FLAT, rng.uniform(0.35, 1.1, (count, 1)), 1.0)
    grey = (rng.random((count, 1)) < GREY).astype(np.float64)
    gain, bias = np.tile(gain, (1, frames)), np.broadcast_to(bias, (count, channels))
    per_channel = _sent(np.stack([gain, bias, np.broadcast_to(contrast, gain.shape)]), pictures)
    scale, shift, keep = per_channel[..., None, None]
    middle = pictures.mean((1, 2, 3), keepdim=True)
    out = (middle + keep * (pictures - middle)) * scale + shift
    luma = (
        out.reshape(count, frames, 3, *out.shape[2:])
        .mean(2, keepdim=True)
        .expand(-1, -1, 3, -1, -1)
        .flatten(1, 2)
    )
    return torch.lerp(out, luma, _sent(grey, pictures)[..., None, None]).clamp(0, 255)


def degrade(rng: np.random.Generator, pictures: Tensor) -> Tensor:
    """Blur some, add noise to some, compress some; [N, 3, S, S] whose order is by chance."""
    count = len(pictures)
    blurred, compressed = round(BLURRED * count), round(COMPRESSED * count)
    start = int(rng.integers(0, count - compressed + 1))
    parts = [_blurred(rng, pictures[:blurred]), pictures[blurred:]]
    out = torch.cat(parts)
    sigma = np.where(rng.random(count) < NOISY, rng.uniform(2, 12, count), 0.0)
    out = out + _sent(sigma, out)[:, None, None, None] * torch.randn_like(out)
    end = start + compressed
    middle = compress(out[start:end].clamp(0, 255), rng.uniform(15, 90, compressed))
    return torch.cat([out[:start], middle, out[end:]]).clamp(0, 255)


def compress(pictures: Tensor, quality: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Tensor:
    """What JPEG of a quality 1..100 leaves of pictures [N, 3, S, S], S a multiple of 8."""
    if not len(pictures):
        return pictures
    strength = np.where(quality < 50, 50 / np.maximum(quality, 1), 2 - quality / 50)
    steps = torch.tensor(LUMA, device=pictures.device).reshape(8, 8) * 1.0
    steps = torch.stack([steps, 2 * steps, 2 * steps])[None, :, None, None]
    steps = (steps * _sent(strength, pictures)[:, None, None, None, None, None]).clamp(min=1)
    (colour, back), cosine = _colour(pictures.device), _cosine(pictures.device)
    planes = torch.einsum("dc,nchw->ndhw", colour, pictures) - 128 * colour.sum(1)[:, None, None]
    cells = planes.shape[2] // 8
    blocks = planes.reshape(*planes.shape[:2], cells, 8, cells, 8).transpose(3, 4)
    waves = cosine @ blocks @ cosine.T
    kept = (waves / steps).round() * steps
    planes = (cosine.T @ kept @ cosine).transpose(3, 4).flatten(4, 5).flatten(2, 3)
    planes = planes + 128 * colour.sum(1)[:, None, None]
    return torch.einsum("dc,nchw->ndhw", back, planes)


def _blurred(rng: np.random.Generator, pictures: Tensor) -> Tensor:
    """Each picture by its own kernel: half of them motion, half out of focus."""
    count, channels = pictures.shape[:2]
    if not count:
        return pictures
    reach = (KERNEL - 1) / 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    angle = rng.uniform(0, np.pi, (count, 1, 1))
    length = rng.uniform(1, reach, (count, 1, 1))
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    motion = np.exp(-((across / 0.6) ** 2)) * (np.abs(along) <= length)
    focus = np.exp(-(x**2 + y**2) / (2 * rng.uniform(0.5, 1.6, (count, 1, 1)) ** 2))
    kernel = np.where(rng.random((count, 1, 1)) < 0.5, motion, focus)
    kernel /= kernel.sum((1, 2), keepdims=True)
    weights = _sent(kernel, pictures).repeat_interleave(channels, 0)[:, None]
    padded = functional.pad(pictures.flatten(0, 1)[None], (KERNEL // 2,) * 4, mode="reflect")
    out = functional.conv2d(padded, weights, groups=count * channels)
    return out.reshape(pictures.shape)


@cache
def _cosine(device: torch.device) -> Tensor:
    """The orthonormal cosine transform of 8 values, float32 [8, 8]."""
    place, wave = np.meshgrid(np.arange(8), np.arange(8))
    table = np.cos(np.pi * (place + 0.5) * wave / 8) * np.where(wave == 0, math.sqrt(0.5), 1) / 2
    return torch.from_numpy(table.astype(np.float32)).to(device)


@cache
def _colour(device: torch.device) -> tuple[Tensor, Tensor]:
    """RGB to brightness and two differences of colour, float32 [3, 3], and back."""
    rows = torch.tensor([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    return rows.to(device), torch.linalg.inv(rows).to(device)


def _sent(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], like: Tensor) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(like.device, non_blocking=True)
