"""A batch: what is done already, what is left, and how it went."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from sam2ov.errors import Sam2ovError
from sam2ov.jobs.batch.clip import note_failure
from sam2ov.jobs.batch.item import BatchItem
from sam2ov.jobs.batch.place import Place
from sam2ov.jobs.batch.pool import Finished, Running
from sam2ov.jobs.batch.record import JobRecord
from sam2ov.progress import CancelCheck


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


Look = Callable[[BatchSummary, list[Running]], None]
"""Is told often how far a batch is, and at the end."""


def run_batch(
    items: Iterable[BatchItem | None],
    place: Place,
    executor: Executor,
    *,
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
        total: how many there are; None: nobody knows.
        retry_failed: try those again that failed before, though neither they nor the settings have
            changed.
        look: told how far it is.
        cancel: true ends it at a frame; what is done stays.

    Raises:
        StorageError: what is written down cannot be read.
    """
    summary = BatchSummary(total or 0)
    started = time.monotonic()

    def left() -> Iterator[BatchItem | None]:
        seen = 0
        for item in items:
            if item is None:
                yield None
                continue
            seen += 1
            summary.total = max(summary.total, seen)
            found = _known(item, place)
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


def _known(item: BatchItem, place: Place) -> JobRecord | None:
    """What is written down of a clip as it is now; None if it has to be looked at."""
    record = place.record(item.name)
    if record is None or record.settings != item.settings_digest():
        return None
    try:
        sources = item.sources()
    except OSError:
        return record if record.state == "failed" else None
    if record.sources != sources:
        return None
    if record.state == "done" and not place.has(item.name, record.outputs):
        return None
    return record


def _count(summary: BatchSummary, place: Place, finished: Finished) -> None:
    item, record, reason = finished.item, finished.record, finished.reason
    if record is None:  # who tracked it could not write that down
        with suppress(Sam2ovError):
            note_failure(item, place, reason, 0.0)
    elif record.state == "failed":
        reason = record.reason
    else:
        summary.done.append(item.name)
        if record.outcome is not None:
            summary.frames += int(record.outcome.get("frames", 0))
        return
    summary.failed[item.name] = reason
