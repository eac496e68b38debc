"""What the page's export panel asks for, and the one file that is downloaded for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS, ExportFormat, ExportSettings
from sam2ov.export.files import zip_files
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.progress import CancelCheck, ProgressCallback

MAX_TEMPLATE_LENGTH = 200
MAX_FIRST_NUMBER = 10_000_000


@dataclass(frozen=True)
class ExportForm:
    """The panel as it was filled in.

    Attributes:
        format: a name in ``FORMATS``.
        objects: "all" that are not hidden, or the "chosen" one.
        frames: the "range" from in to out point, or the whole "clip".
        chosen: the id of the chosen object.
        per_object: a file for each object.
        first_number: of the clip's frame 0; None for the numbers that its frames have.
        keep_start: videos begin where they do in the clip.
        square_pixels: pictures and masks are scaled to have them.
        names: a template, or empty for the format's own names.
        options: of the format, by name; those left out have their defaults.
        files: options that name files, by name: uploads that Gradio has checked.
    """

    format: str
    objects: str = "all"
    frames: str = "range"
    chosen: int = 0
    per_object: bool = False
    first_number: int | None = None
    keep_start: bool = False
    square_pixels: bool = False
    names: str = ""
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def wanted(self) -> ExportFormat:
        """The format.

        Raises:
            ExportError: there is none of that name.
        """
        try:
            return FORMATS[self.format]
        except KeyError:
            raise ExportError(
                f"There is no export {self.format!r}. Choose one from the list."
            ) from None

    def settings(self) -> ExportSettings:
        """What is common to all formats, with the options of this one.

        Raises:
            ExportError: a value is out of range, or names a file of the server.
        """
        if self.first_number is not None and not 0 <= self.first_number <= MAX_FIRST_NUMBER:
            raise ExportError(f"The first number must lie between 0 and {MAX_FIRST_NUMBER:,}.")
        if len(self.names) > MAX_TEMPLATE_LENGTH:
            raise ExportError("The template of names is too long.")
        wanted = self.wanted()
        for name in sorted(wanted.file_options & self.options.keys()):
            raise ExportError(f"The option {name} takes an uploaded file, on the page only.")
        return ExportSettings(
            first_number=self.first_number,
            names=self.names.strip() or None,
            per_object=self.per_object and wanted.splits,
            keep_start=self.keep_start and wanted.has_times,
            square_pixels=self.square_pixels,
            options=wanted.parse_options({**self.options, **self.files}),
        )


def write_download(
    wanted: ExportFormat,
    source: ExportSource,
    place: Path,
    settings: ExportSettings,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> Path:
    """Write one file: an archive where a format or the objects make several.

    Args:
        wanted: the format.
        source: what to write.
        place: the path of the file but for the suffix.
        settings: see there.
        progress: told of every frame.
        cancel: asked before every frame.

    Raises:
        ExportError, VideoError, CancelledError: as ``run_export``.
    """
    if not settings.per_object:
        path = place.with_name(place.name + wanted.file_suffix)
        run_export(wanted, [source], path, settings, progress=progress, cancel=cancel)
        return path
    path = place.with_name(place.name + (wanted.suffix or ""))
    written = run_export(wanted, [source], path, settings, progress=progress, cancel=cancel)
    archive = place.with_name(place.name + ".zip")
    zip_files(archive, written)
    return archive
