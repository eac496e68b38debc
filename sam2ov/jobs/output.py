"""An output: what to write where, checked before the work starts, written after it."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS, ExportFormat, ExportSettings
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import check_clip, check_objects, output_paths, run_export
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.values.objects import ClipObject
from sam2ov.video import VideoInfo

_LEAST_FREE_BYTES: Final = 16 << 20
"""With less, no output of any length can be written."""


class Output(BaseModel):
    """One output of a clip, or of several.

    Attributes:
        path: a file, a folder or an archive, as the format wants it.
        format: a name in ``sam2ov.export.FORMATS``.
        first_number, names, per_object, keep_start, square_pixels: see ``ExportSettings``.
        options: of the format, by name; those left out have their defaults.
        overwrite: replace what stands at ``path``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    format: str
    first_number: int | None = None
    names: str | None = None
    per_object: bool = False
    keep_start: bool = False
    square_pixels: bool = False
    options: dict[str, bool | int | float | str] = {}
    overwrite: bool = False

    @property
    def kind(self) -> ExportFormat:
        """The format.

        Raises:
            ExportError: there is none of that name.
        """
        if self.format not in FORMATS:
            raise ExportError(
                f"There is no export {self.format!r}. Choose one of {', '.join(FORMATS)}."
            )
        return FORMATS[self.format]

    @property
    def settings(self) -> ExportSettings:
        """What all formats have in common, with the options of this one.

        Raises:
            ExportError: there is no such format or option, or it does not take the value.
        """
        options = self.kind.parse_options(self.options)
        return ExportSettings(
            self.first_number,
            self.names,
            self.per_object,
            self.keep_start,
            self.square_pixels,
            options,
        )

    def check(self, num_clips: int = 1) -> None:
        """Find out what the format would not take.

        Raises:
            ExportError: options contradict each other or the format.
        """
        self.kind.check(self.path, self.settings, num_clips)
        for name in self.kind.file_options:
            file = self.options.get(name)
            if isinstance(file, str) and file and not Path(file).is_file():
                raise ExportError(f"There is no file {file} for {name}. Check the path.")

    def check_places(
        self, videos: Sequence[Path], stem: str, objects: Sequence[ClipObject]
    ) -> None:
        """Find out what would only fail after hours.

        Args:
            videos: that must not be written over.
            stem: the clip's name in file names.
            objects: that are written.

        Raises:
            ExportError: the place is taken, is no folder or has no room, or the format cannot hold
                the objects.
        """
        check_objects(self.kind, self.settings, [objects])
        if not self.path.absolute().parent.is_dir():
            raise ExportError(f"The folder of {self.path} does not exist: create it first.")
        if shutil.disk_usage(self.path.absolute().parent).free < _LEAST_FREE_BYTES:
            raise ExportError(
                f"There is no room for {self.path}: the disk is full. Free some space, or choose "
                "another disk."
            )
        for path in output_paths(self.kind, stem, objects, self.path, self.settings):
            self._check_place(path, videos)

    def check_clip(self, name: str, info: VideoInfo) -> None:
        """Find out what the format cannot tell of a clip; raises as ``export.run.check_clip``."""
        check_clip(self.kind, self.settings, name, info)

    def write(
        self,
        sources: Sequence[ExportSource],
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> list[Path]:
        """Write it; returns the paths.

        Raises:
            ExportError, VideoError: it cannot be written; nothing is left under the final name.
            CancelledError: ``cancel`` returned true; likewise.
        """
        return run_export(
            self.kind, sources, self.path, self.settings, progress=progress, cancel=cancel
        )

    def _check_place(self, path: Path, videos: Sequence[Path]) -> None:
        if not path.exists():
            return
        if any(path.samefile(video) for video in videos if video.exists()):
            raise ExportError(f"{path} is the video itself. Choose another --out.")
        if not self.overwrite and not (path.is_dir() and not any(path.iterdir())):
            raise ExportError(f"{path} is there already. Choose another --out, or add --overwrite.")
