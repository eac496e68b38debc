"""Outputs of many files, a folder or an archive alike; texts that come together at the end."""

import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from sam2ov.errors import ExportError
from sam2ov.unfinished import ScratchFolder, unfinished_file, unfinished_folder


class FileTree(Protocol):
    """Takes files by names relative to its root, with ``/`` between folders."""

    def write(self, name: str, content: bytes) -> None:
        """Add a file."""

    def copy(self, name: str, parts: "Iterable[str | Spool]") -> None:
        """Add a file made of texts, one after the other."""

    def add(self, name: str, path: Path) -> None:
        """Add a file that lies on the same disk, and is gone from there then."""


class Spool:
    """A text that grows on the disk, for what comes together only at the end of an output."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.is_empty = True

    def write(self, text: str) -> None:
        """Append."""
        self._file.write(text)
        self.is_empty = False

    def write_item(self, text: str) -> None:
        """Append an item of a list in JSON."""
        self.write(text if self.is_empty else f",\n{text}")

    def chunks(self) -> Iterator[str]:
        """What was written, in bounded parts."""
        self._file.seek(0)
        while chunk := self._file.read(1 << 16):
            yield chunk


@contextmanager
def spools(path: Path, count: int) -> Iterator[list[Spool]]:
    """Texts beside ``path``, where there is room for the output; gone afterwards."""
    with ScratchFolder(f".{path.name}.", path.parent) as folder:
        files = [
            (folder / str(number)).open("w+", encoding="utf-8", newline="")
            for number in range(count)
        ]
        try:
            yield [Spool(file) for file in files]
        finally:
            for file in files:
                file.close()


@contextmanager
def file_tree(path: Path, layout: Iterable[str]) -> Iterator[FileTree]:
    """A folder, or an archive if ``path`` ends in .zip, that stands at ``path`` once complete.

    Args:
        path: what stands there is replaced; a folder only if all files in it are called like those
            of this format.
        layout: regular expressions of the names of all files.

    Raises:
        ExportError: the place is taken, the disk is full, or the place cannot be written to.
    """
    if path.suffix.lower() == ".zip":
        with unfinished_file(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
            yield _Archive(archive)
        return
    pattern = re.compile("|".join(f"(?:{name})" for name in layout))
    if path.exists() and not _is_replaceable(path, pattern):
        raise ExportError(
            f"{path} is there already and holds other things than such an export. Choose another "
            "folder."
        )
    with unfinished_folder(path) as folder:
        yield _Folder(folder)


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, name: str, content: bytes) -> None:
        self._place(name).write_bytes(content)

    def copy(self, name: str, parts: Iterable[str | Spool]) -> None:
        with self._place(name).open("w", encoding="utf-8", newline="") as file:
            for chunk in _chunks(parts):
                file.write(chunk)

    def add(self, name: str, path: Path) -> None:
        path.replace(self._place(name))

    def _place(self, name: str) -> Path:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class _Archive:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, path: Path) -> None:
        with path.open("rb") as file, self._archive.open(_entry(name), "w", force_zip64=True) as to:
            shutil.copyfileobj(file, to)
        path.unlink()

    def write(self, name: str, content: bytes) -> None:
        self._archive.writestr(_entry(name), content)

    def copy(self, name: str, parts: Iterable[str | Spool]) -> None:
        entry = _entry(name)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with self._archive.open(entry, "w", force_zip64=True) as file:
            for chunk in _chunks(parts):
                file.write(chunk.encode())


def _entry(name: str) -> zipfile.ZipInfo:
    """Without a date, so that equal exports are equal files; pictures are compressed already."""
    return zipfile.ZipInfo(name)


def copy_parts(path: Path, parts: Iterable[str | Spool]) -> None:
    """Write a file of texts, one after the other."""
    with path.open("w", encoding="utf-8", newline="") as file:
        for chunk in _chunks(parts):
            file.write(chunk)


def _chunks(parts: Iterable[str | Spool]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Spool):
            yield from part.chunks()
        else:
            yield part


def _is_replaceable(path: Path, pattern: re.Pattern[str]) -> bool:
    if not path.is_dir():
        return False
    files = [entry for entry in path.rglob("*") if not entry.is_dir()]
    return all(pattern.fullmatch(entry.relative_to(path).as_posix()) for entry in files)


def zip_files(path: Path, files: Iterable[Path]) -> None:
    """Put files, or folders with all that is in them, into an archive and delete them.

    Raises:
        ExportError: the disk is full.
    """
    with unfinished_file(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
        for file in files:
            if file.is_dir():
                for entry in sorted(file.rglob("*")):
                    archive.write(entry, f"{file.name}/{entry.relative_to(file).as_posix()}")
                shutil.rmtree(file)
            else:
                archive.write(file, file.name)
                file.unlink()
