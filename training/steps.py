"""The loss of one training step of each kind."""

from __future__ import annotations

import numpy as np
import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from training import prompts
from training.losses import frame_loss
from training.model import Decoded, Features, encode, without_memory
from training.prompts import Kind
from training.tracking import Batch, Plan, answer_prompts, track

KINDS: tuple[Kind, ...] = ("mask", "box", "click")
KIND_SHARES = (0.3, 0.35, 0.35)
CORRECTED_SHARE = 0.5  # of the prompts; then by up to MAX_CLICKS further clicks
MAX_CLICKS = 3
CORRECTED_CLIPS = 0.7  # get clicks on a later frame


def image_loss(model: SAM2Base, batch: Batch, rng: np.random.Generator) -> Tensor:
    """Pictures [N, 1, …]: half of them clicked, half boxed, sometimes corrected by clicks."""
    return prompted_loss(model, encode(model, batch.frames[:, 0]), batch.masks[:, :, 0], rng)


def prompted_loss(
    model: SAM2Base, encoded: Features, masks: Tensor, rng: np.random.Generator
) -> Tensor:
    """`image_loss` of encoded pictures with masks uint8 [N, K, S, S]."""
    images, objects = masks.shape[:2]
    features = without_memory(model, encoded)
    half = images // 2 if images > 1 else int(rng.integers(2))
    total = torch.zeros((), device=masks.device)
    for kind, group in (("click", range(half)), ("box", range(half, images))):
        if not len(group):
            continue
        index = torch.tensor(group, device=masks.device)
        truth = masks[index].flatten(0, 1)
        own = features.select(index.repeat_interleave(objects))
        points = (prompts.clicks if kind == "click" else prompts.boxes)(rng, truth.bool())
        decoded = answer_prompts(model, own, truth, points, _rounds(rng), rng)[0]
        losses = torch.stack([_loss(each, truth) for each in decoded])
        total = total + losses.mean() * len(group) / images
    return total


def clip_loss(
    model: SAM2Base,
    batch: Batch,
    rng: np.random.Generator,
    teacher: float = 0.0,
    encoder_frames: int = 0,
    burn_in: int = 0,
) -> Tensor:
    """Clips [N, T, …]: a random prompt on the first frame, often corrections there and later.

    The mean over all answers of the frames that learn (those after `burn_in`).
    """
    num_frames = batch.masks.shape[2]
    kind = KINDS[int(rng.choice(3, p=KIND_SHARES))]
    corrections = {0: _rounds(rng)}
    if num_frames > 2 and rng.random() < CORRECTED_CLIPS:
        first = max(1, burn_in)
        corrections[int(rng.integers(first, num_frames - 1))] = int(rng.integers(1, MAX_CLICKS))
    plan = Plan(kind, corrections, teacher, encoder_frames, burn_in)
    losses = [
        _loss(decoded, step.truth)
        for step in track(model, batch, plan, rng)
        if step.frame >= burn_in
        for decoded in step.decoded
    ]
    return torch.stack(losses).mean()


def _rounds(rng: np.random.Generator) -> int:
    """How many correcting clicks follow a prompt."""
    return int(rng.integers(1, MAX_CLICKS + 1)) if rng.random() < CORRECTED_SHARE else 0


def _loss(decoded: Decoded, truth: Tensor) -> Tensor:
    return frame_loss(decoded.logits, decoded.qualities, decoded.presence, truth)
