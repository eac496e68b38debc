"""``--out`` and what goes with it: checked before the work starts, written after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS, ExportFormat, ExportSettings
from sam2ov.progress import ProgressCallback

if TYPE_CHECKING:
    from sam2ov.export.plan import ExportSource
    from sam2ov.export.tracked_masks import ExportedObject


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
    int,
    typer.Option(min=0, help="The number that the video's frame 0 has in names and annotations."),
]
NamesOption = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="Names of the files in a folder, or of those of --per-object, without suffix, as in "
        '"{clip}-{object}.{frame:04d}". Placeholders: {clip}, {object} (its name), {id} (its '
        "number), {frame}.",
    ),
]
KeepStartOption = Annotated[
    bool,
    typer.Option(
        "--keep-start",
        help="Videos: the first frame appears when it does in the clip, not at once.",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what stands at --out.")]


@dataclass(frozen=True)
class Output:
    """What to write where.

    Attributes:
        path: a file, a folder or an archive, as ``format`` wants it.
        format: see ``sam2ov.export``.
        settings: see there.
        overwrite: replace what is there.
    """

    path: Path
    format: ExportFormat
    settings: ExportSettings
    overwrite: bool

    @staticmethod
    def of(
        path: Path,
        wanted: ExportFormat,
        options: Sequence[OptionValue],
        *,
        per_object: bool,
        first_number: int,
        names: str | None,
        keep_start: bool,
        overwrite: bool,
        num_clips: int = 1,
    ) -> "Output":
        """Understand the options.

        Raises:
            typer.BadParameter: options contradict each other or the format.
        """
        try:
            parsed = wanted.parse_options({option.name: option.value for option in options})
            settings = ExportSettings(first_number, names, per_object, keep_start, parsed)
            wanted.check(path, settings, num_clips)
        except ExportError as error:
            raise typer.BadParameter(str(error)) from error
        return Output(path, wanted, settings, overwrite)

    def check_places(
        self, videos: Sequence[Path], stem: str, objects: Sequence["ExportedObject"]
    ) -> None:
        """Find out what would only fail after hours.

        Args:
            videos: that must not be written over.
            stem: the clip's name in file names.
            objects: that are written.

        Raises:
            ExportError: the place is taken or is no folder.
        """
        from sam2ov.export.run import output_paths

        if not self.path.absolute().parent.is_dir():
            raise ExportError(f"The folder of {self.path} does not exist: create it first.")
        for path in output_paths(self.format, stem, objects, self.path, self.settings):
            self._check_place(path, videos)

    def write(self, sources: Sequence["ExportSource"], progress: ProgressCallback) -> list[Path]:
        """Write it; returns the paths.

        Raises:
            ExportError, VideoError: it cannot be written; nothing is left under the final name.
        """
        from sam2ov.export.run import run_export

        return run_export(self.format, sources, self.path, self.settings, progress=progress)

    def _check_place(self, path: Path, videos: Sequence[Path]) -> None:
        if not path.exists():
            return
        if any(path.samefile(video) for video in videos if video.exists()):
            raise ExportError(f"{path} is the video itself. Choose another --out.")
        if not self.overwrite and not (path.is_dir() and not any(path.iterdir())):
            raise ExportError(f"{path} is there already. Choose another --out, or add --overwrite.")
