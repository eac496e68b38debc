"""Decoder pretext: before any picture is seen, a prompt is turned into an ellipse on noise.

Prompting does not bootstrap by itself from images in a short training; three minutes of this make
the decoder write where it is told to.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from training import prompts
from training.losses import frame_loss
from training.model import Features, decode, without_memory


def ellipses(
    rng: np.random.Generator, count: int, size: int, radius: tuple[float, float]
) -> NDArray[np.bool_]:
    """Random ellipses bool [count, size, size] with half axes of `radius` × size."""
    out = np.zeros((count, size, size), np.uint8)
    for mask in out:
        axes = rng.uniform(*radius, 2) * size
        centre = rng.uniform(0.12, 0.88, 2) * size
        cv2.ellipse(
            mask, (int(centre[0]), int(centre[1])), (int(axes[0]), int(axes[1])), 0, 0, 360, 1, -1
        )
    return out.astype(bool)


def noise_features(model: SAM2Base, count: int, size: int, device: torch.device) -> Features:
    """Features that carry no information, of the shapes that `encode` gives."""
    channels = model.hidden_dim
    return Features(
        0.5 * torch.randn(count, channels, size // 16, size // 16, device=device),
        0.5 * torch.randn(count, channels // 8, size // 4, size // 4, device=device),
        0.5 * torch.randn(count, channels // 4, size // 8, size // 8, device=device),
    )


def pretext_loss(
    model: SAM2Base, rng: np.random.Generator, count: int, size: int, device: torch.device
) -> Tensor:
    """Loss of a batch of `count` boxes (to ellipses inside), clicks (to discs around) and masks."""
    kind = int(rng.integers(3))
    features = without_memory(model, noise_features(model, count, size, device))
    if kind == 0:
        shapes = ellipses(rng, count, size, (0.06, 0.4))
        points = prompts.boxes(rng, torch.from_numpy(shapes).to(device), 0.02)
        decoded = decode(model, features, points.xy, points.labels)
    elif kind == 1:
        shapes = ellipses(rng, count, size, (0.16, 0.17))
        centres = torch.tensor([[prompts.centre_click(shape)] for shape in shapes], device=device)
        labels = torch.ones(count, 1, dtype=torch.int32, device=device)
        decoded = decode(model, features, centres, labels)
    else:
        shapes = ellipses(rng, count, size, (0.06, 0.4))
        raw = torch.from_numpy(shapes).to(device)[:, None].float()
        decoded = decode(model, features, mask_prompt=model.mask_downsample(raw))
    masks = torch.from_numpy(shapes.view(np.uint8)).to(device)
    return frame_loss(decoded.logits, decoded.qualities, decoded.presence, masks)
