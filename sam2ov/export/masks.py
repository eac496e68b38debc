"""Masks as palette PNGs, the format of DAVIS: one picture per frame, the index is the object."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from sam2ov.errors import ExportError
from sam2ov.export.tracked_masks import LabelMap, TrackedMasks
from sam2ov.palette import davis_palette
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.unfinished import unfinished_file, unfinished_folder

MAX_OBJECT_ID = 255
_MIN_DIGITS = 5
_MASK_NAME = re.compile(r"\d+\.png")

_Save = Callable[[str, bytes], None]


def export_masks(
    masks: TrackedMasks,
    path: Path,
    *,
    first_number: int = 0,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """Write one PNG per frame into a folder, or into a zip archive if ``path`` ends with .zip.

    A pixel's palette index is the id of its object, 0 for the background; the palette is that of
    DAVIS whatever the objects' colours. Where masks overlap, the highest logit wins.

    Args:
        masks: what to write.
        path: replaced if it is an archive or a folder of such masks.
        first_number: the number of the video's frame 0; files are numbered from it.
        progress: told of every frame.
        cancel: asked before every frame.

    Returns:
        ``path``.

    Raises:
        ExportError: an object's id does not fit a palette, the path is taken by something else,
            or the disk is full. Nothing is left under the final name.
        CancelledError: ``cancel`` returned true; likewise.
    """
    ids = np.array([0, *(target.obj_id for target in masks.objects)])
    if ids.min() < 0 or ids.max() > MAX_OBJECT_ID:
        raise ExportError(
            f"Palette PNGs hold objects 1 to {MAX_OBJECT_ID}, not {ids.max()}: renumber the object."
        )
    digits = max(_MIN_DIGITS, len(str(masks.frames[-1] + first_number)))
    palette = davis_palette().tobytes()
    with _archive(path) if path.suffix.lower() == ".zip" else _folder(path) as save:
        for frame_idx in masks.steps(f"Writing {path.name}", progress, cancel):
            labels = ids.astype(np.uint8)[masks.label_map(frame_idx)]
            save(f"{frame_idx + first_number:0{digits}d}.png", _encode(labels, palette))
    return path


def _encode(labels: LabelMap, palette: bytes) -> bytes:
    image = Image.fromarray(labels)
    image.putpalette(palette)  # which makes it mode P
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@contextmanager
def _folder(path: Path) -> Iterator[_Save]:
    if path.exists() and not _is_replaceable(path):
        raise ExportError(
            f"{path} is there already and holds other things than masks. Choose another folder."
        )
    with unfinished_folder(path) as folder:

        def save(name: str, content: bytes) -> None:
            (folder / name).write_bytes(content)

        yield save


@contextmanager
def _archive(path: Path) -> Iterator[_Save]:
    # PNGs are compressed already. Entries without a date make equal masks equal archives.
    with unfinished_file(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:

        def save(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name), content)

        yield save


def _is_replaceable(path: Path) -> bool:
    return path.is_dir() and all(_MASK_NAME.fullmatch(entry.name) for entry in path.iterdir())
