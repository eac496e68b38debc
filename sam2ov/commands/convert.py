"""``sam2ov convert``: from a checkpoint to a model folder."""

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sam2ov.commands.console import progress_display, say


class _Weights(StrEnum):
    f16 = "f16"
    f32 = "f32"


def convert(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT|NAME",
            help="A .pt or .safetensors file, a folder as transformers saves it, or a name of "
            '"sam2ov models" or hf:ORG/REPO/FILE to fetch first.',
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The model folder to make. A named model may stay in the cache."),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="Upstream's name of the configuration (sam2.1_hiera_t, …), or a yaml file; "
            "found from the checkpoint if left out."
        ),
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            help="Sides of the model's input in pixels, multiples of 32: one, or several with "
            "commas (1024,512), which share the weights. --preset fast takes half the side."
        ),
    ] = None,
    weights: Annotated[
        _Weights, typer.Option(help="How weights are stored; f16 halves the files.")
    ] = _Weights.f16,
) -> None:
    """Convert a checkpoint of SAM 2, SAM 2.1, EdgeTAM or EfficientTAM to OpenVINO.

    Fine-tuned checkpoints too. Prints the model folder, which --model takes.
    """
    path = Path(checkpoint).expanduser()
    sizes = None if image_size is None else _sizes(image_size)
    folder = (
        _convert_file(path, out, config, sizes, weights)
        if path.exists()
        else _convert_named(checkpoint, out, config, sizes, weights)
    )
    print(folder)


def _sizes(text: str) -> list[int]:
    try:
        return [int(size) for size in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no list of sizes such as 1024,512.") from None


def _convert_file(
    checkpoint: Path,
    out: Path | None,
    config: str | None,
    image_sizes: list[int] | None,
    weights: _Weights,
) -> Path:
    from sam2ov.zoo.conversion import convert_checkpoint

    if out is None:
        raise typer.BadParameter("say where the model folder should be: --out FOLDER.")
    with progress_display() as progress:
        convert_checkpoint(
            checkpoint,
            out,
            config=config,
            name=out.name,
            image_sizes=image_sizes,
            weights=weights.value,
            progress=progress,
        )
    return out


def _convert_named(
    name: str,
    out: Path | None,
    config: str | None,
    image_sizes: list[int] | None,
    weights: _Weights,
) -> Path:
    from sam2ov.unfinished import unfinished_folder
    from sam2ov.zoo.catalogue import resolve_model
    from sam2ov.zoo.own import checkpoint_source, local_checkpoint

    source = checkpoint_source(name)
    if source is not None and config is not None:  # which only a checkpoint of one's own needs
        with progress_display() as progress:
            checkpoint = local_checkpoint(source, progress)
        return _convert_file(checkpoint, out, config, image_sizes, weights)
    if config is not None:
        raise typer.BadParameter(f"{name} has its own configuration: leave --config out.")
    if out is not None and out.exists():
        raise typer.BadParameter(f"{out} is there already. Choose another --out.")
    with progress_display() as progress:
        cached = resolve_model(
            name, image_sizes=image_sizes, weights=weights.value, progress=progress
        )
    if out is None:
        return cached
    say(f"Copying {cached} …")
    with unfinished_folder(out) as folder:
        shutil.copytree(cached, folder, dirs_exist_ok=True)
    return out
