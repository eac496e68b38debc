"""Progress on a terminal and in logs."""

import io
import sys

import pytest

from sam2ov.commands.console import progress_display
from sam2ov.progress import Progress


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def test_logs_get_a_line_a_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display() as progress:
        for done in range(1, 1001):
            progress(Progress("Tracking", done, 1000, "items"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "Tracking: 1 of 1000"
    assert lines[1].startswith("Tracking: 100 of 1000, ")
    assert lines[1].endswith(" s left")
    assert lines[-1] == "Tracking: 1000 of 1000"


def test_another_operation_starts_over(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display() as progress:
        progress(Progress("Segmenting prompts", 2, 2, "items"))
        progress(Progress("Tracking", 1, 2, "items"))
        progress(Progress("Tracking", 2, 2, "items"))
        progress(Progress("Downloading a", 30_000_000, 60_000_000, "bytes"))
    assert capsys.readouterr().err.splitlines() == [
        "Segmenting prompts: 2 of 2",
        "Tracking: 1 of 2",
        "Tracking: 2 of 2",
        "Downloading a: 30 of 60 MB",
    ]


def test_terminals_get_a_bar_an_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_display() as progress:
        progress(Progress("Loading", 1, 7, "items"))
        progress(Progress("Encoding", 7, 7, "items"))
        progress(Progress("Tracking", 25, 100, "items"))
        progress(Progress("Fetching", 3 << 20, 4 << 20, "bytes"))
    assert sys.stderr is terminal
    last = terminal.getvalue().split("\r")[-1].splitlines()
    last = [line for line in last if "/" in line]
    assert len(last) == 3, "a stage with another name goes on with the bar"
    assert "Encoding" in last[0]
    assert "7/7" in last[0]
    assert "Tracking" in last[1]
    assert "25%" in last[1]
    assert "25/100" in last[1]
    assert "Fetching (MB)" in last[2]
    assert "3/4" in last[2]
