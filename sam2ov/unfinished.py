"""Writing beside the target and renaming: what stands under the final name is complete."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sam2ov.errors import ExportError


@contextmanager
def unfinished_file(path: Path) -> Iterator[Path]:
    """A path to write a file at, which becomes ``path`` when the block succeeds.

    It has the same suffix, is on the same file system, and is deleted when the block fails.

    Raises:
        ExportError: the disk is full, or the folder cannot be written to.
    """
    with _reported(path), _temporary_folder(path) as folder:
        unfinished = folder / path.name
        yield unfinished
        unfinished.replace(path)


@contextmanager
def unfinished_folder(path: Path) -> Iterator[Path]:
    """A folder to write files into, which becomes ``path`` when the block succeeds.

    A folder that stands at ``path`` already is replaced as a whole.

    Raises:
        ExportError: the disk is full, or the folder cannot be written to.
    """
    with _reported(path), _temporary_folder(path) as folder:
        unfinished = folder / "new"
        unfinished.mkdir()
        yield unfinished
        if path.is_dir():
            path.rename(folder / "old")
        unfinished.rename(path)


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        advice = (
            "Free some space, or choose another disk"
            if error.errno in {errno.ENOSPC, errno.EDQUOT}
            else "Choose another place"
        )
        raise ExportError(
            f"{os.fspath(path)} cannot be written: {reason}. {advice}; nothing was left there."
        ) from error
