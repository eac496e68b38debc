"""A long operation of one browser tab: its progress, its clock, and the wish to stop it."""

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Literal, TypeVar

from sam2ov.progress import CancelCheck, Progress, ProgressCallback
from sam2ov.ui.contract.messages import JobView

Kind = Literal["track", "export", "load", "find"]

Result = TypeVar("Result")

_SETTLED_AFTER_SECONDS = 0.5
_TOLD_EVERY_SECONDS = 0.2
_MEGABYTE = 10**6


class Job:
    """Counts what is done and estimates when the rest will be.

    Args:
        kind: what the page shows it as; prompts cannot be changed while one of kind "load" runs.
        label: for people, until the work names its stages.
        total: how many items it takes; 0 while that is unknown.
        unit: what an item is; stages that count bytes are shown in MB.

    Attributes:
        sharing: how many others use the model now.
        waiting: how many stand before it in the queue; None while it works.
    """

    def __init__(self, kind: Kind, label: str, total: int = 0, unit: str = "frames") -> None:
        self.kind: Kind = kind
        self.label = label
        self.total = total
        self.unit = self._unit = unit
        self.done = 0
        self.sharing = 0
        self.waiting: int | None = None
        self._started = time.monotonic()
        self._done_before = 0
        self._stage = ""
        self._cancelled = threading.Event()

    def begin(self) -> None:
        """Its work starts now: the wait before does not count as work."""
        self._started = time.monotonic()

    def cancel(self) -> None:
        """Ask the job to stop after its current item."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._cancelled.is_set()

    def run(
        self, work: Callable[[ProgressCallback, CancelCheck], Result]
    ) -> Generator[None, None, Result]:
        """Do ``work`` in a thread, and yield now and then so that the page can be told.

        Who stops listening (the tab was closed) cancels the work.

        Returns:
            What ``work`` returns.

        Raises:
            Exception: whatever ``work`` raises.
        """
        with ThreadPoolExecutor(1, thread_name_prefix=f"sam2ov-{self.kind}") as pool:
            future = pool.submit(work, self._note, self._cancelled.is_set)
            try:
                while wait([future], _TOLD_EVERY_SECONDS).not_done:
                    yield
            finally:
                if not future.done():
                    self.cancel()
        return future.result()

    def view(self) -> JobView:
        """How far it is; speed and remaining seconds once they can be told."""
        elapsed = time.monotonic() - self._started
        done = self.done - self._done_before
        settled = done > 0 and elapsed > _SETTLED_AFTER_SECONDS
        per_second = done / elapsed if settled else None
        left = (self.total - self.done) / per_second if per_second and self.total else None
        return JobView(
            kind=self.kind,
            label=self.label,
            done=self.done,
            total=self.total,
            unit=self.unit,
            per_second=per_second,
            seconds_left=left,
            cancelling=self.cancelled,
            sharing=self.sharing,
            waiting=self.waiting,
        )

    def _note(self, progress: Progress) -> None:
        size = _MEGABYTE if progress.unit == "bytes" else 1
        self.done, self.total = progress.done // size, progress.total // size
        if progress.stage != self._stage:  # each has a pace of its own, and may go on from before
            self._stage = self.label = progress.stage
            self._started, self._done_before = time.monotonic(), self.done
            self.unit = "MB" if progress.unit == "bytes" else self._unit
