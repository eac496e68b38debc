"""Where the results of a batch go: a folder of this machine or its network, or a URL of a store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

from sam2ov.errors import ExportError, StorageError
from sam2ov.jobs.batch.record import MAX_RECORD_BYTES, RECORD_NAME, JobRecord, parse_record
from sam2ov.unfinished import ScratchFolder, unfinished_file, unfinished_folder

_WRITES_WHOLE: Final = frozenset(
    {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"}
)
"""Stores in which an object is there when all of it is."""


class Place(Protocol):
    """Keeps a folder of results for each clip, whole or not at all. Can be pickled."""

    def record(self, name: str) -> JobRecord | None:
        """What is written down of a clip; None if nothing is that can be understood.

        Raises:
            StorageError: the place cannot be read.
        """
        ...

    def has(self, name: str, outputs: tuple[str, ...]) -> bool:
        """Whether results of a clip are there.

        Raises:
            StorageError: the place cannot be read.
        """
        ...

    @contextmanager
    def folder(self, name: str) -> Iterator[Path]:
        """An empty folder of this machine, whose files become a clip's when the block succeeds.

        Raises:
            ExportError, StorageError: they cannot be written.
        """
        ...

    def note(self, name: str, record: JobRecord) -> None:
        """Write a record alone; results that are there stay.

        Raises:
            ExportError, StorageError: it cannot be written.
        """
        ...


def open_place(where: str) -> Place:
    """The place of a path, or of a URL as in ``s3://bucket/results``.

    Raises:
        ExportError: it cannot be made, or what its URL needs is not installed.
    """
    if "://" in where:
        return StorePlace(where)
    folder = Path(where)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{where} cannot be made: {error.strerror}. Choose another.") from error
    return FolderPlace(folder.absolute())


class FolderPlace:
    """A folder with one for each clip."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def record(self, name: str) -> JobRecord | None:
        """See ``Place``."""
        path = self.root / name / RECORD_NAME
        try:
            with path.open("rb") as file:
                return parse_record(file.read(MAX_RECORD_BYTES + 1))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error

    def has(self, name: str, outputs: tuple[str, ...]) -> bool:
        """See ``Place``."""
        return all((self.root / name / output).exists() for output in outputs)

    @contextmanager
    def folder(self, name: str) -> Iterator[Path]:
        """See ``Place``."""
        target = self.root / name
        if target.exists() and not (target / RECORD_NAME).exists() and _holds_something(target):
            raise ExportError(
                f"{target} is there already and is not of a batch. Choose another --out, or move "
                "it away."
            )
        with unfinished_folder(target) as folder:
            yield folder

    def note(self, name: str, record: JobRecord) -> None:
        """See ``Place``."""
        target = self.root / name
        try:
            target.mkdir(exist_ok=True)
        except OSError as error:
            raise ExportError(f"{target} cannot be made: {error.strerror}.") from error
        with unfinished_file(target / RECORD_NAME) as path:
            path.write_text(record.text(), encoding="utf-8")


class StorePlace:
    """A URL that fsspec knows; a record is written behind the results that it tells of."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._connect()

    def record(self, name: str) -> JobRecord | None:
        """See ``Place``."""
        store, root = self._connect()
        path = f"{root}/{name}/{RECORD_NAME}"
        try:
            content = store.cat_file(path, end=MAX_RECORD_BYTES)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise _failed(f"{self.url}/{name}/{RECORD_NAME}", "read", error) from error
        return parse_record(content)

    def has(self, name: str, outputs: tuple[str, ...]) -> bool:
        """See ``Place``."""
        store, root = self._connect()
        try:
            return all(store.exists(f"{root}/{name}/{output}") for output in outputs)
        except Exception as error:
            raise _failed(f"{self.url}/{name}", "read", error) from error

    @contextmanager
    def folder(self, name: str) -> Iterator[Path]:
        """See ``Place``."""
        with ScratchFolder("sam2ov-batch-") as scratch:
            folder = scratch / "results"
            folder.mkdir()
            yield folder
            self._clear(name)
            paths = sorted(path for path in folder.rglob("*") if path.is_file())
            paths.sort(key=lambda path: path.name == RECORD_NAME)
            for path in paths:
                self._put(path, str(PurePosixPath(name, path.relative_to(folder).as_posix())))

    def note(self, name: str, record: JobRecord) -> None:
        """See ``Place``."""
        with ScratchFolder("sam2ov-batch-") as scratch:
            path = scratch / RECORD_NAME
            path.write_text(record.text(), encoding="utf-8")
            self._put(path, f"{name}/{RECORD_NAME}")

    def _clear(self, name: str) -> None:
        """Take away the record, and then what it told of: half of that would be told by nobody."""
        store, root = self._connect()
        try:
            if store.exists(f"{root}/{name}/{RECORD_NAME}"):
                store.rm(f"{root}/{name}/{RECORD_NAME}")
            if store.exists(f"{root}/{name}"):
                store.rm(f"{root}/{name}", recursive=True)
        except Exception as error:
            raise _failed(f"{self.url}/{name}", "replaced", error) from error

    def _put(self, path: Path, name: str) -> None:
        store, root = self._connect()
        target = f"{root}/{name}"
        kinds = {store.protocol} if isinstance(store.protocol, str) else set(store.protocol)
        try:
            store.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            if kinds & _WRITES_WHOLE:
                store.put_file(str(path), target)
            else:
                store.put_file(str(path), f"{target}.part")
                store.mv(f"{target}.part", target)
        except Exception as error:
            raise _failed(f"{self.url}/{name}", "written", error) from error

    def _connect(self) -> tuple[Any, str]:
        """Connections are kept by fsspec, in each process of its own."""
        import fsspec

        try:
            store, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError, OSError) as error:
            raise ExportError(f"{self.url} cannot be used: {error}.") from error
        return store, root.rstrip("/")


def _failed(url: str, what: str, error: Exception) -> StorageError:
    return StorageError(f"{url} cannot be {what}: {type(error).__name__}: {error}.")


def _holds_something(folder: Path) -> bool:
    return not folder.is_dir() or any(folder.iterdir())
