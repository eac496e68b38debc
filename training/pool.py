"""Clips from many processes, kept on the training device and shown several times, never alike.

A clip takes a processor longer to draw than a GPU to learn from. So worker processes draw clips
without end into a ring that replaces the oldest, and training takes random ones out of it, each
time another part, mirrored, turned, scaled, backwards and in other colours.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import queue
import threading
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training import geometry, photometric
from training.augment import degrade
from training.data import MIN_SHARE
from training.model import normalise
from training.objects import Difficulty
from training.pictures import Pictures
from training.scenes import make_clip
from training.tracking import Batch

HARD_SHARE, REAL_SHARE = 0.7, 0.85
MAX_OBJECTS = 4
WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class ClipShape:
    """`frames` of `size` × `size` pixels each; `capacity` clips are kept."""

    frames: int
    size: int
    capacity: int


class Pool:
    """The ring of clips, uint8 [capacity, T, S, S, 4]: RGB and label.

    Make it before the first use of a GPU: its processes are forked, to share the pictures.
    """

    def __init__(
        self, pictures: Pictures | None, shape: ClipShape, workers: int, seed: int
    ) -> None:
        self.shape = shape
        clip = (shape.frames, shape.size, shape.size, 4)
        slots = 4 * workers
        memory = mmap.mmap(-1, slots * int(np.prod(clip)))
        self._slots = np.frombuffer(memory, np.uint8).reshape(slots, *clip)
        context = multiprocessing.get_context("fork")
        self._free: Any = context.Queue()
        self._full: Any = context.Queue()
        for slot in range(slots):
            self._free.put(slot)
        self._processes = [
            context.Process(
                target=_produce,
                args=(self._slots, self._free, self._full, pictures, (seed, rank)),
                daemon=True,
            )
            for rank in range(workers)
        ]
        for process in self._processes:
            process.start()
        self.drawn = 0
        self._wanted = threading.Semaphore(shape.capacity)
        self._closing = threading.Event()

    def start(self, device: torch.device) -> None:
        """Keep the clips on `device`, and begin to take them in, in a thread."""
        self.device = device
        self.clips = torch.zeros(
            (self.shape.capacity, *self._slots.shape[1:]), dtype=torch.uint8, device=device
        )
        self._thread = threading.Thread(target=self._take_in, name="clips", daemon=True)
        self._thread.start()

    def refresh(self, clips: int) -> None:
        """Let so many new clips replace old ones; before the ring is full, all come in.

        Workers that nobody asks wait, and leave the processor to what feeds the GPU.
        """
        for _ in range(clips):
            self._wanted.release()

    @property
    def filled(self) -> int:
        """How many clips there are."""
        return min(self.drawn, self.shape.capacity)

    def draw(
        self, rng: np.random.Generator, count: int, frames: int, objects: int, size: int
    ) -> Batch:
        """`count` parts of clips, `frames` long, with `objects` objects seen on the first frame."""
        which = rng.integers(self.filled, size=count)
        first = rng.integers(self.shape.frames - frames + 1, size=count)
        times = first[:, None] + np.arange(frames)
        times = np.where(rng.random((count, 1)) < 0.5, times[:, ::-1], times)
        index, time = (torch.from_numpy(x.copy()).to(self.device) for x in (which, times))
        clips = self.clips[index[:, None], time].movedim(-1, 2)  # [N, T, 4, S, S]
        view, side = self._views(rng, count), np.full(count, float(self.shape.size))
        rgb, labels = geometry.look(
            view, clips[:, :, :3].flatten(1, 2), clips[:, :, 3], size, (side, side)
        )
        chosen = geometry.choose(labels[:, 0], objects, None, MIN_SHARE)
        masks = labels[:, None] == chosen[..., None, None, None]
        rgb = photometric.recolour(rng, rgb).reshape(count, frames, 3, size, size)
        return Batch(normalise(rgb.movedim(2, -1)), masks.to(torch.uint8))

    def close(self) -> None:
        """End the processes and the thread."""
        self._closing.set()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
        if hasattr(self, "_thread"):
            self._thread.join()

    def _views(self, rng: np.random.Generator, count: int) -> geometry.View:
        half = self.shape.size / 2
        zoom = np.exp(rng.uniform(-0.35, 0.05, count))
        squash = np.exp(rng.normal(0, 0.1, count))
        room = np.abs(1 - zoom) * half
        shift = rng.uniform(-1, 1, (2, count)) * room
        mirrored = np.where(rng.random(count) < 0.5, -1.0, 1.0)
        angle = np.where(rng.random(count) < 0.4, rng.normal(0, 0.15, count), 0.0)
        return geometry.View(
            half + shift[0],
            half + shift[1],
            mirrored * half * zoom * squash,
            half * zoom / squash,
            angle,
        )

    def _take_in(self) -> None:
        """Copy finished clips over the oldest ones, beside what the device computes."""
        cuda = self.device.type == "cuda"
        stream: Any = torch.cuda.Stream(self.device) if cuda else None  # type: ignore[no-untyped-call]
        staging = torch.empty(self._slots.shape[1:], dtype=torch.uint8, pin_memory=cuda)
        while not self._closing.is_set():
            if not self._wanted.acquire(timeout=WAIT_SECONDS):
                continue
            slot = self._next_full()
            if slot is None:
                return
            staging.copy_(torch.from_numpy(self._slots[slot]))
            self._free.put(slot)
            place = self.clips[self.drawn % self.shape.capacity]
            if stream is None:
                place.copy_(staging)
            else:
                with torch.cuda.stream(stream):
                    place.copy_(staging, non_blocking=True)
                stream.synchronize()
            self.drawn += 1

    def _next_full(self) -> int | None:
        """A slot with a finished clip; None when the pool closes before there is one."""
        while not self._closing.is_set():
            try:
                return int(self._full.get(timeout=WAIT_SECONDS))
            except queue.Empty:
                continue
        return None


def _produce(
    slots: NDArray[np.uint8], free: Any, full: Any, pictures: Pictures | None, seed: tuple[int, int]
) -> None:
    """Body of a process: draw clips into free slots, until the training is gone."""
    cv2.setNumThreads(0)
    os.nice(15)  # the process that trains comes first
    parent, number = os.getppid(), 0
    while os.getppid() == parent:
        try:
            slot = free.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            continue
        rng = np.random.default_rng((*seed, number))
        number += 1
        frames, size = slots.shape[1:3]
        difficulty: Difficulty = "hard" if rng.random() < HARD_SHARE else "easy"
        source = pictures if rng.random() < REAL_SHARE else None
        objects = int(rng.integers(2, MAX_OBJECTS + 1))
        clip = make_clip(rng, frames, (size, size), objects, difficulty, source)
        slots[slot, ..., :3] = degrade(rng, clip.frames)
        slots[slot, ..., 3] = clip.masks
        full.put(slot)
