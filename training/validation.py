"""A quick score during training: generated clips of fixed seeds and photos held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor
from torch.nn import functional

from training import prompts
from training.config import Config
from training.data import still_sample, to_batch
from training.model import encode, without_memory
from training.pictures import Pictures
from training.scenes import Difficulty, make_clip
from training.steps import KINDS
from training.tracking import Batch, Plan, answer_prompts, track

SEED = 1_000_000  # far from the seeds of training


@dataclass(frozen=True)
class Share:
    """The part of the validation that one process does: every `of`-th item from `rank`."""

    rank: int = 0
    of: int = 1


def validate(
    model: SAM2Base, held_out: Pictures | None, size: int, config: Config, share: Share
) -> dict[str, tuple[float, int]]:
    """Sums of IoU and their counts by name, e.g. "easy_box" (tracked) or "photo_click" (one frame).

    Clips of each difficulty with 2 objects, hard ones of held-out pictures; and single photos.
    """
    clips, frames = config.validation_clips, config.validation_frames
    device = model.device
    out: dict[str, tuple[float, int]] = {}
    levels: tuple[tuple[Difficulty, Pictures | None], ...] = (("easy", None), ("hard", held_out))
    with torch.no_grad():
        for difficulty, pictures in levels:
            for index in range(share.rank, clips, share.of):
                rng = np.random.default_rng(SEED + index)
                clip = make_clip(rng, frames, (size, size), 2, difficulty, pictures)
                masks = np.stack([clip.masks == 1, clip.masks == 2]).astype(np.uint8)
                batch = to_batch(clip.frames[None], masks[None], device)
                for kind in KINDS:
                    _add(out, f"{difficulty}_{kind}", tracked_ious(model, batch, kind, index))
        if held_out is not None:
            for index in range(share.rank, 6 * clips, share.of):
                for name, ious in _photo(model, held_out, size, index).items():
                    _add(out, f"photo_{name}", ious)
    return out


def photo_ious(
    model: SAM2Base, held_out: Pictures, size: int, photos: int = 200
) -> dict[str, float]:
    """Mean IoU of single objects in held-out photos by prompt ("box", "click", "clicks3")."""
    with torch.no_grad():
        each = [_photo(model, held_out, size, index) for index in range(photos)]
    return {kind: float(np.concatenate([ious[kind] for ious in each]).mean()) for kind in each[0]}


def tracked_ious(
    model: SAM2Base, batch: Batch, kind: prompts.Kind, seed: int
) -> NDArray[np.float64]:
    """IoU of every visible object on every frame after the prompted one, float64 [n]."""
    ious = []
    for step in track(model, batch, Plan(kind), np.random.default_rng(seed)):
        if step.frame == 0:
            continue
        logits = torch.where(
            step.decoded[-1].presence[..., None, None] > 0, step.mask_logits, -1024.0
        )
        ious.append(_visible_ious(logits, step.truth))
    return np.concatenate(ious)


def _photo(
    model: SAM2Base, held_out: Pictures, size: int, index: int
) -> dict[str, NDArray[np.float64]]:
    """A tight box, and a centre click with two corrections, on one object of a held-out photo."""
    rng = np.random.default_rng(SEED + index)
    rgb, masks = still_sample(rng, *held_out.pick(rng), size)
    batch = to_batch(rgb[None, None], masks[None, :1, None].astype(np.uint8), model.device)
    features = without_memory(model, encode(model, batch.frames[:, 0]))
    truth = batch.masks[:, 0, 0]
    centre = torch.tensor([[prompts.centre_click(masks[0])]], device=model.device)
    click = prompts.Points(centre, torch.ones(1, 1, dtype=torch.int32, device=model.device))
    box = prompts.boxes(rng, truth.bool(), 0.0)
    out = {}
    for kind, points, rounds in (("box", box, 0), ("click", click, 0), ("clicks3", click, 2)):
        _, (logits, _) = answer_prompts(model, features, truth, points, rounds, rng)
        out[kind] = _visible_ious(logits, truth)
    return out


def _visible_ious(logits: Tensor, truth: Tensor) -> NDArray[np.float64]:
    """IoU at full size of the objects that can be seen."""
    large = functional.interpolate(logits.float(), size=truth.shape[-2:], mode="bilinear")
    predicted, target = large[:, 0] > 0, truth > 0
    both = (predicted & target).flatten(1).sum(1).double()
    union = (predicted | target).flatten(1).sum(1).double()
    seen = target.flatten(1).any(1)
    return np.asarray((both / union.clamp(min=1))[seen].cpu().numpy(), np.float64)


def _add(out: dict[str, tuple[float, int]], name: str, values: NDArray[np.float64]) -> None:
    total, count = out.get(name, (0.0, 0))
    out[name] = (total + float(values.sum()), count + len(values))
