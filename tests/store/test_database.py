"""One file, one process, any thread; copies of it are made while it is written to."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sam2ov.errors import ProjectError, StorageError
from sam2ov.store import database as module
from sam2ov.store.database import Database, Schema, is_in_use

SCHEMA = Schema(
    application_id=1,
    version=3,
    tables=("CREATE TABLE page (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",),
    rows=("INSERT INTO page VALUES (1, x'00')",),
)
NUM_PAGES = 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ours.sqlite"


@pytest.fixture
def database(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """With enough in it for a copy to take several stretches."""
    monkeypatch.setattr(module, "_COPIED_PAGES", 4)
    made = Database(path, SCHEMA)
    for number in range(2, NUM_PAGES + 1):
        made.execute("INSERT INTO page VALUES (?, ?)", (number, bytes(4000)))
    yield made
    made.close()


def pages(database: Database) -> dict[int, bytes]:
    return dict(database.fetch("SELECT id, body FROM page"))


def put(database: Database, number: int, body: bytes) -> None:
    database.execute("REPLACE INTO page VALUES (:id, :body)", {"id": number, "body": body})


def copy_of(path: Path) -> dict[int, bytes]:
    copy = Database(path, SCHEMA)
    copy.check()
    found = pages(copy)
    copy.close()
    return found


def at_each_pause(monkeypatch: pytest.MonkeyPatch, act: Callable[[int], object]) -> list[int]:
    """Have something done in each pause of a copy; returns the numbers of the pauses so far."""
    seen: list[int] = []

    def pause() -> None:
        seen.append(len(seen))
        act(seen[-1])

    monkeypatch.setattr(module, "_pause", pause)
    return seen


# ---- Files


def test_a_new_file_holds_what_the_schema_says(path: Path) -> None:
    Database(path, SCHEMA).close()
    database = Database(path, SCHEMA)
    assert pages(database) == {1: b"\0"}, "nothing is filled in twice"
    assert database.fetch("PRAGMA application_id") == [(1,)]
    assert database.insert("INSERT INTO page (body) VALUES (?)", (b"",)) == 2
    database.close()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TRIGGER t AFTER INSERT ON page BEGIN DELETE FROM page; END",
        "CREATE VIEW other AS SELECT * FROM page",
        "DROP TABLE page",
        "PRAGMA user_version=4",
    ],
)
def test_a_file_from_elsewhere_is_refused(path: Path, change: str) -> None:
    Database(path, SCHEMA).close()
    theirs = sqlite3.connect(path)
    theirs.execute("CREATE TABLE IF NOT EXISTS page (id)")
    theirs.execute(change)
    if change.startswith("DROP"):
        theirs.execute("CREATE TABLE another (id)")
    theirs.close()
    with pytest.raises(ProjectError, match="no project of this version"):
        Database(path, SCHEMA)


def test_what_is_no_database_is_refused(path: Path, tmp_path: Path) -> None:
    path.write_text("no database at all " * 100)
    with pytest.raises(ProjectError, match="cannot be opened"):
        Database(path, SCHEMA)
    with pytest.raises(StorageError, match="cannot be made or opened"):
        Database(tmp_path / "missing" / "ours.sqlite", SCHEMA)


def test_two_at_once_are_refused(path: Path) -> None:
    assert not is_in_use(path)
    database = Database(path, SCHEMA)
    assert is_in_use(path)
    with pytest.raises(ProjectError, match="close it there"):
        Database(path, SCHEMA)
    database.close()
    assert not is_in_use(path)


def test_a_full_file_says_so_and_keeps_what_it_has(path: Path) -> None:
    database = Database(path, SCHEMA, max_bytes=1 << 16)
    put(database, 2, b"before")
    with pytest.raises(StorageError, match="Free some disk space"), database.transaction():
        put(database, 2, bytes(1 << 17))
    assert pages(database)[2] == b"before"
    database.close()


# ---- Transactions


def test_a_transaction_is_written_as_a_whole_or_not_at_all(database: Database) -> None:
    before = pages(database)
    with pytest.raises(RuntimeError), database.transaction():  # noqa: PT012 - what it wrote counts
        put(database, 1, b"one")
        with database.transaction():
            put(database, 2, b"two")
        raise RuntimeError
    assert pages(database) == before
    with database.transaction():
        put(database, 1, b"one")
    assert pages(database)[1] == b"one"


def test_what_is_closed_says_so(database: Database, tmp_path: Path) -> None:
    database.close()
    database.close()
    with pytest.raises(ProjectError, match="closed meanwhile"):
        pages(database)
    with pytest.raises(ProjectError, match="closed meanwhile"), database.transaction():
        pass
    with (
        pytest.raises(ProjectError, match="closed meanwhile"),
        database.copied_to(tmp_path / "copy"),
    ):
        pass


# ---- Copies


def test_an_edit_goes_through_while_a_copy_is_under_way(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited, told = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        told.set()
        assert edited.wait(60), "whoever edits waits for the copy"

    pauses = at_each_pause(monkeypatch, wait)

    def edit() -> None:
        assert told.wait(60)
        with database.transaction():
            put(database, 1, b"edited")
            put(database, NUM_PAGES, b"as well")
        edited.set()

    other = threading.Thread(target=edit)
    other.start()
    with database.copied_to(tmp_path / "copy"):
        expected = pages(database)
    other.join()
    assert len(pauses) > 3
    assert expected[1] == b"edited"
    assert copy_of(tmp_path / "copy") == expected


def test_a_copy_shows_the_moment_at_its_end(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is changed meanwhile: what is copied already, what is not, and what fails."""

    def edit(pause: int) -> None:
        if pause >= 8:  # with as much again in every pause it would never end
            return
        put(database, 1 + pause, b"changed")
        put(database, NUM_PAGES - pause, b"changed")
        put(database, NUM_PAGES + 1 + pause, bytes(9000))
        database.execute("DELETE FROM page WHERE id = ?", (20 + 3 * pause,))
        with pytest.raises(RuntimeError), database.transaction():  # noqa: PT012
            put(database, 2, b"never")
            database.execute("UPDATE page SET body = zeroblob(5000)")
            raise RuntimeError

    pauses = at_each_pause(monkeypatch, edit)
    before = pages(database)
    with database.copied_to(tmp_path / "copy"):
        expected = pages(database)
    put(database, 1, b"later")
    assert len(pauses) > 8
    assert expected != before
    assert copy_of(tmp_path / "copy") == expected


def test_nobody_writes_during_the_block(database: Database, tmp_path: Path) -> None:
    written = threading.Event()

    def edit() -> None:
        put(database, 1, b"later")
        written.set()

    other = threading.Thread(target=edit)
    with database.copied_to(tmp_path / "copy"):
        other.start()
        assert not written.wait(0.1)
        assert pages(database)[1] == b"\0"
    other.join()
    assert copy_of(tmp_path / "copy")[1] == b"\0"


def test_closing_ends_a_copy_and_frees_the_file(
    database: Database, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_each_pause(monkeypatch, lambda _: database.close())
    with (
        pytest.raises(ProjectError, match="closed meanwhile"),
        database.copied_to(tmp_path / "copy"),
    ):
        pytest.fail("the copy is not complete")
    assert not is_in_use(path)
    assert len(copy_of(path)) == NUM_PAGES, "everything was kept"


def test_a_copy_that_fails_leaves_the_original_usable(
    database: Database, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(StorageError, match="cannot be made or opened"),
        database.copied_to(tmp_path / "missing" / "copy"),
    ):
        pass

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    at_each_pause(monkeypatch, stop)
    with pytest.raises(KeyboardInterrupt), database.copied_to(tmp_path / "copy"):
        pass
    put(database, 1, b"on")
    assert pages(database)[1] == b"on"
