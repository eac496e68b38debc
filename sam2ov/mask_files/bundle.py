"""Files to be read together: one file, a folder, or an archive from anywhere."""

import lzma
import stat
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sam2ov.errors import PromptError

MAX_FILES: Final = 200_000
MAX_TEXT_BYTES: Final = 512 << 20
MAX_PICTURE_BYTES: Final = 64 << 20
_SHOWN: Final = 100
"""Characters of a name in an archive, where they may be 65,535."""
ZIP_DAMAGE = (
    zlib.error,
    lzma.LZMAError,
    LookupError,
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)
"""What Python's zipfile raises for files that were made to harm it."""


class Bundle(ABC):
    """Names of files, with ``/`` between folders, and their contents."""

    names: tuple[str, ...]

    def ending(self, *suffixes: str) -> list[str]:
        """The names with one of ``suffixes``, without what systems leave behind."""
        return [
            name
            for name in self.names
            if name.lower().endswith(suffixes)
            and not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
        ]

    @abstractmethod
    def read(self, name: str, most: int) -> bytes:
        """The content of a file of at most ``most`` bytes.

        Raises:
            PromptError: it is larger, or cannot be read.
        """


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a file, a folder, or a zip archive.

    Raises:
        PromptError: there is no such file, it is damaged, or holds too many files.
    """
    try:
        if not path.is_dir():
            require_file(path)
        if path.is_dir():
            yield _Folder(path)
        elif zipfile.is_zipfile(path):
            with _opened_archive(path) as archive:
                yield _Archive(archive)
        else:
            yield _Single(path)
    except OSError as error:
        raise PromptError(f"{path.name} cannot be read: {error.strerror or error}.") from error


def zip_damage(error: Exception) -> str:
    """What is wrong with an archive; zipfile may quote all that stands in the place of a name."""
    return str(error).split(" and header ")[0][:_SHOWN] or type(error).__name__


def _opened_archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except ZIP_DAMAGE as error:
        raise PromptError(
            f"The archive {path.name} is damaged ({zip_damage(error)}). Make it anew."
        ) from error


class _Folder(Bundle):
    def __init__(self, root: Path) -> None:
        self._root = root
        found = sorted(entry for entry in root.rglob("*") if entry.is_file())
        _require_few(len(found))
        self.names = tuple(entry.relative_to(root).as_posix() for entry in found)

    def read(self, name: str, most: int) -> bytes:
        return read_file(self._root / name, most)


class _Single(Bundle):
    def __init__(self, path: Path) -> None:
        self._path = path
        self.names = (path.name,)

    def read(self, name: str, most: int) -> bytes:
        return read_file(self._path.with_name(name), most)


class _Archive(Bundle):
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        entries = [e for e in archive.infolist() if e.filename and not e.is_dir()]
        _require_few(len(entries))
        self.names = tuple(sorted(entry.filename for entry in entries))

    def read(self, name: str, most: int) -> bytes:
        try:
            with self._archive.open(name) as file:
                content = file.read(most + 1)
        except (*ZIP_DAMAGE, OSError) as error:
            raise PromptError(
                f"{name[-_SHOWN:]} in the archive is damaged ({zip_damage(error)})."
            ) from error
        return _required(name, content, most)


def require_file(path: Path) -> None:
    """Check that a path is a file: a pipe would be waited for, and a device may have no end.

    Raises:
        PromptError: it is something else.
        OSError: there is nothing.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise PromptError(f"{path.name} is no file. Give a file, a folder or a zip.")


def read_file(path: Path, most: int) -> bytes:
    """The content of a file of at most ``most`` bytes.

    Raises:
        PromptError: it is larger, or no file.
        OSError: it cannot be read.
    """
    require_file(path)
    with path.open("rb") as file:
        return _required(path.name, file.read(most + 1), most)


def _required(name: str, content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise PromptError(f"{name} is larger than {most >> 20} MB.")
    return content


def _require_few(count: int) -> None:
    if count > MAX_FILES:
        raise PromptError(f"There are {count:,} files; up to {MAX_FILES:,} can be read at once.")
