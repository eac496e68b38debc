"""A file of SQLite's that one process has to itself, and whose errors are ours.

What is written survives a killed process; only a power cut may take the last changes. A file from
elsewhere is not trusted: it is refused unless it holds exactly our tables.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sam2ov.errors import ProjectError, StorageError
from sam2ov.locks import Rank, new_rlock

Values = Mapping[str, Any] | Sequence[Any]
"""Values of a statement's parameters, by name or in order."""

_MAX_VALUE_BYTES: Final = 256 << 20
_PRAGMAS: Final = (
    "trusted_schema=OFF",
    "cell_size_check=ON",
    "locking_mode=EXCLUSIVE",
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "cache_size=-4096",
    "wal_autocheckpoint=2000",
)
_COPIED_PAGES: Final = 1024
"""Copied at a stretch, 4 MB: a few milliseconds, for which those who write have to wait."""


@dataclass(frozen=True)
class Schema:
    """What a file of ours holds from the beginning.

    Attributes:
        application_id: tells our files from others.
        version: a file of another version is refused.
        tables: the statements that make tables and indices.
        rows: the statements that fill them.
    """

    application_id: int
    version: int
    tables: tuple[str, ...]
    rows: tuple[str, ...]


_DAMAGE: Final = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        # The statements are ours, and right where the tables and values are.
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
        0,  # of Python's module: a value that it cannot give
    }
)


class Database:
    """An open file. Safe from any thread.

    Args:
        path: the file; made if it is not there.
        schema: what it must hold.
        max_bytes: size at which it counts as full; None for as much as the disk holds.

    Attributes:
        lock: taken by every call; whoever holds it has the file to himself.
        is_open: whether it has not been closed yet.

    Raises:
        ProjectError: the file is none of ours, is damaged, or is open elsewhere.
        StorageError: it cannot be made.
    """

    def __init__(self, path: Path, schema: Schema, max_bytes: int | None = None) -> None:
        self.path = path
        self.lock = new_rlock(Rank.DATABASE)
        self.is_open = True
        self._max_bytes = max_bytes
        self._connection = _connect(path)
        try:
            with self._reported():
                self._prepare(self._connection)
            if self._is_blank():
                self._create(schema)
            self._require(schema)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; closing twice is fine. A copy that is under way fails."""
        with self.lock:
            self.is_open = False
            self._connection.close()

    def check(self) -> None:
        """Read the whole file.

        Raises:
            ProjectError: it is damaged.
        """
        (found,) = self.fetch("PRAGMA quick_check(1)")
        if found[0] != "ok":
            raise ProjectError(f"{self.path.name} is damaged: {found[0]}.")

    def execute(self, statement: str, values: Values = ()) -> None:
        """Run a statement.

        Raises:
            StorageError: the disk is full, or the file has gone.
            ProjectError: the file is damaged, or has been closed.
        """
        with self.lock, self._reported():
            self._connection.execute(statement, values)

    def execute_many(self, statement: str, values: Sequence[Values]) -> None:
        """Run a statement with one set of values after the other; raises as ``execute``."""
        with self.lock, self._reported():
            self._connection.executemany(statement, values)

    def insert(self, statement: str, values: Values) -> int:
        """Insert a row; returns its number. Raises as ``execute``."""
        with self.lock, self._reported():
            return int(self._connection.execute(statement, values).lastrowid or 0)

    def fetch(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """All rows that a query finds; raises as ``execute``."""
        with self.lock, self._reported():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is written, or nothing; nobody else writes meanwhile.

        One inside another is part of that.
        """
        with self.lock:
            with self._reported():
                is_part = self._connection.in_transaction
            if is_part:
                yield
                return
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it already
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def copied_to(self, path: Path) -> Iterator[None]:
        """Copy the file; the block runs at the very moment that the copy shows.

        Others go on writing while the pages are copied, and SQLite copies again what they change.
        Nobody writes during the block. Not to be called inside a transaction, nor by somebody who
        holds the lock: nobody could write then.

        Args:
            path: of the copy, which is not there yet.

        Raises:
            StorageError: a disk is full.
            ProjectError: the file has been closed meanwhile, or is damaged.
        """
        with closing(_connect(path)) as copy, self.lock:
            with self._reported():
                assert not self._connection.in_transaction
                self._connection.backup(copy, pages=_COPIED_PAGES, progress=self._let_others_write)
            yield

    def move_to(self, path: Path) -> None:
        """Go on in another file with all that is in this one, which may have been deleted.

        Everybody waits meanwhile. Not to be called inside a transaction.

        Args:
            path: of the file, which is not there yet.

        Raises:
            StorageError: it cannot be written; this one stays in use.
            ProjectError: this one has been closed, or is damaged.
        """
        with self.lock, self._reported():
            assert not self._connection.in_transaction
            moved = _connect(path)
            try:
                self._connection.backup(moved)
                self._prepare(moved)
            except BaseException:
                moved.close()
                raise
            self.path, self._connection, outdated = path, moved, self._connection
            outdated.close()

    def _let_others_write(self, _status: int, remaining: int, _total: int) -> None:
        if not remaining:  # the copy shows this moment, and no later one
            return
        self.lock.release()
        try:
            _pause()
        finally:
            self.lock.acquire()
        if not self.is_open:  # SQLite gives the file up when it learns that the copy has failed
            raise _closed()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if self._max_bytes is not None:
            (page_size,) = connection.execute("PRAGMA page_size").fetchone()
            most = self._max_bytes // page_size
            connection.execute(f"PRAGMA max_page_count={most}").fetchall()

    def _is_blank(self) -> bool:
        """Whether there is nothing in it: a new file, or one that a killed server just made."""
        return self.fetch("SELECT COUNT(*) FROM sqlite_schema") == [(0,)]

    def _create(self, schema: Schema) -> None:
        with self.transaction():
            self.execute(f"PRAGMA application_id={schema.application_id}")
            self.execute(f"PRAGMA user_version={schema.version}")
            for statement in (*schema.tables, *schema.rows):
                self.execute(statement)

    def _require(self, schema: Schema) -> None:
        """A file from elsewhere must have exactly our tables: no triggers, no views."""
        found = {row[0] for row in self.fetch("SELECT sql FROM sqlite_schema WHERE sql NOTNULL")}
        ((version,),) = self.fetch("PRAGMA user_version")
        if version != schema.version or found != set(schema.tables):
            raise ProjectError(
                f"{self.path.name} is no project of this version of sam2ov (format {version}, "
                f"expected {schema.version}). Open it with the version that saved it."
            )

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if not self.is_open:
                raise _closed() from error
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise ProjectError(
                    f"{self.path.name} cannot be opened: another sam2ov has this project open; "
                    "close it there."
                ) from error
            if _code(error) in _DAMAGE:
                raise self._damaged(error) from error
            raise StorageError(
                f"{self.path} cannot be read or written: {error}. Free some disk space, or choose "
                "another disk; what was done before is kept."
            ) from error
        except (UnicodeDecodeError, OverflowError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ProjectError:
        return ProjectError(
            f"{self.path.name} cannot be opened: it is damaged ({error}). Open a copy of the "
            "project that was saved earlier."
        )


def is_in_use(path: Path) -> bool:
    """Whether somebody has a database open, in this or in another process."""
    try:
        probe = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
        with closing(probe):
            probe.execute("SELECT COUNT(*) FROM sqlite_schema").fetchall()
    except sqlite3.Error as error:  # or it is missing, or damaged
        return _code(error) == sqlite3.SQLITE_BUSY
    return False


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(path, timeout=1.0, check_same_thread=False, isolation_level=None)
    except sqlite3.Error as error:
        raise StorageError(f"{path} cannot be made or opened: {error}.") from error


def _pause() -> None:
    """Long enough for somebody who waits for the lock to wake up: it is not handed over."""
    time.sleep(0.001)


def _closed() -> ProjectError:
    return ProjectError(
        "The project has been closed meanwhile. Open it again to go on; everything was kept."
    )


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for an error of Python's module."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
