"""Following objects through a clip with memory, as in inference but differentiable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor
from torch.nn import functional

from training import prompts
from training.model import NO_OBJECT, Decoded, Features, decode, encode, without_memory
from training.prompts import Kind, Points

LONG_CLIP = 1000  # any large number: pointer distances are then normalised as in inference


@dataclass
class MemoryBank:
    """Memories of one clip in the form that `SAM2Base` reads: frame → its outputs."""

    conditioning: dict[int, dict[str, Any]] = field(default_factory=dict)
    tracked: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Clips: `frames` float32 [N, T, 3, S, S] normalised, `masks` uint8 [N, K, T, S, S]."""

    frames: Tensor
    masks: Tensor


@dataclass(frozen=True)
class Tracked:
    """One frame of the result: `decoded` is None for a mask prompt; `mask_logits` [B, 1, h, w];
    `truth` uint8 [B, S, S].
    """

    frame: int
    decoded: Decoded | None
    mask_logits: Tensor
    truth: Tensor


@dataclass(frozen=True)
class Plan:
    """How a clip is run.

    The first prompt, a frame to correct (−1: none), how often the true mask instead of the
    predicted one goes into memory (`teacher`, 0..1), and on how many frames of each clip the image
    encoder learns (`encoder_frames`, 0: all): the others are encoded without gradient, 3× cheaper.
    """

    kind: Kind
    correct_at: int = -1
    teacher: float = 0.0
    encoder_frames: int = 0


def to_tensors(points: Points, device: torch.device) -> tuple[Tensor, Tensor]:
    """Points as float32 [B, P, 2] and int32 [B, P] tensors."""
    return torch.from_numpy(points.xy).to(device), torch.from_numpy(points.labels).to(device)


def track(model: SAM2Base, batch: Batch, plan: Plan, rng: np.random.Generator) -> Iterator[Tracked]:
    """Prompt the first frame of every clip, then follow all B = N × K objects to the end."""
    clips, objects, num_frames = batch.masks.shape[:3]
    every = _encode_clips(model, batch.frames, plan.encoder_frames, rng)
    truth = batch.masks.flatten(0, 1)
    bank = MemoryBank()
    clip_of_object = torch.arange(clips, device=truth.device).repeat_interleave(objects)
    for t in range(num_frames):
        features = every.select(clip_of_object * num_frames + t)
        masks = truth[:, t]
        if t == 0:
            decoded, logits, token, points = _first(model, features, masks, plan.kind, rng)
        else:
            decoded, logits, token, points = _later(
                model, features, masks, bank, t, t == plan.correct_at, rng
            )
        yield Tracked(t, decoded, logits, masks)
        if t == num_frames - 1:
            return
        presence = _presence(decoded, masks)
        if t > 0 and rng.random() < plan.teacher:
            logits, presence = 20.0 * _shrunk(masks) - 10.0, _presence(None, masks)
        entry = remember(model, features, logits, presence, token)
        (bank.conditioning if points else bank.tracked)[t] = entry


def _encode_clips(
    model: SAM2Base, frames: Tensor, encoder_frames: int, rng: np.random.Generator
) -> Features:
    """Encode frames [N, T, 3, S, S] to features of N × T images, some of them without gradient.

    Those with gradient come first: autocast keeps its copies of the weights, and copies made
    without gradient would have none later.
    """
    clips, num_frames = frames.shape[:2]
    if not 0 < encoder_frames < num_frames:
        return encode(model, frames.flatten(0, 1))
    order = torch.from_numpy(rng.permutation(num_frames)).to(frames.device)
    learning = encode(model, frames[:, order[:encoder_frames]].flatten(0, 1))
    with torch.no_grad():
        rest = encode(model, frames[:, order[encoder_frames:]].flatten(0, 1))
    back = order.argsort()

    def merge(first: Tensor, second: Tensor) -> Tensor:
        parts = [part.reshape(clips, -1, *part.shape[1:]) for part in (first, second)]
        return torch.cat(parts, 1)[:, back].flatten(0, 1)

    return Features(
        merge(learning.embedding, rest.embedding),
        merge(learning.stride4, rest.stride4),
        merge(learning.stride8, rest.stride8),
    )


def _first(
    model: SAM2Base, features: Features, masks: Tensor, kind: Kind, rng: np.random.Generator
) -> tuple[Decoded | None, Tensor, Tensor, bool]:
    """Decode the prompted frame; a mask prompt is its own output and only yields a pointer."""
    if kind == "mask":
        raw = masks[:, None].float()
        decoded = decode(model, features, mask_prompt=model.mask_downsample(raw))
        return None, 20.0 * _shrunk(masks) - 10.0, decoded.choose(False)[1], True
    truth = masks.bool().cpu().numpy()
    points = prompts.clicks(rng, truth) if kind == "click" else prompts.boxes(rng, truth)
    xy, labels = to_tensors(points, masks.device)
    decoded = decode(model, without_memory(model, features), xy, labels)
    return decoded, *decoded.choose(candidates=kind == "click"), True


def _later(
    model: SAM2Base,
    features: Features,
    masks: Tensor,
    bank: MemoryBank,
    frame: int,
    correct: bool,
    rng: np.random.Generator,
) -> tuple[Decoded, Tensor, Tensor, bool]:
    """Decode a tracked frame, with one correcting click when asked."""
    conditioned = recall(model, features, bank, frame)
    decoded = decode(model, conditioned)
    logits, token = decoded.choose(candidates=True)
    if not correct:
        return decoded, logits, token, False
    predicted = functional.interpolate(logits, size=masks.shape[-2:], mode="bilinear")[:, 0] > 0
    points = prompts.corrections(rng, masks.bool().cpu().numpy(), predicted.cpu().numpy())
    xy, labels = to_tensors(points, masks.device)
    decoded = decode(model, conditioned, xy, labels, logits.detach().clamp(-32, 32))
    return decoded, *decoded.choose(candidates=True), True


def _presence(decoded: Decoded | None, masks: Tensor) -> Tensor:
    """Object score logits [B, 1]; from the truth for a mask prompt."""
    if decoded is not None:
        return decoded.presence
    return 20.0 * masks.flatten(1).any(1, keepdim=True).float() - 10.0


def _shrunk(masks: Tensor) -> Tensor:
    """Masks uint8 [B, S, S] to shares 0..1, float32 [B, 1, S/4, S/4]."""
    return functional.avg_pool2d(masks[:, None].float(), 4)


def recall(model: SAM2Base, features: Features, bank: MemoryBank, frame: int) -> Features:
    """Features of a frame conditioned on the memories, by upstream's own memory attention."""
    embedding = features.embedding
    height, width = embedding.shape[-2:]
    position = model.image_encoder.neck.position_encoding(embedding[:1])
    position = position.flatten(2).permute(2, 0, 1).expand(-1, len(embedding), -1)
    conditioned = model._prepare_memory_conditioned_features(
        frame_idx=frame,
        is_init_cond_frame=False,
        current_vision_feats=[embedding.flatten(2).permute(2, 0, 1)],
        current_vision_pos_embeds=[position],
        feat_sizes=[(height, width)],
        output_dict={
            "cond_frame_outputs": bank.conditioning,
            "non_cond_frame_outputs": bank.tracked,
        },
        num_frames=LONG_CLIP,
    )
    return Features(conditioned, features.stride4, features.stride8)


def remember(
    model: SAM2Base, features: Features, logits: Tensor, presence: Tensor, token: Tensor
) -> dict[str, Any]:
    """Encode one frame's masks into memory; absent objects as in inference."""
    seen = (presence > 0).float()
    pointer = seen * model.obj_ptr_proj(token) + (1 - seen) * model.no_obj_ptr
    masks = torch.where(presence[..., None, None] > 0, logits, NO_OBJECT)
    masks = functional.interpolate(masks, scale_factor=4.0, mode="bilinear")
    height, width = features.embedding.shape[-2:]
    memory, position = model._encode_new_memory(
        current_vision_feats=[features.embedding.flatten(2).permute(2, 0, 1)],
        feat_sizes=[(height, width)],
        pred_masks_high_res=masks,
        object_score_logits=presence,
        is_mask_from_pts=False,
    )
    return {"maskmem_features": memory, "maskmem_pos_enc": position, "obj_ptr": pointer}
