"""``--out`` and what goes with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS, ExportFormat
from sam2ov.values.field_order import FieldOrder

if TYPE_CHECKING:
    from sam2ov.jobs.output import Output


def _parse_format(name: str | ExportFormat) -> ExportFormat:
    if isinstance(name, ExportFormat):  # the default
        return name
    try:
        return FORMATS[name]
    except KeyError:
        raise typer.BadParameter(
            f'{name!r} is not one of {", ".join(FORMATS)}. "sam2ov formats" tells what they are.'
        ) from None


@dataclass(frozen=True)
class OptionValue:
    """``--set NAME=VALUE``."""

    name: str
    value: str


def parse_option(text: str) -> OptionValue:
    """``NAME=VALUE``.

    Raises:
        typer.BadParameter: it is not of this form.
    """
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE.")
    return OptionValue(name, value)


OutOption = Annotated[
    Path,
    typer.Option(
        help="What to write: a file that ends as the format wants it, or a folder or .zip file for "
        "formats of many files."
    ),
]
FormatOption = Annotated[
    ExportFormat,
    typer.Option(
        "--format",
        parser=_parse_format,
        metavar="FORMAT",
        show_default="overlay",
        help=f'One of {", ".join(FORMATS)}; "sam2ov formats" tells what they are for.',
    ),
]
SetOption = Annotated[
    list[OptionValue] | None,
    typer.Option(
        "--set",
        parser=parse_option,
        metavar="NAME=VALUE",
        help='An option of the format; "sam2ov formats" lists them.',
    ),
]
PerObjectOption = Annotated[
    bool,
    typer.Option(
        "--per-object", help="A file or folder for each object, beside --out: OUT-ID.mp4."
    ),
]
FirstNumberOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="The number that the video's frame 0 has in names and annotations. Left out: that of "
        "its image, or 0.",
    ),
]
NamesOption = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="Names of the files in a folder, or of those of --per-object, without suffix, as in "
        '"{clip}-{object}.{frame:04d}". Placeholders: {clip}, {object} (its name), {id} (its '
        "number), {frame}, {timecode} (as in 10-00-02-00).",
    ),
]
KeepStartOption = Annotated[
    bool,
    typer.Option(
        "--keep-start",
        help="Videos: the first frame appears when it does in the clip, not at once.",
    ),
]
SquarePixelsOption = Annotated[
    bool,
    typer.Option(
        "--square-pixels",
        help="Scale pictures and masks of clips whose pixels are not square, as players do.",
    ),
]
FieldOrderOption = Annotated[
    FieldOrder,
    typer.Option(
        help="Interlaced clips: auto looks at their pictures and makes them whole, tff and bff say "
        "which field comes first, off leaves them."
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what stands at --out.")]


def make_output(
    path: Path,
    wanted: ExportFormat,
    options: Sequence[OptionValue],
    *,
    per_object: bool,
    first_number: int | None,
    names: str | None,
    keep_start: bool,
    square_pixels: bool,
    overwrite: bool,
    num_clips: int = 1,
) -> "Output":
    """Understand the options.

    Raises:
        typer.BadParameter: options contradict each other or the format.
    """
    from sam2ov.jobs.output import Output

    output = Output(
        path=path,
        format=wanted.name,
        first_number=first_number,
        names=names,
        per_object=per_object,
        keep_start=keep_start,
        square_pixels=square_pixels,
        options={option.name: option.value for option in options},
        overwrite=overwrite,
    )
    try:
        output.check(num_clips)
    except ExportError as error:
        raise typer.BadParameter(str(error)) from error
    return output


def check_file(path: Path, suffixes: tuple[str, ...], *, overwrite: bool) -> None:
    """Find out before the work what would fail after it: of one file that a command writes.

    Raises:
        typer.BadParameter: it should end otherwise.
        ExportError: its folder is not there, or it is there already.
    """
    if path.suffix.lower() not in suffixes:
        raise typer.BadParameter(f"{path.name} should end in {', '.join(suffixes)}.")
    if not path.absolute().parent.is_dir():
        raise ExportError(f"The folder of {path} does not exist: create it first.")
    if path.exists() and not overwrite:
        raise ExportError(f"{path} is there already. Choose another file, or add --overwrite.")
