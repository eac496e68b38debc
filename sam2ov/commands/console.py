"""What people see on standard error; standard output is for results."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sam2ov.errors import one_line
from sam2ov.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    from rich.progress import Progress as ProgressBars

_LINES_PER_OPERATION = 10


def say(message: str) -> None:
    """Print a line for people, whatever names are in it; a terminal that has gone is no error."""
    with suppress(OSError):
        print(one_line(message), file=sys.stderr, flush=True)


@contextmanager
def progress_display() -> Iterator[ProgressCallback]:
    """Show progress: bars with the remaining time on a terminal, now and then a line elsewhere.

    An operation may name its stages as it goes; one that counts from the beginning again, or to
    another total, is a new operation with a bar of its own.
    """
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bars:
        yield _Bars(bars)


class _Operations:
    """Tells when another operation begins."""

    def __init__(self) -> None:
        self._latest: Progress | None = None

    def is_new(self, step: Progress) -> bool:
        latest, self._latest = self._latest, step
        if latest is None or (latest.total, latest.unit) != (step.total, step.unit):
            return True
        return step.done < latest.done


class _Bars:
    """One bar per operation; those of finished ones stay."""

    def __init__(self, bars: "ProgressBars") -> None:
        self._bars = bars
        self._operations = _Operations()

    def __call__(self, step: Progress) -> None:
        unit = 1 << 20 if step.unit == "bytes" else 1
        stage = one_line(f"{step.stage} (MB)" if step.unit == "bytes" else step.stage)
        if self._operations.is_new(step):
            self._bars.add_task(stage, total=-(-step.total // unit))
        task = self._bars.tasks[-1].id
        self._bars.update(task, description=stage, completed=step.done // unit)


class _Lines:
    """A line per tenth of an operation, for logs."""

    def __init__(self) -> None:
        self._operations = _Operations()
        self._started = 0.0
        self._first = 0
        self._tenth = -1

    def __call__(self, step: Progress) -> None:
        if self._operations.is_new(step):
            self._started, self._first, self._tenth = time.monotonic(), step.done, -1
        tenth = _LINES_PER_OPERATION * step.done // max(step.total, 1)
        if tenth == self._tenth:
            return
        self._tenth = tenth
        say(f"{step.stage}: {_amount(step)}{self._remaining(step)}")

    def _remaining(self, step: Progress) -> str:
        if not self._first < step.done < step.total:
            return ""
        elapsed = time.monotonic() - self._started
        left = elapsed / (step.done - self._first) * (step.total - step.done)
        return f", {left:.0f} s left"


def _amount(step: Progress) -> str:
    if step.unit == "bytes":
        return f"{step.done / 1e6:.0f} of {step.total / 1e6:.0f} MB"
    return f"{step.done} of {step.total}"
