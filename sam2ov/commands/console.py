"""What people see on standard error; standard output is for results."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sam2ov.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    from rich.progress import Progress as ProgressBars

_LINES_PER_STAGE = 10


def say(message: str) -> None:
    """Print a line for people."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def progress_display() -> Iterator[ProgressCallback]:
    """Show progress: bars with the remaining time on a terminal, now and then a line elsewhere.

    Bars of finished stages stay. On leaving, the terminal is as it was.
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
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bars:
        yield _Bars(bars)


class _Bars:
    """One bar per stage."""

    def __init__(self, bars: "ProgressBars") -> None:
        self._bars = bars
        self._tasks: dict[str, int] = {}

    def __call__(self, step: Progress) -> None:
        unit = 1 << 20 if step.unit == "bytes" else 1
        stage = f"{step.stage} (MB)" if step.unit == "bytes" else step.stage
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage)
        task = self._bars.tasks[self._tasks[stage]].id
        self._bars.update(task, completed=step.done // unit, total=-(-step.total // unit))


class _Lines:
    """A line per tenth of a stage, for logs."""

    def __init__(self) -> None:
        self._stage = ""
        self._started = 0.0
        self._tenth = 0

    def __call__(self, step: Progress) -> None:
        if step.stage != self._stage:
            self._stage, self._started, self._tenth = step.stage, time.monotonic(), -1
        tenth = _LINES_PER_STAGE * step.done // max(step.total, 1)
        if tenth == self._tenth:
            return
        self._tenth = tenth
        elapsed = time.monotonic() - self._started
        left = elapsed / step.done * (step.total - step.done) if step.done else 0
        say(f"{step.stage}: {step.done} of {step.total} {step.unit}, {left:.0f} s left")
