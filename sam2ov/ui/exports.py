"""What results can be downloaded as: each kind's name, what it is for, and how it is made."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sam2ov.export import TrackedMasks, export_masks, export_matte, export_overlay
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.video import FrameReader

Write = Callable[[TrackedMasks, FrameReader, Path, ProgressCallback, CancelCheck], object]


@dataclass(frozen=True)
class ExportKind:
    """A kind of file: its label, a line on what it is for, how file names end, how it is made."""

    label: str
    purpose: str
    suffix: str
    write: Write


def _overlay(
    masks: TrackedMasks,
    video: FrameReader,
    path: Path,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> None:
    export_overlay(masks, video, path, progress=progress, cancel=cancel)


def _matte(
    masks: TrackedMasks,
    video: FrameReader,
    path: Path,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> None:
    export_matte(masks, video, path, progress=progress, cancel=cancel)


def _masks(
    masks: TrackedMasks,
    video: FrameReader,  # noqa: ARG001 - of one shape with the others
    path: Path,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> None:
    export_masks(masks, path, progress=progress, cancel=cancel)


EXPORT_KINDS: Final[Mapping[str, ExportKind]] = {
    "overlay": ExportKind(
        "Overlay video (mp4)",
        "The clip with the objects in colour, with sound: to look at, to show, to check.",
        "-overlay.mp4",
        _overlay,
    ),
    "matte": ExportKind(
        "Matte video (mp4)",
        "White where an object is, black elsewhere: a track matte for an editing or compositing "
        "program.",
        "-matte.mp4",
        _matte,
    ),
    "masks": ExportKind(
        "Masks as PNGs (zip)",
        "A lossless picture for each frame whose values are the numbers of the objects: for "
        "training data, scripts and evaluation (DAVIS).",
        "-masks.zip",
        _masks,
    ),
}


def file_stem(name: str) -> str:
    """What the names of files made from a clip begin with; any file system takes it."""
    stem = re.sub(r"[^\w.-]+", "_", Path(name).stem).strip("._")
    return stem[:48] or "clip"
