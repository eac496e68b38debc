"""A database in which everything belongs to a step that can be undone and done again.

A row is born at a step and dies at one; what is visible are the rows that live at ``head``. Undo
moves ``head`` back and redo forward, whatever the steps did: nothing is computed again, and both
survive the process. A new step forgets those that lie ahead. Before the first step, rows are
simply replaced: that is how a session without a history works.
"""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sam2ov.errors import ProjectError, StorageError

NEVER: Final = (1 << 63) - 1
"""The step at which a living row dies."""

ALIVE: Final = "born <= :head AND died > :head"
"""The condition under which a row is visible; ``:head`` is a parameter of ``Journal.execute``."""

_APPLICATION_ID = 0x53324F56
_FORMAT_VERSION = 1
_MAX_VALUE_BYTES = 256 << 20
_SCHEMA = (
    "CREATE TABLE head (number INTEGER NOT NULL)",
    "CREATE TABLE step (number INTEGER PRIMARY KEY, label TEXT NOT NULL, frame_idx INTEGER, "
    "made REAL NOT NULL)",
    "CREATE TABLE document (key TEXT NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL, "
    "body BLOB NOT NULL, PRIMARY KEY (key, born)) WITHOUT ROWID",
    "CREATE TABLE tensor (id INTEGER PRIMARY KEY, logits BLOB NOT NULL, pointer BLOB NOT NULL)",
    "CREATE TABLE result (obj_id INTEGER NOT NULL, frame_idx INTEGER NOT NULL, "
    "kind INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL, "
    "direction INTEGER NOT NULL, object_score REAL NOT NULL, iou REAL NOT NULL, "
    "area REAL NOT NULL, centre_x REAL, centre_y REAL, tensor INTEGER NOT NULL, "
    "PRIMARY KEY (obj_id, frame_idx, kind, born)) WITHOUT ROWID",
    "CREATE INDEX result_born ON result (born)",
    "CREATE INDEX result_died ON result (died)",
    "CREATE INDEX result_tensor ON result (tensor)",
)
_TABLES = ("document", "result")


@dataclass(frozen=True)
class Step:
    """Something that the user did: what it is called, and on which frame if on one."""

    number: int
    label: str
    frame_idx: int | None


@dataclass(frozen=True)
class Touched:
    """What a move of the head changed: documents by key, and objects whose results differ."""

    keys: frozenset[str]
    obj_ids: frozenset[int]


class Journal:
    """Steps, documents and results of one project. Safe from any thread.

    Args:
        path: the database file; made if it is not there.
        max_bytes: size at which it counts as full; None for as much as the disk holds.

    Raises:
        ProjectError: the file is no journal, is damaged, or is open elsewhere.
        StorageError: it cannot be made.
    """

    def __init__(self, path: Path, max_bytes: int | None = None) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.is_open = True
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        try:
            self._database = sqlite3.connect(
                path, timeout=1.0, check_same_thread=False, isolation_level=None
            )
        except sqlite3.Error as error:
            raise StorageError(f"{path} cannot be made or opened: {error}.") from error
        try:
            with self._reported():
                self._prepare(max_bytes)
            if self._is_blank():
                self._create()
            self._require_own()
            self._head = self._read_head()
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def temporary(cls, directory: Path | None = None, max_bytes: int | None = None) -> Self:
        """A journal in a file that is deleted when it is closed.

        Args:
            directory: where the file is made; None for the system's temporary folder.
            max_bytes: as above.
        """
        folder = tempfile.TemporaryDirectory(prefix="sam2ov-", dir=directory)
        try:
            journal = cls(Path(folder.name) / "journal.sqlite", max_bytes)
        except BaseException:
            folder.cleanup()
            raise
        journal._temporary = folder
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        with self.lock:
            self.is_open = False
            self._database.close()
            if self._temporary is not None:
                self._temporary.cleanup()

    def check(self) -> None:
        """Read the whole file.

        Raises:
            ProjectError: it is damaged.
        """
        (found,) = self.fetch("PRAGMA quick_check(1)")
        if found[0] != "ok":
            raise ProjectError(f"{self.path.name} is damaged: {found[0]}.")

    @property
    def is_temporary(self) -> bool:
        """Whether the file is deleted when it is closed."""
        return self._temporary is not None

    # ---- Steps

    @property
    def head(self) -> int:
        """The number of the step that was done last; 0 before the first."""
        return self._head

    @property
    def done(self) -> Step | None:
        """What ``undo`` would take back."""
        return self._step(self._head)

    @property
    def undone(self) -> Step | None:
        """What ``redo`` would do again."""
        return self._step(self._head + 1)

    def begin(self, label: str, frame_idx: int | None = None) -> Step:
        """Start a step: what is written until the next one belongs to it."""
        with self.lock:
            number = self._head + 1
            with self._transaction():
                if self.undone is not None:
                    self._forget_ahead()
                self.execute(
                    "INSERT INTO step VALUES (:number, :label, :frame, :made)",
                    {"number": number, "label": label, "frame": frame_idx, "made": time.time()},
                )
                self._write_head(number)
            self._head = number
        return Step(number, label, frame_idx)

    @contextmanager
    def step(self, label: str, frame_idx: int | None = None) -> Iterator[Step]:
        """Start a step; if the block fails, what was written since has not happened.

        Objects that were being tracked meanwhile have to be loaded again then.
        """
        step = self.begin(label, frame_idx)
        try:
            yield step
        except BaseException:
            self.abandon(step)
            raise

    def abandon(self, step: Step) -> Touched:
        """Take back the last step for good.

        Raises:
            StorageError: it cannot be written down that it is gone: for this process it is; another
                one would find what was written of it.
        """
        with self.lock:
            if self._head != step.number:
                raise ProjectError(f"Step {step.number} ({step.label}) is not the last one.")
            touched = self._touched(step.number)
            self._head = step.number - 1
            with self._transaction():
                self._write_head(self._head)
                self._forget_ahead()
            return touched

    def conclude(self, step: Step) -> None:
        """Take back a step in which nothing was written; any other stays.

        Nothing to do where the journal has been closed meanwhile, or gone back to before the step.
        """
        with self.lock:
            if self.is_open and self._head == step.number and self._is_empty(step):
                self.abandon(step)

    def undo(self) -> Touched:
        """Go back to before the last step; nothing changes if there is none."""
        with self.lock:
            if self.done is None:
                return Touched(frozenset(), frozenset())
            touched = self._touched(self._head)
            self._move(self._head - 1)
            return touched

    def redo(self) -> Touched:
        """Do the step again that was undone last; nothing changes if there is none."""
        with self.lock:
            if self.undone is None:
                return Touched(frozenset(), frozenset())
            self._move(self._head + 1)
            return self._touched(self._head)

    def forget_history(self) -> None:
        """Keep what is visible and give the space of everything else back."""
        with self.lock:
            with self._transaction():
                self._forget_ahead()
                for table in _TABLES:
                    # Rows keep the numbers of their steps: what is stale depends on their order.
                    self.execute(f"DELETE FROM {table} WHERE died <= :head")
                self.execute(
                    "DELETE FROM tensor WHERE NOT EXISTS "
                    "(SELECT 1 FROM result WHERE result.tensor = tensor.id)"
                )
                self.execute("DELETE FROM step")
            self.execute("VACUUM")

    # ---- Documents

    def put_document(self, key: str, body: bytes) -> None:
        """Store a document, replacing an earlier one of the same key."""
        with self.lock, self._transaction():
            self._end_document(key)
            self.execute(
                "INSERT INTO document VALUES (:key, :head, :never, :body)",
                {"key": key, "never": NEVER, "body": body},
            )

    def remove_document(self, key: str) -> None:
        """Remove a document; one that is not there is fine."""
        with self.lock, self._transaction():
            self._end_document(key)

    def documents(self, prefix: str) -> dict[str, bytes]:
        """The documents whose keys start with ``prefix``, by key."""
        rows = self.fetch(
            f"SELECT key, body FROM document WHERE {ALIVE} AND substr(key, 1, :n) = :prefix",
            {"n": len(prefix), "prefix": prefix},
        )
        return {str(key): bytes(body) for key, body in rows}

    def document(self, key: str) -> tuple[int, bytes] | None:
        """The step at which a document was written and its body, or None."""
        rows = self.fetch(
            f"SELECT born, body FROM document WHERE key = :key AND {ALIVE}",
            {"key": key},
        )
        return (int(rows[0][0]), bytes(rows[0][1])) if rows else None

    # ---- For those who keep rows of their own here

    def execute(self, statement: str, parameters: dict[str, Any] | None = None) -> None:
        """Run a statement; ``:head`` is known to it.

        Raises:
            StorageError: the disk is full, or the file has gone.
        """
        with self.lock, self._reported():
            self._database.execute(statement, self._with_head(statement, parameters))

    def fetch(
        self, query: str, parameters: dict[str, Any] | tuple[Any, ...] | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows that a query finds; ``:head`` is known to it."""
        with self.lock, self._reported():
            if not isinstance(parameters, tuple):
                parameters = self._with_head(query, parameters)
            return self._database.execute(query, parameters).fetchall()

    def fetch_one(
        self, query: str, parameters: dict[str, Any] | tuple[Any, ...] | None = None
    ) -> tuple[Any, ...]:
        """The only row that a query finds."""
        (row,) = self.fetch(query, parameters)
        return row

    def insert_tensor(self, logits: bytes, pointer: bytes) -> int:
        """Store a mask and a pointer; returns their id."""
        with self.lock, self._reported():
            cursor = self._database.execute(
                "INSERT INTO tensor (logits, pointer) VALUES (?, ?)", (logits, pointer)
            )
            return int(cursor.lastrowid or 0)

    def drop_tensors(self, tensors: list[int]) -> None:
        """Drop those of ``tensors`` that no result refers to any more."""
        with self.lock, self._reported():
            self._database.executemany(
                "DELETE FROM tensor WHERE id = ?1 "
                "AND NOT EXISTS (SELECT 1 FROM result WHERE tensor = ?1)",
                [(tensor,) for tensor in tensors],
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is written, or nothing; nobody else writes meanwhile."""
        with self.lock, self._transaction():
            yield

    def copy_to(self, path: Path) -> None:
        """Write a compact copy without the history to ``path``, which is not there yet."""
        with self.lock:
            self.execute("VACUUM INTO :path", {"path": str(path)})
        with Journal(path) as copy:
            copy.forget_history()

    # ---- Inside

    def _prepare(self, max_bytes: int | None) -> None:
        self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        # The write-ahead log survives a killed process; only a power cut may take the last steps.
        for pragma in (
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "locking_mode=EXCLUSIVE",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "cache_size=-4096",
            "wal_autocheckpoint=2000",
        ):
            self._database.execute(f"PRAGMA {pragma}").fetchall()
        if max_bytes is not None:
            (page_size,) = self._database.execute("PRAGMA page_size").fetchone()
            self._database.execute(f"PRAGMA max_page_count={max_bytes // page_size}").fetchall()

    def _is_blank(self) -> bool:
        """Whether there is nothing in it: a new file, or one that a killed server just made."""
        (count,) = self.fetch_one("SELECT COUNT(*) FROM sqlite_schema")
        return int(count) == 0

    def _read_head(self) -> int:
        try:
            return int(self.fetch_one("SELECT number FROM head")[0])
        except (ValueError, TypeError) as error:
            raise ProjectError(f"{self.path.name} is damaged ({error}).") from error

    def _create(self) -> None:
        with self._transaction():
            self.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            self.execute(f"PRAGMA user_version={_FORMAT_VERSION}")
            for statement in _SCHEMA:
                self.execute(statement)
            self.execute("INSERT INTO head VALUES (0)")

    def _require_own(self) -> None:
        """A file from elsewhere must have exactly our tables: no triggers, no views."""
        found = {row[0] for row in self.fetch("SELECT sql FROM sqlite_schema WHERE sql NOTNULL")}
        (version,) = self.fetch_one("PRAGMA user_version")
        if version != _FORMAT_VERSION or found != set(_SCHEMA):
            raise ProjectError(
                f"{self.path.name} is no project of this version of sam2ov (format {version}, "
                f"expected {_FORMAT_VERSION}). Open it with the version that saved it."
            )

    def _step(self, number: int) -> Step | None:
        rows = self.fetch("SELECT number, label, frame_idx FROM step WHERE number = ?", (number,))
        return Step(*rows[0]) if rows else None

    def _move(self, number: int) -> None:
        self._write_head(number)
        self._head = number

    def _write_head(self, number: int) -> None:
        self.execute("UPDATE head SET number = :number", {"number": number})

    def _touched(self, number: int) -> Touched:
        keys = self.fetch("SELECT key FROM document WHERE born = ?1 OR died = ?1", (number,))
        ids = self.fetch(
            "SELECT obj_id FROM result WHERE born = ?1 UNION "
            "SELECT obj_id FROM result WHERE died = ?1",
            (number,),
        )
        return Touched(frozenset(key for (key,) in keys), frozenset(i for (i,) in ids))

    def _forget_ahead(self) -> None:
        dropped = self.fetch("SELECT tensor FROM result WHERE born > :head")
        for table in _TABLES:
            self.execute(f"DELETE FROM {table} WHERE born > :head")
            self.execute(
                f"UPDATE {table} SET died = :never WHERE died > :head AND died < :never",
                {"never": NEVER},
            )
        self.execute("DELETE FROM step WHERE number > :head")
        self.drop_tensors([tensor for (tensor,) in dropped])

    def _end_document(self, key: str) -> None:
        self.execute("DELETE FROM document WHERE key = :key AND born = :head", {"key": key})
        self.execute(
            f"UPDATE document SET died = :head WHERE key = :key AND {ALIVE}",
            {"key": key},
        )

    def _with_head(self, statement: str, parameters: dict[str, Any] | None) -> dict[str, Any]:
        known = dict(parameters or {})
        if ":head" in statement:
            known["head"] = self._head
        return known

    def _is_empty(self, step: Step) -> bool:
        return all(
            self.fetch_one(
                f"SELECT NOT EXISTS (SELECT 1 FROM {table} WHERE born = ? OR died = ?)",
                (step.number, step.number),
            )[0]
            for table in _TABLES
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._database.in_transaction:  # part of a larger one
            yield
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        try:
            self.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._database.in_transaction:  # a full disk may have ended it already
            self._database.execute("ROLLBACK")

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if not self.is_open:
                raise ProjectError(
                    "The project has been closed meanwhile. Open it again to go on; everything "
                    "was kept."
                ) from error
            match _code(error):
                case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                    raise ProjectError(
                        f"{self.path.name} cannot be opened: it is damaged ({error}). Open a copy "
                        "of the project that was saved earlier."
                    ) from error
                case sqlite3.SQLITE_BUSY:
                    raise ProjectError(
                        f"{self.path.name} cannot be opened: another sam2ov has this project "
                        "open; close it there."
                    ) from error
            raise StorageError(
                f"{self.path} cannot be read or written: {error}. Free some disk space, or choose "
                "another disk; what was done before is kept."
            ) from error


def is_in_use(path: Path) -> bool:
    """Whether somebody has a journal open, in this or in another process."""
    try:
        probe = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
        try:
            probe.execute("SELECT number FROM head").fetchall()
        finally:
            probe.close()
    except sqlite3.Error as error:  # or it is missing, or damaged
        return _code(error) == sqlite3.SQLITE_BUSY
    return False


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for an error of Python's module."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
