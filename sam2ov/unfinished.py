"""Writing beside the target and renaming: what stands under the final name is complete.

What is unfinished lies in a hidden folder of its own beside the target, on the same file system,
called ``.NAME.`` and eight characters. It goes when the block that writes it ends, as folders of
temporary files do. Those of a killed process stay; the next process that makes such a folder in the
same place removes them. A lock in each, which the system releases when its holder dies, tells them
from those in use; whatever has no such lock is somebody else's and stays.
"""

import errno
import glob
import os
import shutil
import stat
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from filelock import FileLock, Timeout

from sam2ov.errors import ExportError, Sam2ovError

Failure = Callable[[Path, OSError], Sam2ovError]
"""What to raise where a path cannot be written."""

OWNER_FILE: Final = ".sam2ov-owner"
"""The lock in such a folder, held by the process that made it for as long as it lives."""

_ATTEMPTS: Final = 10
_ANY_SUFFIX: Final = 8 * "?"  # of `tempfile.mkdtemp`

_swept: set[Path] = set()


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


class ScratchFolder:
    """An empty folder, until it is removed, nobody has it any more, or the process ends.

    Args:
        prefix: of its name; eight characters follow.
        place: where it is made; None for the system's folder of temporary files. What killed
            processes left there goes now, the first time in this process.

    Attributes:
        path: the folder.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, prefix: str = "sam2ov-", place: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if place is None else place
        if parent not in _swept:
            _swept.add(parent)
            sweep_left(parent)
        for _ in range(_ATTEMPTS):
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            lock = FileLock(self.path / OWNER_FILE, thread_local=False)
            self._remove = weakref.finalize(self, _remove, self.path, lock)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue  # another process has taken it for left behind, and removes it
            except (OSError, NotImplementedError):
                return  # nobody can tell here whose it is, so nobody else will remove it
            if (self.path / OWNER_FILE).exists():
                return
        raise OSError(f"{parent}: folders vanish as soon as they are made")

    def remove(self) -> None:
        """Delete it with all that is in it; safe to call twice."""
        self._remove()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()


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
        self.path = self._folder.path / target.name

    def complete(self) -> None:
        """Take the target's place."""
        self.path.replace(self._target)
        self.discard()

    def discard(self) -> None:
        """Delete what was written; safe to call twice, and after ``complete``."""
        self._folder.remove()


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
    with _reported(path, failure), _hidden_folder(path) as hidden:
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


def sweep_unfinished(path: Path) -> None:
    """Delete what killed processes left beside ``path``; the caller alone may write it now."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.{_ANY_SUFFIX}"):
        shutil.rmtree(left, ignore_errors=True)


def sweep_left(place: Path) -> None:
    """Remove the folders in ``place`` whose processes are dead; those of others stay."""
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            with suppress(OSError):
                if _may_be_ours(entry):
                    _remove_if_left(Path(entry.path))


def remove_folder(path: Path) -> None:
    """Delete a folder, which until it is gone is whole; the caller alone may write it now.

    Raises:
        OSError: it is not there, is in use where that matters, or cannot be written to.
    """
    with _hidden_folder(path) as hidden:
        path.rename(hidden / "old")


def _hidden_folder(target: Path) -> ScratchFolder:
    return ScratchFolder(f".{target.name}.", target.parent)


@contextmanager
def _reported(path: Path, failure: Failure) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failure(path, error) from error


def _remove(folder: Path, lock: FileLock) -> None:
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)


def _may_be_ours(entry: "os.DirEntry[str]") -> bool:
    if not entry.is_dir(follow_symlinks=False) or not entry.name.startswith((".", "sam2ov-")):
        return False
    if sys.platform != "win32" and entry.stat(follow_symlinks=False).st_uid != os.geteuid():
        return False
    return stat.S_ISREG(Path(entry.path, OWNER_FILE).lstat().st_mode)


def _remove_if_left(folder: Path) -> None:
    lock = FileLock(folder / OWNER_FILE, thread_local=False)
    with suppress(Timeout, NotImplementedError), lock.acquire(timeout=0):
        shutil.rmtree(folder, ignore_errors=True)
