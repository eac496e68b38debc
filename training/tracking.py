"""Following objects through a clip with memory, as in inference but differentiable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """One frame of the result.

    `decoded` holds the answer to the first prompt (or to the memory) and to each correction; it is
    empty for a mask prompt. `mask_logits` [B, 1, h, w] is what inference would take; `truth` uint8
    [B, S, S].
    """

    frame: int
    decoded: tuple[Decoded, ...]
    mask_logits: Tensor
    truth: Tensor


@dataclass(frozen=True)
class Plan:
    """How a clip is run.

    The first prompt; how many correcting clicks each frame gets, one after the other (on the
    first frame after a click or a box only); how often the true mask instead of the predicted one
    goes into memory (`teacher`, 0..1); on how many frames of each clip the image encoder learns
    (`encoder_frames`, 0: all): the others are encoded without gradient, 3× cheaper; and how many
    frames at the beginning are followed without learning (`burn_in`), so that what comes later
    learns from a memory that has drifted.
    """

    kind: Kind
    corrections: Mapping[int, int] = field(default_factory=dict)
    teacher: float = 0.0
    encoder_frames: int = 0
    burn_in: int = 0


@dataclass(frozen=True)
class _Answer:
    """What one frame gave: all decodings, the chosen logits and token, whether it was prompted."""

    decoded: tuple[Decoded, ...]
    logits: Tensor
    token: Tensor
    prompted: bool


def track(model: SAM2Base, batch: Batch, plan: Plan, rng: np.random.Generator) -> Iterator[Tracked]:
    """Prompt the first frame of every clip, then follow all B = N × K objects to the end."""
    clips, objects, num_frames = batch.masks.shape[:3]
    every = _encode_clips(model, batch.frames, plan, rng)
    truth = batch.masks.flatten(0, 1)
    bank = MemoryBank()
    clip_of_object = torch.arange(clips, device=truth.device).repeat_interleave(objects)
    learning = torch.is_grad_enabled()
    for t in range(num_frames):
        features, masks = every.select(clip_of_object * num_frames + t), truth[:, t]
        with torch.set_grad_enabled(learning and t >= plan.burn_in):
            answer = _answer(model, features, masks, bank, t, plan, rng)
            if t < num_frames - 1:
                entry = _remembered(model, features, masks, answer, t, plan.teacher, rng)
                (bank.conditioning if answer.prompted else bank.tracked)[t] = entry
        if t + 1 == plan.burn_in:
            torch.clear_autocast_cache()  # its copies of the weights carry no gradient
        yield Tracked(t, answer.decoded, answer.logits, masks)


def _encode_clips(
    model: SAM2Base, frames: Tensor, plan: Plan, rng: np.random.Generator
) -> Features:
    """Encode frames [N, T, 3, S, S] to features of N × T images, some of them without gradient.

    Those with gradient come first: autocast keeps its copies of the weights, and copies made
    without gradient would have none later.
    """
    clips, num_frames = frames.shape[:2]
    later = plan.burn_in + rng.permutation(num_frames - plan.burn_in)
    learning_frames = min(plan.encoder_frames or num_frames, len(later))
    if learning_frames == num_frames:
        return encode(model, frames.flatten(0, 1))
    order = torch.from_numpy(np.concatenate([later, np.arange(plan.burn_in)])).to(frames.device)
    learning = encode(model, frames[:, order[:learning_frames]].flatten(0, 1))
    with torch.no_grad():
        rest = encode(model, frames[:, order[learning_frames:]].flatten(0, 1))
    back = order.argsort()

    def merge(first: Tensor, second: Tensor) -> Tensor:
        parts = [part.reshape(clips, -1, *part.shape[1:]) for part in (first, second)]
        return torch.cat(parts, 1)[:, back].flatten(0, 1)

    return Features(
        merge(learning.embedding, rest.embedding),
        merge(learning.stride4, rest.stride4),
        merge(learning.stride8, rest.stride8),
    )


def _answer(
    model: SAM2Base,
    features: Features,
    masks: Tensor,
    bank: MemoryBank,
    frame: int,
    plan: Plan,
    rng: np.random.Generator,
) -> _Answer:
    """Decode a frame: the first from its prompt, later ones from memory; then correct it."""
    if frame == 0 and plan.kind == "mask":  # its own output; only its pointer is decoded
        raw = masks[:, None].float()
        decoded = decode(model, features, mask_prompt=model.mask_downsample(raw))
        return _Answer((), 20.0 * _shrunk(masks) - 10.0, decoded.choose(False)[1], True)
    if frame == 0:
        points = (prompts.clicks if plan.kind == "click" else prompts.boxes)(rng, masks.bool())
        conditioned = without_memory(model, features)
    else:
        points, conditioned = None, recall(model, features, bank, frame)
    rounds = plan.corrections.get(frame, 0)
    decoded_rounds, last = answer_prompts(model, conditioned, masks, points, rounds, rng)
    return _Answer(tuple(decoded_rounds), *last, frame == 0 or rounds > 0)


def answer_prompts(
    model: SAM2Base,
    conditioned: Features,
    masks: Tensor,
    points: Points | None,
    rounds: int,
    rng: np.random.Generator,
) -> tuple[list[Decoded], tuple[Tensor, Tensor]]:
    """Decode from points (None: from memory alone), then after each of `rounds` further clicks.

    Each click goes to the largest error and is given together with all earlier points and the last
    logits. Returns all decodings, and the logits [B, 1, h, w] and tokens [B, C] chosen last.
    """
    first = () if points is None else (points.xy, points.labels)
    decoded = [decode(model, conditioned, *first)]
    chosen = decoded[0].choose(_ambiguous(points))
    for _ in range(rounds):
        logits = chosen[0].detach()
        large = functional.interpolate(logits, size=masks.shape[-2:], mode="bilinear")
        click = prompts.corrections(rng, masks.bool(), large[:, 0] > 0)
        points = click if points is None else prompts.join(points, click)
        again = decode(model, conditioned, points.xy, points.labels, logits.clamp(-32, 32))
        decoded.append(again)
        chosen = decoded[-1].choose(_ambiguous(points))
    return decoded, chosen


def _ambiguous(points: Points | None) -> bool:
    """Whether inference takes the best of three candidates: with at most one point."""
    return points is None or points.xy.shape[1] <= 1


def _remembered(
    model: SAM2Base,
    features: Features,
    masks: Tensor,
    answer: _Answer,
    frame: int,
    teacher: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The memory of a frame; sometimes of the true mask instead of the answer."""
    presence = answer.decoded[-1].presence if answer.decoded else _true_presence(masks)
    logits = answer.logits
    if frame > 0 and rng.random() < teacher:
        logits, presence = 20.0 * _shrunk(masks) - 10.0, _true_presence(masks)
    return remember(model, features, logits, presence, answer.token)


def _true_presence(masks: Tensor) -> Tensor:
    """Object score logits [B, 1] as they should be."""
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
