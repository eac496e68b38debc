"""What is minimised: mask overlap, predicted quality and presence, for one decoded frame.

The weights follow sam2's training (`training/loss_fns.py`), with plain cross-entropy in the place
of the focal loss and with the single-mask token and the three candidates supervised together. Of
the candidates only the best one learns its mask, so that they can become alternatives.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

BCE_WEIGHT, DICE_WEIGHT, QUALITY_WEIGHT, PRESENCE_WEIGHT = 3.0, 1.0, 0.5, 0.5


def per_mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy plus dice of each candidate, float32 [B, M].

    `logits` float32 [B, M, h, w]; `target` float32 [B, h, w] in 0..1 (soft at the borders).
    """
    target = target[:, None].expand_as(logits)
    bce = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    probability = logits.sigmoid()
    overlap = 2 * (probability * target).sum((2, 3))
    total = probability.sum((2, 3)) + target.sum((2, 3))
    dice = 1 - (overlap + 1) / (total + 1)
    return BCE_WEIGHT * bce.mean((2, 3)) + DICE_WEIGHT * dice


def mask_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU in 0..1 of each thresholded candidate, float32 [B, M]; 1 where both are empty."""
    predicted, truth = logits > 0, (target > 0.5)[:, None]
    union = (predicted | truth).sum((2, 3)).float()
    both = (predicted & truth).sum((2, 3)).float()
    return torch.where(union > 0, both / union.clamp(min=1), torch.ones_like(union))


def frame_loss(logits: Tensor, qualities: Tensor, presence: Tensor, masks: Tensor) -> Tensor:
    """The loss of one decoded frame, a scalar averaged over its objects.

    `logits` [B, 4, h, w] raw (never the −1024 of absent objects), `qualities` [B, 4] in 0..1,
    `presence` [B, 1] logits, `masks` uint8 [B, S, S] with S = 4h. Compared at S/2.
    """
    target = functional.avg_pool2d(masks[:, None].float(), 2)[:, 0]
    logits = functional.interpolate(logits.float(), scale_factor=2.0, mode="bilinear")
    seen = masks.flatten(1).any(1)
    losses = per_mask_loss(logits, target)
    mask_loss = losses[:, 0] + losses[:, 1:].min(1).values
    quality = (qualities.float() - mask_iou(logits, target)).abs().mean(1)
    present = functional.binary_cross_entropy_with_logits(presence[:, 0].float(), seen.float())
    share = (mask_loss + QUALITY_WEIGHT * quality) * seen
    return share.sum() / len(seen) + PRESENCE_WEIGHT * present
