"""One process of a training run: its steps, validation, checkpoints and log."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import distributed

from training import model as network
from training import pictures as packs
from training.config import Config, Kind, Stage
from training.data import clip_batch, image_batch
from training.pretext import pretext_loss
from training.state import Trainable, read_checkpoint, write_checkpoint
from training.steps import clip_loss, image_loss
from training.validation import Share, validate

SMALL_SIZE = 128


class Run:
    """One process of a training run."""

    def __init__(self, config: Config, data: Path | None, out: Path, rank: int) -> None:
        self.config, self.out, self.rank = config, out, rank
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(config.seed)
        model = network.build(network.FIRST_CONFIG).to(self.device).train()
        network.initialise(model)
        self.state = Trainable(model, config.weight_decay)
        self.pictures = packs.load(data) if data is not None else None
        self.held_out = packs.load(data, held_out=True) if data is not None else None
        self.last_checkpoint = time.monotonic()
        self.counted_cpu = time.process_time()
        self.parent = os.getppid()

    def resume(self) -> None:
        """Go on from the last checkpoint, when there is one."""
        path = self.out / "latest.pt"
        if path.exists():
            read_checkpoint(path, self.state, self.device)
            self.log({"event": "resumed", "step": self.state.step})

    def train(self) -> None:
        """Run all stages that are left; validate and keep a checkpoint at the end of each."""
        while self.state.stage < len(self.config.stages):
            stage = self.config.stages[self.state.stage]
            self.run_stage(stage)
            if stage.kind != "pretext":
                self.validate()
            self.state.next_stage()
            self.checkpoint()
            if self.rank == 0:
                write_checkpoint(self.out / f"{stage.name}.pt", self.state, self.facts())

    def run_stage(self, stage: Stage) -> None:
        """Train until the stage's steps are done."""
        while self.state.step_in_stage < stage.steps:
            started = time.monotonic()
            progress = self.state.step_in_stage / stage.steps
            rate = self.learning_rate(stage, progress)
            self.step(stage, progress, rate)
            self.state.seconds += time.monotonic() - started
            if self.state.step % 20 == 0:
                self.count_cpu()
                self.log_step(stage, rate)
            if stage.kind != "pretext" and self.state.step % self.config.validate_steps == 0:
                self.validate()
            if time.monotonic() - self.last_checkpoint > self.config.checkpoint_seconds:
                self.checkpoint()

    def count_cpu(self) -> None:
        """Add the processor time of all processes since the last call."""
        used = torch.tensor([time.process_time() - self.counted_cpu], dtype=torch.float64)
        self.counted_cpu += float(used)
        if self.config.processes > 1:
            distributed.all_reduce(used)
        self.state.cpu_seconds += float(used)

    def learning_rate(self, stage: Stage, progress: float) -> float:
        """A warm-up, then a half cosine from `lr` to `lr_end`."""
        wave = 0.5 + 0.5 * math.cos(math.pi * progress)
        warm = min(1.0, (self.state.step_in_stage + 1) / self.config.warm_up)
        return warm * (stage.lr_end + (stage.lr - stage.lr_end) * wave)

    def step(self, stage: Stage, progress: float, rate: float) -> None:
        """One optimiser step."""
        if os.getppid() != self.parent:
            raise SystemExit("the launching process is gone")
        place = (self.config.seed, self.state.stage, self.state.step_in_stage)
        common, own = np.random.default_rng(place), np.random.default_rng((*place, self.rank))
        torch.manual_seed(int(own.integers(2**62)))
        with network.fast_math(self.device):
            kind, loss = self.loss(stage, progress, common, own)
        torch.autograd.backward(loss)
        self.state.update(rate, stage.ema, self.config.clip_norm, self.config.processes)
        self.state.count_step(float(loss.detach()), kind)

    def loss(
        self,
        stage: Stage,
        progress: float,
        common: np.random.Generator,
        own: np.random.Generator,
    ) -> tuple[Kind, torch.Tensor]:
        """The kind and the loss of a batch; the kind is the same in all processes."""
        model, device = self.state.model, self.device
        small = common.random() < stage.small_share
        size, times = (SMALL_SIZE, 4) if small else (stage.size, 1)
        network.set_image_size(model, size)
        if stage.kind == "pretext":
            return "pretext", pretext_loss(model, own, times * stage.images, size, device)
        if stage.kind == "images" or common.random() < stage.image_share:
            batch = image_batch(own, times * stage.images, size, self.pictures, device)
            return "images", image_loss(model, batch, own)
        objects = int(common.integers(min(2, stage.objects), stage.objects + 1))
        burn_in = stage.burn_in if common.random() < stage.long_share else 0
        frames = burn_in + stage.frames
        clips = times * stage.clips
        batch = clip_batch(own, clips, frames, size, objects, self.pictures, device)
        teacher = stage.teacher * (1 - progress)
        return "clips", clip_loss(model, batch, own, teacher, stage.encoder_frames, burn_in)

    def validate(self) -> None:
        """Score the averaged weights at the final size; keep the best."""
        size = self.config.stages[-1].size
        share = Share(self.rank, self.config.processes)
        with self.state.averaged() as model, network.fast_math(self.device):
            network.set_image_size(model, size)
            sums = validate(model, self.held_out, size, self.config, share)
        names = sorted(sums)
        table = torch.tensor([sums[name] for name in names], dtype=torch.float64)
        if self.config.processes > 1:
            distributed.all_reduce(table)
        scores = {n: float(total / count) for n, (total, count) in zip(names, table, strict=True)}
        score = sum(scores.values()) / len(scores)
        self.log({"event": "validation", "score": score, **scores, **self.position()})
        if score > self.state.best and self.rank == 0:
            self.state.best = score
            write_checkpoint(self.out / "best.pt", self.state, self.facts())

    def checkpoint(self) -> None:
        """Write the state of the run."""
        if self.rank == 0:
            write_checkpoint(self.out / "latest.pt", self.state, self.facts())
        self.last_checkpoint = time.monotonic()

    def position(self) -> dict[str, Any]:
        """Where the run is."""
        return {
            "step": self.state.step,
            "minutes": round(self.state.seconds / 60, 3),
            "cpu_minutes": round(self.state.cpu_seconds / 60, 3),
        }

    def log_step(self, stage: Stage, rate: float) -> None:
        """Write the mean losses since the last line."""
        means = {f"loss_{kind}": value for kind, value in self.state.take_losses().items()}
        self.log({"event": "step", "stage": stage.name, **means, "lr": rate, **self.position()})

    def log(self, line: dict[str, Any]) -> None:
        """Append a line to the log of the run."""
        if self.rank == 0:
            with (self.out / "log.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

    def facts(self) -> dict[str, Any]:
        """The configuration and the versions of what made the weights."""
        versions = {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "opencv": cv2.__version__,
        }
        return {"config": asdict(self.config), "versions": versions}
