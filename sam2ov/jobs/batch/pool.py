"""Processes that track clips side by side on one machine, within its cores and a bound of memory.

How many there are is measured: one begins; when its memory bank is full and so its memory is known,
another is started as long as all of them fit. Each computes with its share of the cores. Should
they outgrow the bound after all, the youngest is ended, and its clip comes again later.
"""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from sam2ov.jobs.batch.item import BatchItem
from sam2ov.jobs.batch.machine import Limits, end_process, memory_of
from sam2ov.jobs.batch.place import Place
from sam2ov.jobs.batch.record import JobRecord
from sam2ov.jobs.batch.serving import serve
from sam2ov.progress import CancelCheck, Progress

POLL_SECONDS: Final = 0.25
_FULL_BANK: Final = 24
"""Frames after which a tracker takes as much memory as it will."""
_WEIGH_SECONDS: Final = 0.5
_ATTEMPTS: Final = 2
_ROOM: Final = 1.15
"""What a process may grow to, as a share of what it takes when another is started."""


@dataclass(frozen=True)
class Running:
    """A clip that is being tracked."""

    item: BatchItem
    progress: Progress | None
    seconds: float


@dataclass(frozen=True)
class Finished:
    """A clip that is done, failed, or could not be written down (``record`` is None)."""

    item: BatchItem
    record: JobRecord | None
    reason: str = ""


@dataclass(eq=False)
class _Worker:
    process: Any
    pipe: Connection
    item: BatchItem | None = None
    progress: Progress | None = None
    started: float = 0.0
    has_grown: bool = False  # to what it will take, as far as can be told
    taken_bytes: int = 0
    outgrown: bool = False


class Pool:
    """Tracks items; ``results`` gives them as they are finished.

    Args:
        place: where results go.
        limits: of the machine.
        cancel: true ends tracking at a frame.
    """

    def __init__(self, place: Place, limits: Limits, cancel: CancelCheck) -> None:
        self._place, self._limits, self._cancel = place, limits, cancel
        self._workers: list[_Worker] = []
        self._again: deque[BatchItem] = deque()
        self._source: Iterator[BatchItem | None] = iter(())
        self._is_exhausted = False
        self._attempts: dict[str, int] = {}
        self._most = limits.at_once
        self._weighed = 0.0
        self._context = multiprocessing.get_context("spawn")
        # No lock: a process that is killed while it holds one would stop all others.
        self._stop = self._context.Value("b", 0, lock=False)

    @property
    def running(self) -> list[Running]:
        """The clips that are being tracked, the first begun first."""
        now = time.monotonic()
        busy = [worker for worker in self._workers if worker.item is not None]
        return [
            Running(worker.item, worker.progress, now - worker.started)
            for worker in sorted(busy, key=lambda worker: worker.started)
            if worker.item is not None
        ]

    def results(
        self, items: Iterable[BatchItem | None], look: Callable[["Pool"], None] = lambda _: None
    ) -> Iterator[Finished]:
        """Track items until there are no more, or it is cancelled.

        Args:
            items: to track, asked for when there is somebody to do it; None says that there is
                nothing now and may be later.
            look: called often, to show how far it is.
        """
        self._source, self._is_exhausted = iter(items), False
        try:
            while True:
                if self._cancel():
                    self._stop.value = 1
                self._assign()
                if not any(worker.item for worker in self._workers) and (
                    self._stop.value or (self._is_exhausted and not self._again)
                ):
                    return
                yield from self._heard()
                yield from self._held_to_memory()
                look(self)
        finally:
            self._close()

    def _assign(self) -> None:
        """Give clips to processes that are free, and start another where it fits."""
        for worker in self._workers:
            if worker.item is None and not self._given(worker):
                return
        if len(self._workers) < self._most and self._fits_another():
            item = self._next()
            if item is not None:
                self._workers.append(self._started())
                self._give(self._workers[-1], item)

    def _given(self, worker: _Worker) -> bool:
        item = self._next()
        if item is not None:
            self._give(worker, item)
        return item is not None

    def _next(self) -> BatchItem | None:
        """A clip whose folder nobody writes to; None if there is none now."""
        if self._stop.value:
            return None
        busy = {worker.item.name for worker in self._workers if worker.item is not None}
        for item in self._again:
            if item.name not in busy:
                self._again.remove(item)
                return item
        try:
            found = None if self._is_exhausted else next(self._source)
        except StopIteration:
            self._is_exhausted = True
            return None
        if found is not None and found.name in busy:
            self._again.append(found)
            return None
        return found

    def _fits_another(self) -> bool:
        if not self._workers:
            return True
        if any(worker.taken_bytes == 0 or not worker.has_grown for worker in self._workers):
            return False
        taken = [worker.taken_bytes for worker in self._workers]
        if _ROOM * (sum(taken) + max(taken)) <= self._limits.memory_bytes:
            return True
        self._most = len(self._workers)  # and each has a larger share of the cores from now on
        return False

    def _started(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=serve, args=(theirs, self._stop, self._place), daemon=False
        )
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _give(self, worker: _Worker, item: BatchItem) -> None:
        self._attempts[item.name] = self._attempts.get(item.name, 0) + 1
        worker.item, worker.progress = item, None
        worker.started = time.monotonic()
        with suppress(OSError):  # it has died; who listens will find out
            worker.pipe.send((item, max(self._limits.cores // self._most, 1)))

    def _heard(self) -> Iterator[Finished]:
        """What processes have said since the last time, and which of them have gone."""
        pipes = {worker.pipe: worker for worker in self._workers}
        if not pipes:
            time.sleep(POLL_SECONDS)
        for pipe in wait(list(pipes), POLL_SECONDS):
            worker = pipes[pipe]  # type: ignore[index]
            try:
                message = worker.pipe.recv()
            except (EOFError, OSError):
                yield from self._lost(worker)
                continue
            if isinstance(message, Progress):
                worker.progress = message
                worker.has_grown |= message.done >= _FULL_BANK
                continue
            item, worker.item = worker.item, None
            worker.has_grown |= message is not None  # clips may be shorter than a bank
            if item is not None and message is not None:
                self._attempts.pop(item.name, None)
                record, reason = message
                yield Finished(item, record, reason)

    def _lost(self, worker: _Worker) -> Iterator[Finished]:
        """A process has ended without a word: its clip is tried again, and then given up."""
        self._workers.remove(worker)
        worker.process.join()
        item = worker.item
        if item is None or self._stop.value:
            return
        if worker.outgrown and self._workers:
            self._attempts[item.name] -= 1
            self._again.append(item)
        elif not worker.outgrown and self._attempts[item.name] < _ATTEMPTS:
            self._again.append(item)
        else:
            gigabytes = self._limits.memory_bytes / 2**30
            reason = (
                f"Tracking {item.clip.name} takes more than {gigabytes:.1f} GB. Give it more with "
                "--memory-gb, or track fewer objects of it."
                if worker.outgrown
                else f"The process that tracked {item.clip.name} ended {_ATTEMPTS} times "
                f"({_ended(worker.process.exitcode)})."
            )
            self._attempts.pop(item.name, None)
            yield Finished(item, None, reason)

    def _held_to_memory(self) -> Iterator[Finished]:
        """Look how much memory the processes take; end the youngest where it is too much."""
        if time.monotonic() - self._weighed < _WEIGH_SECONDS:
            return
        self._weighed = time.monotonic()
        taken = memory_of([worker.process.pid for worker in self._workers])
        for worker in self._workers:
            worker.taken_bytes = taken[worker.process.pid]
        total = sum(worker.taken_bytes for worker in self._workers)
        if total <= self._limits.memory_bytes:
            return
        busy = [worker for worker in self._workers if worker.item is not None]
        if busy:
            self._most = max(len(self._workers) - 1, 1)
            youngest = max(busy, key=lambda worker: worker.started)
            youngest.outgrown = True
            end_process(youngest.process.pid)
            yield from self._lost(youngest)

    def _close(self) -> None:
        self._stop.value = 1
        for worker in self._workers:
            with suppress(OSError):
                worker.pipe.send(None)
        for worker in self._workers:
            worker.process.join(10)
            end_process(worker.process.pid)
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"exit code {code}"
