"""``sam2ov models`` and ``sam2ov devices``: what there is to choose from."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2ov.commands.console import progress_display, say

if TYPE_CHECKING:
    from sam2ov.zoo.catalogue import ModelEntry

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

models_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@models_app.callback()
def models(
    context: typer.Context,
    as_json: AsJson = False,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure", help="Measure how fast this machine is, which takes some ten seconds."
        ),
    ] = False,
) -> None:
    """List the models that have a name; add ones of your own, remove what is cached.

    Those marked "available" are fetched and converted when they are first used. Accuracies are
    J&F in percent as the authors publish them, given the mask of the first frame. HERE is about how
    many seconds a frame with one object takes on this machine's CPU, once --measure or the app has
    measured it.
    """
    if context.invoked_subcommand is not None:
        return
    from sam2ov.zoo.catalogue import list_models
    from sam2ov.zoo.speed import known_pace, measure_pace

    entries = list_models()
    pace = measure_pace("CPU") if measure else known_pace("CPU")
    here = [pace.of_model(entry.name, entry.path) if pace else None for entry in entries]
    if as_json:
        listed = [
            {**asdict(entry), "seconds_per_frame": seconds}
            for entry, seconds in zip(entries, here, strict=True)
        ]
        print(json.dumps(listed, indent=1, default=str))
        return
    head = ("NAME", "STATUS", "SIZE", "HERE", "PARAMETERS", "SA-V", "MOSE", "DAVIS")
    rows = (_row(entry, seconds) for entry, seconds in zip(entries, here, strict=True))
    _print_table([(*head, "LICENCE", "FOR"), *rows])


@models_app.command()
def add(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|FOLDER|hf:ORG/REPO/FILE",
            help="A checkpoint of SAM 2, SAM 2.1, EdgeTAM or EfficientTAM: a file, a folder as "
            "transformers saves it, or one on the model hub, with @REVISION if you like; or a "
            "model folder.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="What to call it, in lower case; after the file if left out.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="Upstream's name of the configuration (sam2.1_hiera_t, …), or a yaml file; "
            "found from the checkpoint if left out."
        ),
    ] = None,
) -> None:
    """Convert a model of your own and keep it; prints its name, which --model takes."""
    from sam2ov.zoo.catalogue import add_model

    with progress_display() as progress:
        added = add_model(source, name, config=config, progress=progress)
    print(added)


@models_app.command()
def remove(
    name: Annotated[str, typer.Argument(help='A name of "sam2ov models".')],
) -> None:
    """Delete a model from the cache, with the checkpoint that was fetched for it."""
    from sam2ov.zoo.removal import remove_model

    with progress_display() as progress:
        freed = remove_model(name, progress)
    say(f"{name} is removed; {_megabytes(freed)} are free again.")


def devices(as_json: AsJson = False) -> None:
    """List the devices that OpenVINO finds on this machine."""
    from sam2ov.engine.devices import available_devices

    found = available_devices()
    if as_json:
        print(json.dumps(found, indent=1))
        return
    _print_table([("DEVICE", "NAME"), *found.items()])


def _row(entry: "ModelEntry", seconds: float | None) -> tuple[str, ...]:
    millions = "-" if entry.parameters is None else f"{entry.parameters / 1e6:.1f} M"
    accuracy = entry.accuracy
    return (
        entry.name,
        entry.status,
        _size(entry.path, entry.download_bytes),
        "-" if seconds is None else f"{seconds:.2g} s",
        millions,
        *map(_percent, (accuracy.sa_v_test, accuracy.mose_val, accuracy.davis_2017_val)),
        entry.licence or "-",
        entry.description,
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _size(folder: Path | None, download_bytes: int) -> str:
    """On the disk, or what is to be fetched; nothing where only a conversion is left."""
    if folder is not None and folder.is_dir():
        return _megabytes(sum(path.stat().st_size for path in folder.iterdir()))
    return f"get {_megabytes(download_bytes)}" if download_bytes else "-"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())
