"""A batch: what is done already, what is left, and how it went."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from sam2ov.errors import StorageError
from sam2ov.jobs import TrackingSettings
from sam2ov.jobs.batch.clip import note_failure
from sam2ov.jobs.batch.item import BatchItem, stamp
from sam2ov.jobs.batch.models import KnownWeights
from sam2ov.jobs.batch.place import Place
from sam2ov.jobs.batch.pool import Finished, Running
from sam2ov.jobs.batch.record import JobRecord
from sam2ov.progress import CancelCheck

_LOOK_EVERY: Final = 20
"""Clips that are known already between two looks at those that are tracked."""


@dataclass
class BatchSummary:
    """How far a batch is.

    Attributes:
        total: clips; with those that come while it runs.
        done: names of those whose results are there.
        unchanged: how many of them were there before.
        failed: for each clip without, why.
        frames: tracked in this run.
        seconds: that this run has taken.
        interrupted: it was ended early.
    """

    total: int
    done: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def left(self) -> int:
        """Clips that have not been tried."""
        return self.total - len(self.done) - len(self.failed)


class Executor(Protocol):
    """Tracks items somewhere."""

    @property
    def running(self) -> list[Running]:
        """What it tracks now."""
        ...

    def results(
        self, items: Iterable[BatchItem | None], look: Callable[["Executor"], None]
    ) -> Iterator[Finished]:
        """The clips as they are finished."""
        ...


Weights = Callable[[TrackingSettings], str]
Look = Callable[[BatchSummary, list[Running]], None]
"""Is told often how far a batch is, and at the end."""


def run_batch(
    items: Iterable[BatchItem | None],
    place: Place,
    executor: Executor,
    *,
    weights: Weights | None = None,
    total: int | None = None,
    retry_failed: bool = False,
    look: Look = lambda _summary, _running: None,
    cancel: CancelCheck = lambda: False,
) -> BatchSummary:
    """Track what is not done yet.

    Args:
        items: the clips; None says that there is none now and may be one later.
        place: of their results.
        executor: tracks them.
        weights: gives what tells the model of settings from others; None for ``KnownWeights``.
        total: how many there are; None: nobody knows.
        retry_failed: try those again that failed before, though neither they nor the settings have
            changed.
        look: told how far it is.
        cancel: true ends it at a frame; what is done stays.

    Raises:
        StorageError: what is written down cannot be read.
    """
    summary = BatchSummary(total or 0)
    told_apart = weights or KnownWeights()
    started = time.monotonic()

    def left() -> Iterator[BatchItem | None]:
        seen = 0
        for item in items:
            if cancel():
                return
            if item is None:
                yield None
                continue
            seen += 1
            summary.total = max(summary.total, seen)
            if seen % _LOOK_EVERY == 0:
                yield None  # whoever waits looks at what runs meanwhile
            found = _known(item, place, told_apart)
            if found is None or (found.state == "failed" and retry_failed):
                yield item
            elif found.state == "done":
                summary.done.append(item.name)
                summary.unchanged += 1
            else:
                summary.failed[item.name] = found.reason

    def tell(running: Executor) -> None:
        summary.seconds = time.monotonic() - started
        look(summary, running.running)

    for finished in executor.results(left(), tell):
        _count(summary, place, finished)
        tell(executor)
    summary.interrupted = cancel() and summary.left > 0
    summary.seconds = time.monotonic() - started
    look(summary, [])
    return summary


def _known(item: BatchItem, place: Place, weights: Weights) -> JobRecord | None:
    """What is written down of a clip as it is now; None if it has to be looked at."""
    try:
        record = place.record(item.name)
        if record is None or record.settings != item.settings_digest():
            return None
        if record.weights and record.weights != weights(item.settings):
            return None
        own = item.sources()
        others = {path: stamp(Path(path)) for path in record.sources.keys() - own.keys()}
        if record.sources != own | others:
            return None
        is_there = record.state == "failed" or place.has(item.name, record.outputs)
    except (OSError, StorageError):
        return None  # who tracks it finds out
    return record if is_there else None


def _count(summary: BatchSummary, place: Place, finished: Finished) -> None:
    item, record, reason = finished.item, finished.record, finished.reason
    if record is None:  # who tracked it could not write that down
        with suppress(Exception):
            earlier = place.record(item.name)
            if earlier is None or earlier.state == "failed":
                note_failure(item, place, reason, 0.0)
    elif record.state == "failed":
        reason = record.reason
    else:
        summary.failed.pop(item.name, None)
        if item.name not in summary.done:
            summary.done.append(item.name)
        if record.outcome is not None:
            summary.frames += int(record.outcome.get("frames", 0))
        return
    if item.name in summary.done:
        summary.done.remove(item.name)
    summary.failed[item.name] = reason
