"""The state of a training run: weights, their average, optimiser, position; and its checkpoints."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor, distributed

from sam2ov.unfinished import sweep_unfinished, unfinished_file


class Trainable:
    """A model with AdamW, an exponential average of its weights, and the position of the run.

    The position (`stage`, `step_in_stage`) is also the state of the random numbers: every step
    seeds its own generator from it.
    """

    def __init__(self, model: SAM2Base, weight_decay: float) -> None:
        self.model = model
        self.parameters: list[Tensor] = list(model.parameters())
        matrices = [p for p in self.parameters if p.ndim > 1 and p.shape[0] > 1]
        rest = [p for p in self.parameters if not (p.ndim > 1 and p.shape[0] > 1)]
        groups = [
            {"params": matrices, "weight_decay": weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98))
        self.average = [p.detach().clone() for p in self.parameters]
        self.stage = self.step = self.step_in_stage = 0
        self.seconds = self.cpu_seconds = 0.0
        self.best = 0.0
        self._losses: dict[str, list[float]] = defaultdict(list)

    def update(self, rate: float, ema: float, clip_norm: float, processes: int) -> None:
        """Average the gradients over the processes, step, and follow with the average.

        `ema` is the part of the average that is kept.
        """
        if processes > 1:
            self._average_gradients(processes)
        torch.nn.utils.clip_grad_norm_(self.parameters, clip_norm)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        decay = min(ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.parameters, 1 - decay)

    def _average_gradients(self, processes: int) -> None:
        """One all-reduce of all gradients, and of flags for which weights have any."""
        device = self.parameters[0].device
        flags = torch.tensor([float(p.grad is not None) for p in self.parameters], device=device)
        parts = [
            (torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in self.parameters
        ]
        flat = torch.cat([*parts, flags])
        distributed.all_reduce(flat)
        used = flat[-len(flags) :]
        start = 0
        for parameter, has_gradient in zip(self.parameters, used.tolist(), strict=True):
            stop = start + parameter.numel()
            if has_gradient:
                parameter.grad = (flat[start:stop] / processes).view_as(parameter)
            start = stop

    @contextmanager
    def averaged(self) -> Iterator[SAM2Base]:
        """The model with the averaged weights, for the time of the context."""
        own = [p.detach().clone() for p in self.parameters]
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, self.average)
            try:
                yield self.model
            finally:
                torch._foreach_copy_(self.parameters, own)

    def averaged_state(self) -> dict[str, Tensor]:
        """The averaged weights under the model's names, with its buffers."""
        with self.averaged() as model:
            return {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def count_step(self, loss: float, kind: str) -> None:
        """Move on by one step."""
        self.step += 1
        self.step_in_stage += 1
        self._losses[kind].append(loss)

    def take_losses(self) -> dict[str, float]:
        """Mean losses since the last call."""
        means = {kind: sum(values) / len(values) for kind, values in self._losses.items()}
        self._losses.clear()
        return means

    def next_stage(self) -> None:
        """Begin the next stage."""
        self.stage += 1
        self.step_in_stage = 0


COUNTERS = (
    "stage",
    "step",
    "step_in_stage",
    "seconds",
    "cpu_seconds",
    "best",
)


def write_checkpoint(path: Path, state: Trainable, facts: dict[str, Any]) -> None:
    """Write everything that a resumed run needs; beside the file first, then renamed over it."""
    content = {
        "model": state.averaged_state(),
        "weights": state.model.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "position": {name: getattr(state, name) for name in COUNTERS},
        "facts": facts,
    }
    sweep_unfinished(path)  # runs are killed, and their checkpoints are large
    with unfinished_file(path) as unfinished, unfinished.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())


def read_checkpoint(path: Path, state: Trainable, device: torch.device) -> None:
    """Put a run back to where its checkpoint was written."""
    content = torch.load(path, map_location=device, weights_only=True)
    state.model.load_state_dict(content["weights"])
    state.optimiser.load_state_dict(content["optimiser"])
    names = [name for name, _ in state.model.named_parameters()]
    state.average = [content["model"][name].clone() for name in names]
    for name in COUNTERS:
        setattr(state, name, content["position"][name])
