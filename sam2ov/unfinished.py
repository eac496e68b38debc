"""Writing beside the target and renaming: what stands under the final name is complete.

What is unfinished lies in a hidden folder of its own beside the target, on the same file system,
called ``.NAME.`` and eight characters. It goes when the block that writes it ends.
"""

import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sam2ov.errors import ExportError, Sam2ovError

Failure = Callable[[Path, OSError], Sam2ovError]
"""What to raise where a path cannot be written."""

_ANY_SUFFIX: Final = 8 * "?"  # of `tempfile.mkdtemp`


def failed_export(path: Path, error: OSError) -> ExportError:
    """The error for what users asked to be written at ``path``."""
    reason = error.strerror or str(error) or type(error).__name__
    advice = (
        "Free some space, or choose another disk"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}
        else "Choose another place"
    )
    return ExportError(
        f"{os.fspath(path)} cannot be written: {reason}. {advice}; nothing was left there."
    )


class UnfinishedFile:
    """A file beside its target, for what is opened and closed; blocks use ``unfinished_file``.

    Args:
        target: what it becomes.

    Attributes:
        path: where to write; the same name in the hidden folder.

    Raises:
        OSError: the folder cannot be written to.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._folder = _hidden_folder(target)
        self.path = self._folder / target.name

    def complete(self) -> None:
        """Take the target's place."""
        self.path.replace(self._target)
        self.discard()

    def discard(self) -> None:
        """Delete what was written; safe to call twice, and after ``complete``."""
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def unfinished_file(path: Path, failure: Failure = failed_export) -> Iterator[Path]:
    """A path to write a file at, which becomes ``path`` when the block succeeds.

    It has the same suffix, is on the same file system, and is deleted when the block fails.

    Args:
        path: of the file.
        failure: gives the error to raise where the disk is full or the folder cannot be written
            to; an ``ExportError`` by default.
    """
    with _reported(path, failure):
        unfinished = UnfinishedFile(path)
        try:
            yield unfinished.path
            unfinished.complete()
        finally:
            unfinished.discard()


@contextmanager
def unfinished_folder(path: Path, failure: Failure = failed_export) -> Iterator[Path]:
    """A folder to write files into, which becomes ``path`` when the block succeeds.

    A folder that stands at ``path`` already is replaced as a whole, or stays.

    Args:
        path: of the folder.
        failure: as for ``unfinished_file``.
    """
    with _reported(path, failure):
        hidden = _hidden_folder(path)
        try:
            unfinished, replaced = hidden / "new", hidden / "old"
            unfinished.mkdir()
            yield unfinished
            if path.is_dir():
                path.rename(replaced)
            try:
                unfinished.rename(path)
            except OSError:
                if replaced.is_dir():
                    replaced.rename(path)
                raise
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


def sweep_unfinished(path: Path) -> None:
    """Delete what killed processes left beside ``path``; the caller alone may write it now."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.{_ANY_SUFFIX}"):
        shutil.rmtree(left, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Delete a folder, which until it is gone is whole; the caller alone may write it now.

    Raises:
        OSError: it is not there, is in use where that matters, or cannot be written to.
    """
    hidden = _hidden_folder(path)
    try:
        path.rename(hidden / "old")
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _hidden_folder(target: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))


@contextmanager
def _reported(path: Path, failure: Failure) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failure(path, error) from error
