"""What is seen of a batch while it runs: a table on a terminal, a line per clip elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sam2ov.commands.console import say
from sam2ov.errors import one_line

if TYPE_CHECKING:
    from sam2ov.jobs.batch.pool import Running
    from sam2ov.jobs.batch.run import BatchSummary, Look

_REFRESH_SECONDS = 0.5
_SHOWN_FAILURES = 20


@contextmanager
def batch_display() -> Iterator["Look"]:
    """Show how far a batch is."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield _Table(live)


def tell_summary(summary: "BatchSummary") -> None:
    """Say how it went, failures with their reasons."""
    for name, reason in sorted(summary.failed.items())[:_SHOWN_FAILURES]:
        say(f"  {name}: {reason}")
    if len(summary.failed) > _SHOWN_FAILURES:
        say(f"  … and {len(summary.failed) - _SHOWN_FAILURES} more; --json names all of them.")
    parts = [f"{len(summary.done)} of {summary.total} clips done"]
    if summary.unchanged:
        parts[0] += f" ({summary.unchanged} were before)"
    if summary.failed:
        parts.append(f"{len(summary.failed)} failed")
    if summary.left:
        parts.append(f"{summary.left} left")
    say(f"{', '.join(parts)}; {_duration(summary.seconds)}{_rate(summary)}.")
    if summary.interrupted:
        say("Ended early; the same command goes on from here.")


class _Lines:
    """Says each clip once, with how long the rest will take."""

    def __init__(self) -> None:
        self._said = -1

    def __call__(self, summary: "BatchSummary", _running: "list[Running]") -> None:
        tried = len(summary.done) + len(summary.failed)
        if tried == self._said:
            return
        self._said = tried
        say(f"{tried} of {summary.total} clips, {len(summary.failed)} failed{_left(summary)}")


class _Table:
    def __init__(self, live: Any) -> None:
        self._live = live
        self._shown = 0.0

    def __call__(self, summary: "BatchSummary", running: "list[Running]") -> None:
        now = time.monotonic()
        if now - self._shown < _REFRESH_SECONDS:
            return
        self._shown = now
        self._live.update(_drawn(summary, running), refresh=True)


def _drawn(summary: "BatchSummary", running: "list[Running]") -> Any:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    tried = len(summary.done) + len(summary.failed)
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for heading in ("clip", "", "", "time"):
        table.add_column(heading)
    for each in running:
        step = each.progress
        table.add_row(
            Text(one_line(each.item.name), overflow="ellipsis", no_wrap=True),
            ProgressBar(step.total, step.done, width=24) if step is not None else "",
            Text(f"{step.stage} {step.done} of {step.total}" if step is not None else "Opening"),
            _duration(each.seconds),
        )
    failed = f", {len(summary.failed)} failed" if summary.failed else ""
    table.add_row(
        Text(f"{tried} of {summary.total} clips{failed}", style="bold"),
        ProgressBar(max(summary.total, 1), tried, width=24),
        Text(_left(summary).removeprefix(", ")),
        _duration(summary.seconds),
    )
    return table


def _left(summary: "BatchSummary") -> str:
    """How fast it goes and how long the rest will take, from what this run has done."""
    tried = len(summary.done) - summary.unchanged + len(summary.failed)
    if tried <= 0 or summary.seconds <= 0 or not summary.left:
        return ""
    left = summary.seconds / tried * summary.left
    return f"{_rate(summary)}, {_duration(left)} left"


def _rate(summary: "BatchSummary") -> str:
    fresh = len(summary.done) - summary.unchanged
    if fresh <= 0 or summary.seconds <= 0:
        return ""
    return (
        f", {3600 * fresh / summary.seconds:.0f} clips/h, "
        f"{summary.frames / summary.seconds:.1f} frames/s"
    )


def _duration(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
