"""What is written beside its target: whole under the final name, or nothing new there."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sam2ov import unfinished as module
from sam2ov.errors import ExportError, StorageError
from sam2ov.store.journal import Journal
from sam2ov.unfinished import (
    OWNER_FILE,
    ScratchFolder,
    UnfinishedFile,
    remove_folder,
    sweep_left,
    sweep_unfinished,
    unfinished_file,
    unfinished_folder,
)
from tests.conftest import REPOSITORY

_LEAVES_ONE = """
import os, sys
from pathlib import Path
from sam2ov.unfinished import ScratchFolder
folder = ScratchFolder("sam2ov-", Path(sys.argv[1]))
(folder.path / "journal").write_text("results")
os._exit(1)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full_disk() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "masks.json"
    target.write_text("old")
    with unfinished_file(target) as unfinished:
        assert unfinished.suffix == ".json"
        unfinished.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["masks.json"]


def test_a_file_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "masks.json"
    target.write_text("old")

    def write_half() -> None:
        with unfinished_file(target) as unfinished:
            unfinished.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert (target.read_text(), names(tmp_path)) == ("old", ["masks.json"])


def test_a_folder_replaces_another_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "masks"
    for name in ("1.png", "2.png"):
        with unfinished_folder(target) as unfinished:
            (unfinished / name).write_bytes(b"")
    assert (names(target), names(tmp_path)) == (["2.png"], ["masks"])


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "masks"
    target.mkdir()
    (target / "old.png").write_bytes(b"")
    rename = Path.rename

    def fail(path: Path, to: Path) -> Path:
        if path.name == "new":
            raise full_disk()
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(ExportError, match="Free some space"), unfinished_folder(target) as folder:
        (folder / "new.png").write_bytes(b"")
    assert (names(target), names(tmp_path)) == (["old.png"], ["masks"])


def test_errors_are_the_callers(tmp_path: Path) -> None:
    def failure(path: Path, error: OSError) -> StorageError:
        return StorageError(f"{path.name}: {error.strerror}")

    for unfinished in (unfinished_file, unfinished_folder):
        with pytest.raises(ExportError, match=r"nowhere.*cannot be written.*Choose another place"):
            unfinished(tmp_path / "nowhere" / "masks").__enter__()
        with (
            pytest.raises(StorageError, match=r"^masks: No space left"),
            unfinished(tmp_path / "masks", failure),
        ):
            raise full_disk()
    assert names(tmp_path) == []


def test_a_file_without_a_block_is_completed_or_discarded(tmp_path: Path) -> None:
    for text in ("one", "two"):
        unfinished = UnfinishedFile(tmp_path / "clip.mp4")
        unfinished.path.write_text(text)
        if text == "one":
            unfinished.complete()
        unfinished.discard()
    assert (tmp_path / "clip.mp4").read_text() == "one"
    assert names(tmp_path) == ["clip.mp4"]


def test_leftovers_are_swept_and_those_of_others_are_not(tmp_path: Path) -> None:
    # As killed processes leave them.
    kept = [UnfinishedFile(tmp_path / name) for name in ("a", "a.b", "a-int8")]
    (tmp_path / "a").mkdir()
    sweep_unfinished(tmp_path / "a")
    left = [name.rsplit(".", 1)[0] for name in names(tmp_path) if name != "a"]
    assert left == [".a-int8", ".a.b"]
    assert all(each.path.parent.exists() for each in kept[1:])
    assert (tmp_path / "a").is_dir()


def test_a_folder_is_removed_whole(tmp_path: Path) -> None:
    (tmp_path / "made" / "below").mkdir(parents=True)
    (tmp_path / "made" / "below" / "file").write_text("content")
    remove_folder(tmp_path / "made")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        remove_folder(tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def leave_one(place: Path) -> Path:
    """The folder of a process that was killed."""
    before = {*place.iterdir()}
    ended = subprocess.run(
        [sys.executable, "-c", _LEAVES_ONE, place], cwd=REPOSITORY, check=False, timeout=120
    )
    assert ended.returncode == 1
    (left,) = {*place.iterdir()} - before
    return left


def test_a_folder_goes_with_its_block(tmp_path: Path) -> None:
    with ScratchFolder("sam2ov-", tmp_path) as folder:
        (folder / "sub").mkdir()
        assert folder.parent == tmp_path
    assert [*tmp_path.iterdir()] == []
    folder_of = ScratchFolder(place=tmp_path)
    folder_of.remove()
    folder_of.remove()
    forgotten = ScratchFolder(place=tmp_path)
    del forgotten
    assert [*tmp_path.iterdir()] == []


def test_what_killed_processes_left_goes_and_all_else_stays(tmp_path: Path) -> None:
    in_use = ScratchFolder("sam2ov-", tmp_path)
    others = tmp_path / "sam2ov-others"
    others.mkdir()
    named_otherwise = tmp_path / "results"
    named_otherwise.mkdir()
    (named_otherwise / OWNER_FILE).touch()
    linked = tmp_path / "elsewhere"
    linked.mkdir()
    (linked / OWNER_FILE).touch()
    (tmp_path / "sam2ov-link").symlink_to(linked)
    left = leave_one(tmp_path)
    assert (left / "journal").is_file()
    sweep_left(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(in_use.path.name, "sam2ov-others", "results", "elsewhere", "sam2ov-link")
    }
    assert (linked / OWNER_FILE).exists()
    in_use.remove()


def test_the_first_folder_in_a_place_sweeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_swept", set())
    left = leave_one(tmp_path)
    ScratchFolder(".mask.png.", tmp_path).remove()
    assert not left.exists()


def test_a_folder_that_cannot_be_made_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sam2ov.unfinished.tempfile.mkdtemp", full)
    with pytest.raises(StorageError, match=r"No space left on device.*TMPDIR"):
        Journal.temporary(tmp_path)
