"""The loss of one training step of each kind."""

from __future__ import annotations

import numpy as np
import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor
from torch.nn import functional

from training import prompts
from training.losses import frame_loss
from training.model import Decoded, decode, encode, without_memory
from training.prompts import Kind
from training.tracking import Batch, Plan, to_tensors, track

KINDS: tuple[Kind, ...] = ("mask", "box", "click")
KIND_SHARES = (0.3, 0.35, 0.35)
CORRECTED_SHARE = 0.3


def image_loss(model: SAM2Base, batch: Batch, rng: np.random.Generator) -> Tensor:
    """Pictures [N, 1, …]: half of them clicked, half boxed, sometimes corrected by one click."""
    images, objects = batch.masks.shape[:2]
    features = without_memory(model, encode(model, batch.frames[:, 0]))
    masks = batch.masks[:, :, 0]
    half = images // 2 if images > 1 else int(rng.integers(2))
    total = torch.zeros((), device=masks.device)
    for kind, group in (("click", range(half)), ("box", range(half, images))):
        if not len(group):
            continue
        index = torch.tensor(group, device=masks.device)
        truth = masks[index].flatten(0, 1)
        own = features.select(index.repeat_interleave(objects))
        masks_np = truth.bool().cpu().numpy()
        points = prompts.clicks(rng, masks_np) if kind == "click" else prompts.boxes(rng, masks_np)
        decoded = decode(model, own, *to_tensors(points, truth.device))
        loss = _loss(decoded, truth)
        if rng.random() < CORRECTED_SHARE:
            logits = decoded.choose(candidates=kind == "click")[0].detach()
            large = functional.interpolate(logits, size=truth.shape[-2:], mode="bilinear")
            fix = prompts.corrections(rng, masks_np, (large[:, 0] > 0).cpu().numpy())
            joined = to_tensors(prompts.join(points, fix), truth.device)
            corrected = decode(model, own, *joined, logits.clamp(-32, 32))
            loss = (loss + _loss(corrected, truth)) / 2
        total = total + loss * len(group) / images
    return total


def clip_loss(
    model: SAM2Base,
    batch: Batch,
    rng: np.random.Generator,
    teacher: float = 0.0,
    encoder_frames: int = 0,
) -> Tensor:
    """Clips [N, T, …]: a random prompt on the first frame, sometimes a correction later."""
    num_frames = batch.masks.shape[2]
    kind = KINDS[int(rng.choice(3, p=KIND_SHARES))]
    correct = num_frames > 2 and rng.random() < CORRECTED_SHARE
    correct_at = int(rng.integers(1, num_frames - 1)) if correct else -1
    losses = [
        _loss(step.decoded, step.truth)
        for step in track(model, batch, Plan(kind, correct_at, teacher, encoder_frames), rng)
        if step.decoded is not None
    ]
    return torch.stack(losses).mean()


def _loss(decoded: Decoded, truth: Tensor) -> Tensor:
    return frame_loss(decoded.logits, decoded.qualities, decoded.presence, truth)
