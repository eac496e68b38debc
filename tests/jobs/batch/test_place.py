"""Places: results are there whole or not at all, in folders and in stores of fsspec."""

import uuid
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from sam2ov.errors import ExportError, StorageError
from sam2ov.jobs.batch.place import FolderPlace, Place, StorePlace, open_place
from sam2ov.jobs.batch.record import RECORD_NAME, JobRecord

RECORD = JobRecord(
    name="a",
    clip="/a.mp4",
    state="done",
    fingerprint="f",
    settings="s",
    sources={"/a.mp4": "1 2"},
    outputs=("masks", "a.mp4"),
    finished="2026-01-01T00:00:00+00:00",
    program="0",
)


@pytest.fixture(params=["folder", "file-url", "memory-url"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    where = {
        "folder": str(tmp_path / "out"),
        "file-url": f"file://{tmp_path / 'out'}",
        "memory-url": f"memory://{uuid.uuid4().hex}",
    }
    return open_place(where[request.param])


def write(folder: Path) -> None:
    (folder / "masks").mkdir()
    (folder / "masks" / "0.png").write_bytes(b"mask")
    (folder / "a.mp4").write_bytes(b"video")
    (folder / RECORD_NAME).write_text(RECORD.text())


def test_results_and_their_record_come_back(place: Place) -> None:
    assert place.record("a") is None
    with place.folder("a") as folder:
        write(folder)
    assert place.record("a") == RECORD
    assert place.has("a", RECORD.outputs)
    assert not place.has("a", (*RECORD.outputs, "more"))


def test_what_fails_leaves_nothing(place: Place) -> None:
    def fail() -> None:
        with place.folder("a") as folder:
            write(folder)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert place.record("a") is None
    assert not place.has("a", ("masks",))


def test_a_note_leaves_results_where_they_are(place: Place) -> None:
    with place.folder("a") as folder:
        write(folder)
    place.note("a", RECORD.model_copy(update={"state": "failed", "reason": "why"}))
    found = place.record("a")
    assert found is not None
    assert found.reason == "why"
    assert place.has("a", RECORD.outputs)


@pytest.mark.parametrize("content", ['{"name": 3}', "", "\0" * 100])
def test_a_damaged_record_is_no_record(tmp_path: Path, content: str) -> None:
    place = FolderPlace(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / RECORD_NAME).write_text(content)
    assert place.record("a") is None


def test_new_results_take_the_place_of_all_old_ones(place: Place) -> None:
    with place.folder("a") as folder:
        write(folder)
    with place.folder("a") as folder:
        (folder / "other.mp4").write_bytes(b"video")
        (folder / RECORD_NAME).write_text(RECORD.text())
    assert place.has("a", ("other.mp4",))
    assert not place.has("a", ("a.mp4",))
    assert not place.has("a", ("masks/0.png",))


def test_an_upload_that_ends_early_leaves_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old results that are half replaced are not told of as done."""
    place = StorePlace(f"file://{tmp_path / 'out'}")
    with place.folder("a") as folder:
        write(folder)
    store = type(fsspec.filesystem("file"))
    monkeypatch.setattr(store, "put_file", lambda *_: (_ for _ in ()).throw(OSError("cut")))
    with pytest.raises(StorageError, match="cut"), place.folder("a") as folder:
        write(folder)
    assert place.record("a") is None


def test_what_is_not_of_a_batch_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine.txt").write_text("mine")
    with pytest.raises(ExportError, match="not of a batch"), FolderPlace(tmp_path).folder("a"):
        pass
    assert (tmp_path / "a" / "mine.txt").exists()


def test_files_of_stores_have_their_name_when_they_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that fails in the middle of a file has none of that name."""
    place = StorePlace(f"file://{tmp_path / 'out'}")
    store = fsspec.filesystem("file")
    put: Callable[..., None] = type(store).put_file

    def broken(self: object, local: str, remote: str, **more: object) -> None:
        put(self, local, remote, **more)
        if "a.mp4" in remote:
            raise OSError("the line is cut")

    monkeypatch.setattr(type(store), "put_file", broken)
    with pytest.raises(StorageError, match="the line is cut"), place.folder("a") as folder:
        write(folder)
    assert not (tmp_path / "out/a/a.mp4").exists()
    assert not (tmp_path / "out/a" / RECORD_NAME).exists()


def test_unknown_stores_are_refused() -> None:
    with pytest.raises(ExportError, match="cannot be used"):
        open_place("nowhere://bucket/results")
