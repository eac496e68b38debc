"""A database in which everything belongs to a step that can be undone and done again.

A row is born at a step and dies at one; what is visible are the rows that live at ``head``. Undo
moves ``head`` back and redo forward, whatever the steps did: nothing is computed again, and both
survive the process. A new step forgets those that lie ahead. Before the first step, rows are
simply replaced: that is how a session without a history works.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sam2ov.errors import ProjectError, StorageError
from sam2ov.store.database import Database
from sam2ov.store.tables import ALIVE, NEVER, SCHEMA, VERSIONED
from sam2ov.unfinished import ScratchFolder


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
        self._temporary: ScratchFolder | None = None
        self._under_way: int | None = None  # a step that may yet fail
        self._database = Database(path, SCHEMA, max_bytes)
        try:
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

        Raises:
            StorageError: the folder cannot be made.
        """
        try:
            folder = ScratchFolder(place=directory)
        except OSError as error:
            raise StorageError(
                f"No folder for results can be made: {error.strerror or error}. Free some space, "
                "or choose another place with the environment variable TMPDIR."
            ) from error
        try:
            journal = cls(folder.path / "journal.sqlite", max_bytes)
        except BaseException:
            folder.remove()
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
        with self._database.lock:
            self._database.close()
            if self._temporary is not None:
                self._temporary.remove()

    def check(self) -> None:
        """Read the whole file.

        Raises:
            ProjectError: it is damaged.
        """
        self._database.check()

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
        with self._database.lock:
            number = self._head + 1
            with self.transaction():
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
        with self._database.lock:  # a copy that ends in between would take the step for complete
            step = self.begin(label, frame_idx)
            self._under_way = step.number
        try:
            yield step
        except BaseException:
            self.abandon(step)
            raise
        finally:
            self._under_way = None

    def abandon(self, step: Step) -> Touched:
        """Take back the last step for good.

        Raises:
            StorageError: it cannot be written down that it is gone: for this process it is; another
                one would find what was written of it.
        """
        with self._database.lock:
            if self._head != step.number:
                raise ProjectError(f"Step {step.number} ({step.label}) is not the last one.")
            touched = self._touched(step.number)
            self._head = step.number - 1
            with self.transaction():
                self._write_head(self._head)
                self._forget_ahead()
            return touched

    def conclude(self, step: Step) -> None:
        """Take back a step in which nothing was written; any other stays.

        Nothing to do where the journal has been closed meanwhile, or gone back to before the step.
        """
        with self._database.lock:
            if self._database.is_open and self._head == step.number and self._is_empty(step):
                self.abandon(step)

    def undo(self) -> Touched:
        """Go back to before the last step; nothing changes if there is none."""
        with self._database.lock:
            if self.done is None:
                return Touched(frozenset(), frozenset())
            touched = self._touched(self._head)
            self._move(self._head - 1)
            return touched

    def redo(self) -> Touched:
        """Do the step again that was undone last; nothing changes if there is none."""
        with self._database.lock:
            if self.undone is None:
                return Touched(frozenset(), frozenset())
            self._move(self._head + 1)
            return self._touched(self._head)

    def forget_history(self) -> None:
        """Keep what is visible and give the space of everything else back."""
        with self._database.lock:
            with self.transaction():
                self._forget_ahead()
                for table in VERSIONED:
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
        with self.transaction():
            self._end_document(key)
            self.execute(
                "INSERT INTO document VALUES (:key, :head, :never, :body)",
                {"key": key, "never": NEVER, "body": body},
            )

    def remove_document(self, key: str) -> None:
        """Remove a document; one that is not there is fine."""
        with self.transaction():
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

    def execute(self, statement: str, values: dict[str, Any] | None = None) -> None:
        """Run a statement; ``:head`` is known to it.

        Raises:
            StorageError: the disk is full, or the file has gone.
        """
        with self._database.lock:
            self._database.execute(statement, self._with_head(statement, values))

    def fetch(self, query: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows that a query finds; ``:head`` is known to it."""
        with self._database.lock:
            return self._database.fetch(query, self._with_head(query, values))

    def fetch_one(self, query: str, values: dict[str, Any] | None = None) -> tuple[Any, ...]:
        """The only row that a query finds."""
        (row,) = self.fetch(query, values)
        return row

    def insert_tensor(self, logits: bytes, pointer: bytes) -> int:
        """Store a mask and a pointer; returns their id."""
        return self._database.insert(
            "INSERT INTO tensor (logits, pointer) VALUES (?, ?)", (logits, pointer)
        )

    def drop_tensors(self, tensors: list[int]) -> None:
        """Drop those of ``tensors`` that no result refers to any more."""
        self._database.execute_many(
            "DELETE FROM tensor WHERE id = ?1 "
            "AND NOT EXISTS (SELECT 1 FROM result WHERE tensor = ?1)",
            [(tensor,) for tensor in tensors],
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is written, or nothing; nobody else writes meanwhile."""
        with self._database.transaction():
            yield

    def copy_to(self, path: Path) -> None:
        """Write a compact copy without the history to ``path``, which is not there yet.

        Steps go on meanwhile and are in the copy, but for one that is not complete at its end.
        """
        with self._database.copied_to(path):
            is_complete = self._head != self._under_way
        with Journal(path) as copy:
            if not is_complete:
                copy.undo()
            copy.forget_history()

    def move_to(self, path: Path) -> None:
        """Go on in another file, history included; see ``Database.move_to``."""
        self._database.move_to(path)

    # ---- Inside

    def _read_head(self) -> int:
        try:
            return int(self.fetch_one("SELECT number FROM head")[0])
        except (ValueError, TypeError, OverflowError) as error:
            raise ProjectError(f"{self._database.path.name} is damaged ({error}).") from error

    def _step(self, number: int) -> Step | None:
        rows = self.fetch(
            "SELECT number, label, frame_idx FROM step WHERE number = :number", {"number": number}
        )
        return Step(*rows[0]) if rows else None

    def _move(self, number: int) -> None:
        self._write_head(number)
        self._head = number

    def _write_head(self, number: int) -> None:
        self.execute("UPDATE head SET number = :number", {"number": number})

    def _touched(self, number: int) -> Touched:
        values = {"number": number}
        keys = self.fetch("SELECT key FROM document WHERE :number IN (born, died)", values)
        ids = self.fetch(
            "SELECT obj_id FROM result WHERE born = :number UNION "
            "SELECT obj_id FROM result WHERE died = :number",
            values,
        )
        return Touched(frozenset(key for (key,) in keys), frozenset(i for (i,) in ids))

    def _forget_ahead(self) -> None:
        dropped = self.fetch("SELECT tensor FROM result WHERE born > :head")
        for table in VERSIONED:
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

    def _with_head(self, statement: str, values: dict[str, Any] | None) -> dict[str, Any]:
        known = dict(values or {})
        if ":head" in statement:
            known["head"] = self._head
        return known

    def _is_empty(self, step: Step) -> bool:
        return all(
            self.fetch_one(
                f"SELECT NOT EXISTS (SELECT 1 FROM {table} WHERE born = :number OR died = :number)",
                {"number": step.number},
            )[0]
            for table in VERSIONED
        )
