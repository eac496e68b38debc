"""``--out`` and ``--format``: checked before the work starts, written after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sam2ov.errors import ExportError
from sam2ov.progress import ProgressCallback

if TYPE_CHECKING:
    from sam2ov.export import TrackedMasks
    from sam2ov.video import FrameReader


class OutputFormat(StrEnum):
    """What ``sam2ov track`` writes."""

    overlay = "overlay"
    matte = "matte"
    masks = "masks"


@dataclass(frozen=True)
class Output:
    """What to write where.

    Attributes:
        path: a video, a folder or an archive, as ``format`` wants it.
        format: see ``sam2ov.export``.
        per_object: a matte for each object instead of one for all.
        first_number: the number of the video's frame 0 in the names of masks.
        overwrite: replace what is there.
    """

    path: Path
    format: OutputFormat
    per_object: bool
    first_number: int
    overwrite: bool

    def check(self, video: Path, obj_ids: Sequence[int]) -> None:
        """Find out what would only fail after hours.

        Raises:
            typer.BadParameter: options contradict each other.
            ExportError: the place is taken or is no folder.
        """
        is_video = self.format is not OutputFormat.masks
        suffix = self.path.suffix.lower()
        if is_video and suffix != ".mp4":
            raise typer.BadParameter(f"--format {self.format} writes a video: end --out in .mp4.")
        if not is_video and suffix not in {"", ".zip"}:
            raise typer.BadParameter(
                "--format masks writes a folder, or an archive if --out ends in .zip; "
                f"{self.path.name} is neither. Choose another --out or --format."
            )
        if self.per_object and self.format is not OutputFormat.matte:
            raise typer.BadParameter("--per-object goes with --format matte only.")
        if self.first_number and is_video:
            raise typer.BadParameter("--first-number goes with --format masks only.")
        if not self.path.absolute().parent.is_dir():
            raise ExportError(f"The folder of {self.path} does not exist: create it first.")
        for path in self.paths(obj_ids):
            self._check_place(path, video)

    def paths(self, obj_ids: Sequence[int]) -> list[Path]:
        """What will be written."""
        if not self.per_object:
            return [self.path]
        from sam2ov.export.matte import object_paths

        return object_paths(self.path, obj_ids)

    def write(
        self, masks: "TrackedMasks", video: "FrameReader", progress: ProgressCallback
    ) -> list[Path]:
        """Write it; returns the paths.

        Raises:
            ExportError, VideoError: it cannot be written; nothing is left under the final name.
        """
        from sam2ov import export

        if self.format is OutputFormat.overlay:
            return [export.export_overlay(masks, video, self.path, progress=progress)]
        if self.format is OutputFormat.masks:
            number = self.first_number
            return [export.export_masks(masks, self.path, first_number=number, progress=progress)]
        if self.per_object:
            return export.export_object_mattes(masks, video, self.path, progress=progress)
        return [export.export_matte(masks, video, self.path, progress=progress)]

    def _check_place(self, path: Path, video: Path) -> None:
        if not path.exists():
            return
        if path.samefile(video):
            raise ExportError(f"{path} is the video itself. Choose another --out.")
        if not self.overwrite and not (path.is_dir() and not any(path.iterdir())):
            raise ExportError(f"{path} is there already. Choose another --out, or add --overwrite.")
