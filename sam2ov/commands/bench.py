"""``sam2ov bench``: how fast a model is on this machine."""

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2ov.commands.console import say
from sam2ov.commands.model_options import (
    DEFAULT_DEVICE,
    DEFAULT_MODEL,
    DeviceOption,
    ModelOption,
    PrecisionOption,
    Preset,
    PresetOption,
)
from sam2ov.errors import ExportError
from sam2ov.progress import Progress

if TYPE_CHECKING:
    from sam2ov.bench.report import BenchReport

_SMALLEST_SIDE = 64


class Opponent(StrEnum):
    """What to compare with."""

    torch = "torch"


def bench(
    model: ModelOption = DEFAULT_MODEL,
    objects: Annotated[
        str, typer.Option(metavar="N,…", help="How many objects to track; several numbers in turn.")
    ] = "1,3,8",
    prompted: Annotated[
        str,
        typer.Option(
            metavar="N,…", help="Track one object that is prompted on so many frames, too: 1,8,60."
        ),
    ] = "",
    preset: PresetOption = Preset.quality,
    device: DeviceOption = DEFAULT_DEVICE,
    precision: PrecisionOption = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames in a round.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of which the median counts.")] = 5,
    size: Annotated[
        str, typer.Option(metavar="WIDTHxHEIGHT", help="Of the video, which is made here.")
    ] = "1280x720",
    against: Annotated[
        Opponent | None,
        typer.Option(
            help="Compare with the authors' own predictor in torch, in bfloat16 and float32, on "
            "the same weights and frames; needs a checkout, torch and the model's package."
        ),
    ] = None,
    random_weights: Annotated[
        bool,
        typer.Option(
            "--random-weights",
            help="Take the architecture of an official model with random weights, which cost the "
            "same, instead of fetching it; needs torch and sam2.",
        ),
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="--against torch: the checkpoint that the model was converted from."),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(help="--against torch: its configuration, if it is none of the official."),
    ] = None,
    reference_python: Annotated[
        Path | None,
        typer.Option(
            metavar="PYTHON",
            help="--against torch: the interpreter that has torch and the model's package, if it "
            "is not this one. The packages of SAM 2, EdgeTAM and EfficientTAM have one name.",
        ),
    ] = None,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile", help="Tell where the time of each network goes, operation by operation."
        ),
    ] = False,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Write everything measured into this file.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what stands at --json.")
    ] = False,
) -> None:
    """Measure how fast a model tracks on this machine, and where the time goes.

    The clip is made here. Close other programs first: what they take, the numbers lack. Printed as
    markdown where standard output is no terminal.
    """
    from sam2ov.bench.run import BenchSettings, run_bench

    settings = BenchSettings(
        model=model,
        random_weights=random_weights,
        preset=preset.value,
        device=device,
        precision=precision.value if precision is not None else None,
        objects=_numbers("--objects", objects),
        prompted=_numbers("--prompted", prompted) if prompted else (),
        frames=frames,
        rounds=rounds,
        size_hw=_size_hw(size),
        against_torch=against is Opponent.torch,
        checkpoint=checkpoint,
        config=config,
        reference_python=reference_python,
        profile=profile,
    )
    of_torch = (checkpoint, config, reference_python)
    if not settings.against_torch and any(given is not None for given in of_torch):
        raise typer.BadParameter(
            "--checkpoint, --config and --reference-python go with --against torch."
        )
    _check_place(as_json, overwrite=overwrite)
    report = run_bench(settings, _announce)
    if as_json is not None:
        _write_json(as_json, report)
    _print(report)


def _announce(step: Progress) -> None:
    """A line and no bars: those are drawn by a thread, on the cores that are measured."""
    say(f"{step.stage}: {step.done} of {step.total}")


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        numbers = sorted({int(part) for part in text.split(",")})
    except ValueError:
        numbers = []
    if not numbers or numbers[0] < 1:
        raise typer.BadParameter(f"{option} takes numbers from 1 on, as in 1,3,8, not {text!r}.")
    return tuple(numbers)


def _size_hw(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    sides = [int(side) for side in (height, width) if side.isdecimal()]
    if len(sides) != 2 or min(sides) < _SMALLEST_SIDE:
        raise typer.BadParameter(
            f"--size takes width and height of {_SMALLEST_SIDE} or more, as in 1280x720, "
            f"not {text!r}."
        )
    return sides[0], sides[1]


def _check_place(path: Path | None, *, overwrite: bool) -> None:
    """Find out before the work what would fail after it."""
    if path is None:
        return
    if path.suffix.lower() != ".json":
        raise typer.BadParameter(f"{path.name} should end in .json.")
    if not path.absolute().parent.is_dir():
        raise ExportError(f"The folder of {path} does not exist: create it first.")
    if path.exists() and not overwrite:
        raise ExportError(f"{path} is there already. Choose another file, or add --overwrite.")


def _write_json(path: Path, report: "BenchReport") -> None:
    from sam2ov.unfinished import unfinished_file

    with unfinished_file(path) as unfinished:
        unfinished.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")


def _print(report: "BenchReport") -> None:
    from sam2ov.bench.tables import markdown, print_tables

    if not sys.stdout.isatty():
        print(markdown(report), end="")
        return
    from rich.console import Console

    print_tables(report, Console())
