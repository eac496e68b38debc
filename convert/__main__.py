"""``python -m convert CHECKPOINT --out DIR``: convert a checkpoint to a model folder."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from convert.export import convert_checkpoint
from sam2ov.errors import Sam2ovError


class _Weights(StrEnum):
    f16 = "f16"
    f32 = "f32"


class _Progress(StrEnum):
    text = "text"
    json = "json"


def convert(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="A .pt or .safetensors file, or a folder as transformers saves it."),
    ],
    out: Annotated[Path, typer.Option(help="The model folder to make.")],
    config: Annotated[
        str | None,
        typer.Option(
            help="Upstream's name (sam2.1_hiera_t, …) or a yaml file; found from the checkpoint "
            "if left out."
        ),
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            help="Sides of the model input in pixels, multiples of 32: one, or several with commas "
            "(1024,512), which share the weights."
        ),
    ] = None,
    halved: Annotated[
        bool,
        typer.Option(
            "--halved", help="Without --image-size: half the side too, as --preset fast wants it."
        ),
    ] = False,
    weights: Annotated[_Weights, typer.Option(help="How weights are stored.")] = _Weights.f16,
    name: Annotated[
        str | None, typer.Option(help="The model's name; the folder's by default.")
    ] = None,
    progress: Annotated[
        _Progress, typer.Option(help="json: one object a line on standard output.")
    ] = _Progress.text,
) -> None:
    """Convert a checkpoint of SAM 2, SAM 2.1, EdgeTAM or EfficientTAM to OpenVINO."""
    as_json = progress is _Progress.json

    def report(stage: str, done: int, total: int) -> None:
        if as_json:
            print(json.dumps({"stage": stage, "done": done, "total": total}), flush=True)
        else:
            print(f"[{done}/{total}] {stage}", flush=True)

    def note(sentence: str) -> None:
        print(json.dumps({"note": sentence}) if as_json else sentence, flush=True)

    sizes = None if image_size is None else _sizes(image_size)
    if halved and sizes is not None:
        raise typer.BadParameter("--halved and --image-size exclude each other.")
    try:
        convert_checkpoint(
            checkpoint,
            out,
            config,
            sizes,
            weights.value,
            name,
            report,
            note,
            halved=halved,
        )
    except (Sam2ovError, OSError) as error:
        if as_json:
            failure = {"error": type(error).__name__, "message": str(error)}
            print(json.dumps(failure), flush=True)
        else:
            print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(1) from error


def _sizes(text: str) -> list[int]:
    try:
        return [int(size) for size in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no list of sizes such as 1024,512.") from None


if __name__ == "__main__":
    typer.run(convert)
