"""The second training of the bundled model, on a GPU, from the end of the first; and the third.

`python -m training.refine --data PACK --start first.safetensors --out RUN_DIR [--minutes 8.7]`

From weights of the deeper trunk, those of the second training, it goes on by the plan of the third:
longer clips, and longer (`THIRD`).

The trunk gets deeper (`grow.py`), and learns to imitate ImageNet features (`teacher.py`) while the
whole model goes on with prompted pictures and clips at 384 px. Time, not steps, decides the
schedule, since time on such a machine is what there is; the clips depend on it too, so that two
runs are alike but not equal.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from training import model as network
from training import pictures as packs
from training.bank import Bank
from training.config import Config
from training.export_checkpoint import read_weights, write_safetensors
from training.grow import load_smaller
from training.pool import ClipShape, Pool
from training.state import Trainable
from training.steps import clip_loss, prompted_loss
from training.teacher import Imitation, Teacher
from training.tracking import Batch
from training.validation import Share, validate

KEPT_BLOCKS = (0, 1, 2, 3, 4, 6, 8, 9, 11, 13, 14)
"""Which blocks of the deeper trunk the blocks of the first one become."""


@dataclass(frozen=True)
class Plan:
    """What decides a run; batch sizes are per step, every step has pictures and clips."""

    seed: int = 0
    minutes: float = 8.7
    size: int = 384
    small_size: int = 256
    small_share: float = 0.2  # of the steps
    photos: int = 80
    studied: int = 160  # photos that only the trunk learns from, at the small size
    clip_pictures: int = 32  # single frames of clips, beside the photos
    clips: int = 32
    fresh_clips: int = 16  # that each step lets into the pool
    objects: int = 3
    frames: int = 8
    burn_in: int = 6
    long_share: float = 0.35  # of the steps whose clips begin with `burn_in` frames
    encoder_frames: int = 4
    clip_length: int = 14
    capacity: int = 1500
    workers: int = 15
    ready: int = 64  # clips that must be there before the first clip step
    lr: float = 7e-4
    warm_up: int = 60
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    ema: float = 0.99
    imitation: float = 0.5  # weight of the teacher's loss, falling to a fifth of it
    checkpoint_seconds: float = 60.0
    validation_clips: int = 16


THIRD = replace(
    Plan(), minutes=11.0, fresh_clips=24, burn_in=10, clip_length=18, capacity=1200, lr=6e-4
)
"""From the end of the second training."""


class Refinement:
    """A run: `step` as often as there is time for, then `finish`."""

    def __init__(self, plan: Plan, data: Path, start: Mapping[str, Tensor], out: Path) -> None:
        self.plan, self.out = plan, out
        out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(plan.seed)
        self.pictures = packs.load(data)
        shape = ClipShape(plan.clip_length, plan.size, plan.capacity)
        self.pool = Pool(self.pictures, shape, plan.workers, plan.seed)
        self.held_out = packs.load(data, held_out=True)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.pool.start(self.device)
        self.bank = Bank(self.pictures, self.device)
        self.state = Trainable(self._model(start), plan.weight_decay)
        self.model = self.state.model
        self.teacher = Teacher(plan.size).to(self.device)
        sample = self.bank.draw(np.random.default_rng(plan.seed), plan.photos, plan.size)
        channels = tuple(self.model.image_encoder.trunk.channel_list[2::-1])
        self.imitation = Imitation(self.teacher, channels, sample.frames[:, 0]).to(self.device)
        heads = self.imitation.heads.parameters()
        self.optimiser = torch.optim.AdamW(heads, lr=plan.lr, betas=(0.9, 0.98))
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.started = self.saved = time.monotonic()

    def _model(self, start: Mapping[str, Tensor]) -> Any:
        model = network.build()
        network.initialise(model)
        load_smaller(model, start, None if is_deep(start) else KEPT_BLOCKS)
        return model.to(self.device).train()

    def train(self) -> None:
        """Train for the minutes of the plan."""
        self.log({"event": "start", "plan": asdict(self.plan), "torch": str(torch.__version__)})
        self.started = self.saved = time.monotonic()
        while self.progress < 1:
            self.step()
            if self.state.step % 20 == 0:
                self.log_step()
            if time.monotonic() - self.saved > self.plan.checkpoint_seconds:
                self.save("latest")
                self.saved = time.monotonic()
        self.log_step()

    @property
    def progress(self) -> float:
        """The share of the time that is over."""
        return (time.monotonic() - self.started) / (60 * self.plan.minutes)

    @property
    def rate(self) -> float:
        """A warm-up, then a half cosine to nothing."""
        warm = min(1.0, (self.state.step + 1) / self.plan.warm_up)
        return self.plan.lr * warm * (0.5 + 0.5 * math.cos(math.pi * min(1.0, self.progress)))

    def step(self) -> None:
        """One optimiser step: pictures, and clips when there are enough."""
        plan, rate = self.plan, self.rate
        rng = np.random.default_rng((plan.seed, self.state.step))
        size = plan.small_size if rng.random() < plan.small_share else plan.size
        network.set_image_size(self.model, size)
        self.learn_from_pictures(rng, size)
        self.learn_from_teacher(rng)
        if self.pool.filled >= plan.ready:
            self.learn_from_clips(rng, size)
            self.pool.refresh(plan.fresh_clips)
        self.state.update(rate, plan.ema, plan.clip_norm, processes=1)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.state.count_step(0.0, "step")

    def learn_from_pictures(self, rng: np.random.Generator, size: int) -> None:
        """Gradients of prompted pictures, which the trunk also sees as the teacher does."""
        batch = self._picture_batch(rng, size)
        images = batch.frames[:, 0]
        with network.fast_math(self.device):
            lesson = self.teacher(images)
            maps = self.model.image_encoder.trunk(images)
            far = self.imitation(maps, lesson)
            features = network.combine(self.model, maps)
            loss = prompted_loss(self.model, features, batch.masks[:, :, 0], rng)
        torch.autograd.backward(loss + self.imitation_weight * far)
        self._count(pictures=loss, imitation=far)

    def learn_from_teacher(self, rng: np.random.Generator) -> None:
        """Gradients of the imitation alone, of photos that show through each other.

        Mixed pictures are many more than there are photos, and the teacher has an opinion on them.
        """
        count = self.plan.studied
        images = self.bank.draw(rng, count, self.plan.small_size).frames[:, 0]
        share = torch.from_numpy(rng.uniform(0, 0.5, count).astype(np.float32))
        share = share.to(self.device, non_blocking=True)[:, None, None, None]
        images = torch.lerp(images, images.flip(0), share)
        with network.fast_math(self.device):
            lesson = self.teacher(images)
            far = self.imitation(self.model.image_encoder.trunk(images), lesson)
        torch.autograd.backward(self.imitation_weight * far)
        self._count(studied=far)

    @property
    def imitation_weight(self) -> float:
        """What the teacher counts for, less and less."""
        return self.plan.imitation * (1 - 0.8 * min(1.0, self.progress))

    def learn_from_clips(self, rng: np.random.Generator, size: int) -> None:
        """Gradients of objects followed through clips."""
        plan = self.plan
        burn_in = plan.burn_in if rng.random() < plan.long_share else 0
        batch = self.pool.draw(rng, plan.clips, burn_in + plan.frames, plan.objects, size)
        with network.fast_math(self.device):
            loss = clip_loss(self.model, batch, rng, 0.0, plan.encoder_frames, burn_in)
        torch.autograd.backward(loss)
        self._count(clips=loss)

    def _picture_batch(self, rng: np.random.Generator, size: int) -> Batch:
        """Photos and single frames of clips."""
        batch = self.bank.draw(rng, self.plan.photos, size)
        if self.pool.filled < self.plan.ready or not self.plan.clip_pictures:
            return batch
        more = self.pool.draw(rng, self.plan.clip_pictures, 1, batch.masks.shape[1], size)
        order = torch.from_numpy(rng.permutation(len(batch.frames) + len(more.frames)))
        order = order.to(self.device)
        return Batch(
            torch.cat([batch.frames, more.frames])[order],
            torch.cat([batch.masks, more.masks])[order],
        )

    def _count(self, **losses: Tensor) -> None:
        """Sum losses up without waiting for them."""
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(loss)) + loss.detach()
            self.counts[name] = self.counts.get(name, 0) + 1

    def log_step(self) -> None:
        """Write the mean losses since the last line."""
        means = {f"loss_{name}": float(self.sums[name]) / n for name, n in self.counts.items()}
        self.sums.clear()
        self.counts.clear()
        self.log({"event": "step", **means, "lr": self.rate, "clips_drawn": self.pool.drawn})

    def save(self, name: str) -> None:
        """Write the averaged weights."""
        write_safetensors(self.state.averaged_state(), self.out / f"{name}.safetensors")

    def finish(self) -> dict[str, float]:
        """Save, and score the averaged weights as the first training does."""
        self.save("final")
        self.pool.close()
        config = replace(Config(), validation_clips=self.plan.validation_clips)
        scores = {}
        with self.state.averaged() as model, network.fast_math(self.device):
            network.set_image_size(model, self.plan.size)
            sums = validate(model, self.held_out, self.plan.size, config, Share())
        scores = {name: total / count for name, (total, count) in sums.items()}
        mean = sum(scores.values()) / len(scores)
        self.log({"event": "validation", "score": mean, **scores})
        return scores

    def log(self, line: dict[str, Any]) -> None:
        """Append a line to the log of the run, and print it."""
        minutes = round((time.monotonic() - self.started) / 60, 3)
        text = json.dumps({**line, "step": self.state.step, "minutes": minutes})
        print(text, flush=True)
        with (self.out / "log.jsonl").open("a") as file:
            file.write(text + "\n")


def is_deep(weights: Mapping[str, Tensor]) -> bool:
    """Whether weights are of the deeper trunk already."""
    return f"image_encoder.trunk.blocks.{KEPT_BLOCKS[-1]}.norm1.weight" in weights


def smoke(plan: Plan) -> Plan:
    """The same run, tiny."""
    return replace(
        plan,
        minutes=0.1,
        size=64,
        small_size=32,
        photos=2,
        studied=2,
        clip_pictures=2,
        clips=1,
        frames=2,
        burn_in=1,
        clip_length=3,
        capacity=4,
        workers=1,
        ready=1,
        warm_up=2,
        validation_clips=1,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="pack of pictures")
    parser.add_argument("--start", type=Path, required=True, help="weights to begin with")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--minutes", type=float, help="those of the plan if left out")
    parser.add_argument("--workers", type=int, default=Plan.workers, help="that draw clips")
    parser.add_argument("--smoke", action="store_true", help="a few seconds, small")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    start = read_weights(arguments.start)
    plan = THIRD if is_deep(start) else Plan()
    minutes = arguments.minutes or plan.minutes
    plan = replace(plan, seed=arguments.seed, minutes=minutes, workers=arguments.workers)
    run = Refinement(smoke(plan) if arguments.smoke else plan, arguments.data, start, arguments.out)
    run.train()
    run.finish()


if __name__ == "__main__":
    main()
