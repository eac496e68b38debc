"""Draw the curves of a run: `python -m training.plot RUN_DIR/log.jsonl curves.png`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, oldest first."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def curve(log: list[dict[str, Any]], event: str, name: str) -> tuple[list[float], list[float]]:
    """The minutes and the values of `name` in the lines of one kind."""
    lines = [line for line in log if line["event"] == event and name in line]
    return [line["minutes"] for line in lines], [line[name] for line in lines]


def smooth(values: list[float], window: int = 9) -> list[float]:
    """Running mean of the same length; shorter at both ends."""
    half = window // 2
    return [float(np.mean(values[max(0, i - half) : i + half + 1])) for i in range(len(values))]


def draw(log: list[dict[str, Any]], out: Path) -> None:
    """Losses on the left, validation IoU on the right."""
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in sorted({key for line in log for key in line if key.startswith("loss_")}):
        minutes, losses = curve(log, "step", name)
        left.plot(minutes, smooth(losses), label=name.removeprefix("loss_"))
    left.set(xlabel="minutes of training", ylabel="loss", ylim=(0, None))
    names = sorted({key for line in log if line["event"] == "validation" for key in line})
    for name in names:
        if name.split("_")[0] in ("easy", "hard", "photo"):
            right.plot(*curve(log, "validation", name), marker=".", label=name.replace("_", ", "))
    right.plot(*curve(log, "validation", "score"), color="black", label="mean of all")
    right.set(xlabel="minutes of training", ylabel="IoU (averaged weights)", ylim=(0, 1))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    for index, (stage, minute) in enumerate(_stage_starts(log)):
        left.axvline(minute, color="grey", lw=0.8, ls=":")
        height = left.get_ylim()[1] * (1 - 0.25 * (index % 2))  # short stages stand side by side
        left.text(minute, height, f" {stage}", fontsize=7, va="top", rotation=90)
    figure.savefig(out, dpi=110)


def _stage_starts(log: list[dict[str, Any]]) -> list[tuple[str, float]]:
    starts: dict[str, float] = {}
    for line in log:
        if line["event"] == "step" and "stage" in line:
            starts.setdefault(line["stage"], line["minutes"])
    return list(starts.items())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    draw(read_log(arguments.log), arguments.out)


if __name__ == "__main__":
    main()
