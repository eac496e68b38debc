"""What the page's export panel asks for, and the one file that is downloaded for it."""

import os
from collections.abc import Mapping
from pathlib import Path

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS, ExportFormat, ExportSettings, FormatOptions
from sam2ov.export.files import zip_files
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.ui.contract.payloads import Export


def wanted_format(name: str) -> ExportFormat:
    """The format.

    Raises:
        ExportError: there is none of that name.
    """
    try:
        return FORMATS[name]
    except KeyError:
        raise ExportError(f"There is no export {name!r}. Choose one from the list.") from None


def options_of(
    wanted: ExportFormat, options: Mapping[str, object], files: Mapping[str, str]
) -> FormatOptions:
    """A format's own options.

    Args:
        wanted: the format.
        options: by name; those left out have their defaults.
        files: those that are files, which were uploaded.

    Raises:
        ExportError: a value is out of range, or names a file of the server.
    """
    for name in sorted(wanted.file_options & options.keys()):
        raise ExportError(f"The option {name} takes an uploaded file, on the page only.")
    return wanted.parse_options({**options, **files})


def settings_of(asked: Export, attachment: Path | None) -> ExportSettings:
    """What is common to all formats, with the options of this one.

    Args:
        asked: by the page.
        attachment: the file that was uploaded for the option ``asked.file``.

    Raises:
        ExportError: as ``wanted_format`` and ``options_of``, or the file is missing.
    """
    wanted = wanted_format(asked.format)
    files = {}
    if asked.file is not None:
        if asked.file not in wanted.file_options or attachment is None:
            raise ExportError(f"There is no file for {asked.file}. Choose it again.")
        files[asked.file] = os.fspath(attachment)
    return ExportSettings(
        first_number=asked.first_number,
        names=asked.names.strip() or None,
        per_object=asked.per_object and wanted.splits,
        keep_start=asked.keep_start and wanted.has_times,
        square_pixels=asked.square_pixels,
        options=options_of(wanted, asked.options, files),
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
