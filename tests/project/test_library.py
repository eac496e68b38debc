"""What is kept, for how long, and what is never touched."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sam2ov.errors import ProjectError, StorageError
from sam2ov.project.folder import ProjectFolder
from sam2ov.project.library import PROJECTS_VARIABLE, ProjectLibrary, default_projects_folder
from sam2ov.store.database import is_in_use
from sam2ov.store.journal import Journal
from tests.conftest import REPOSITORY
from tests.project.conftest import INFO, Clock, keep

DAY = 86_400


def age(folder: ProjectFolder, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(folder.path / "project.json", (then, then))


def sweep_for_a_day(
    library: ProjectLibrary, clock: Clock, in_use: Callable[[str], bool] = lambda _: False
) -> list[str]:
    """The names that are put away by sweeps of a little more than a day."""
    put_away = []
    for _ in range(26):
        put_away += library.sweep(in_use)
        clock.now += 3600
    return put_away


def test_a_project_is_found_by_its_token_only(library: ProjectLibrary) -> None:
    folder = keep(library)
    assert library.find(folder.token).read_info() == INFO
    for token in (folder.token[:-1], "x" * 24, "", "..", f"../{library.folder.name}", "a/b", "\0"):
        with pytest.raises(ProjectError, match="no longer here"):
            library.find(token)
        library.delete(token)
    assert folder.path.is_dir()


def test_no_name_looks_like_an_option(
    library: ProjectLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["-" + "x" * 23, "-" + "y" * 23, "z" * 24])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: next(names))
    assert library.new_folder().token == "z" * 24


def test_a_folder_in_the_making_is_no_project(library: ProjectLibrary) -> None:
    folder = library.new_folder()
    with pytest.raises(ProjectError, match="no longer here"):
        library.find(folder.token)
    library.discard(folder)
    assert not folder.path.exists()


def test_summaries_tell_what_is_asked_for_and_nothing_else(library: ProjectLibrary) -> None:
    old, new, other = (keep(library, num_bytes=1000 * n) for n in (1, 2, 3))
    age(old, 2)
    found = library.summaries([old.token, "y" * 24, new.token, "nonsense"])
    assert [summary.token for summary in found] == [new.token, old.token], "the newest first"
    assert found[0].clip_bytes == 2000
    assert found[0].num_bytes > found[0].clip_bytes + found[0].journal_bytes
    assert abs(found[1].used - (time.time() - 2 * DAY)) < 5
    assert other.token not in {summary.token for summary in found}


def test_a_damaged_entry_is_left_out_and_gets_old_all_the_same(
    library: ProjectLibrary, clock: Clock
) -> None:
    folder = keep(library)
    (folder.path / "project.json").write_text('{"version": 7}')
    assert library.summaries([folder.token]) == []
    with pytest.raises(ProjectError, match="another version"):
        folder.read_info()
    assert library.sweep() == []
    age(folder, 15)
    assert sweep_for_a_day(library, clock) == [folder.token]


def test_what_is_old_is_deleted_unless_it_is_open(library: ProjectLibrary, clock: Clock) -> None:
    fresh, old, used = keep(library), keep(library), keep(library)
    age(fresh, 13.9)
    age(old, 14.1)
    age(used, 30)
    in_use = used.token.__eq__
    assert sweep_for_a_day(library, clock, in_use) == [old.token]
    assert not old.path.exists()
    used.touch()
    assert sweep_for_a_day(library, clock) == []


def test_beyond_the_budget_the_oldest_go_first(library: ProjectLibrary) -> None:
    oldest, older, newest = (keep(library, num_bytes=90_000) for _ in range(3))
    age(oldest, 3)
    age(older, 2)
    assert library.num_bytes() > 300_000, "a journal takes space, too"
    assert library.sweep() == [oldest.token]
    assert older.path.is_dir()
    assert newest.path.is_dir()


def test_open_projects_are_kept_beyond_the_budget(library: ProjectLibrary) -> None:
    oldest, newest = (keep(library, num_bytes=120_000) for _ in range(2))
    age(oldest, 3)
    assert library.sweep(lambda token: token == oldest.token) == []
    with Journal(oldest.journal):
        assert library.sweep() == [], "as another server would see it"
    assert library.sweep() == [oldest.token]
    assert newest.path.is_dir()


HOLD = """
import sys, time
from pathlib import Path
from sam2ov.store.journal import Journal
journal = Journal(Path(sys.argv[1]))
print("open", flush=True)
time.sleep(60)
"""


def test_what_another_server_has_open_is_left_alone(library: ProjectLibrary, clock: Clock) -> None:
    folder = keep(library)
    age(folder, 99)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.journal)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    try:
        assert other.stdout is not None
        other.stdout.readline()
        assert is_in_use(folder.journal)
        assert sweep_for_a_day(library, clock) == []
        with pytest.raises(ProjectError, match="close it there"):
            Journal(folder.journal)
    finally:
        other.kill()
        other.communicate()
    assert not is_in_use(folder.journal), "a killed server has nothing open"
    assert sweep_for_a_day(library, clock) == [folder.token]


def test_leftovers_of_a_killed_server_go_after_a_day(library: ProjectLibrary, clock: Clock) -> None:
    other = ProjectLibrary(library.folder)  # of a server that was killed
    leftovers = [other.new_incoming(), other.new_folder().path]
    (leftovers[0] / "upload-1").write_bytes(b"half")
    (leftovers[1] / "clip").write_bytes(b"half")
    ours = library.new_incoming()
    library.sweep()
    assert all(path.is_dir() for path in leftovers), "they may belong to a running one"
    then = time.time() - 2 * DAY
    for path in (*leftovers, ours):
        os.utime(path, (then, then))
    sweep_for_a_day(library, clock)
    assert not any(path.exists() for path in leftovers)
    assert ours.is_dir(), "a page may be open for days"
    library.discard(ProjectFolder(ours))
    library.sweep()


def test_nothing_that_is_not_ours_is_touched(library: ProjectLibrary, clock: Clock) -> None:
    """Somebody may point the server at a folder that holds more than projects."""
    theirs = [
        library.folder / "holidays",
        library.folder / "my-holidays-in-france-24",
        library.folder / "another-folder-with-json",
        library.folder / ".tab-of-mine",
    ]
    assert len(theirs[1].name) == len(theirs[2].name) == 24
    for path in theirs:
        path.mkdir()
        (path / "beach.mp4").write_bytes(bytes(200_000))
    (theirs[2] / "project.json").write_text("{}")
    (library.folder / "notes.txt").write_text("mine")
    then = time.time() - 99 * DAY
    for path in [*theirs, *(path / "beach.mp4" for path in theirs)]:
        os.utime(path, (then, then))
    os.utime(theirs[2] / "project.json", (then, then))
    assert sweep_for_a_day(library, clock) == []
    assert all((path / "beach.mp4").is_file() for path in theirs)
    assert (library.folder / "notes.txt").is_file()


def test_a_link_is_not_followed(library: ProjectLibrary, clock: Clock, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "clip").write_bytes(b"x")
    link = library.folder / ("l" * 24)
    link.symlink_to(elsewhere, target_is_directory=True)
    then = time.time() - 99 * DAY
    os.utime(elsewhere, (then, then))
    sweep_for_a_day(library, clock)
    assert (elsewhere / "clip").is_file()


def test_a_folder_that_has_gone_stops_nobody(library: ProjectLibrary) -> None:
    folder = keep(library)
    library.delete(folder.token)
    library.delete(folder.token)
    folder.touch()
    library.folder.rmdir()
    assert library.sweep() == []
    assert library.num_bytes() == 0
    with pytest.raises(StorageError, match="Nothing can be stored"):
        library.new_folder()


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROJECTS_VARIABLE, str(tmp_path / "chosen"))
    assert ProjectLibrary().folder == tmp_path / "chosen"
    monkeypatch.delenv(PROJECTS_VARIABLE)
    assert default_projects_folder().parts[-2:] == ("sam2ov", "projects")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Choose another one"):
        ProjectLibrary(tmp_path / "file" / "projects")


# ---- A clock that jumps, and the trash


def test_a_clock_that_jumps_deletes_nothing(
    library: ProjectLibrary, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, now = keep(library), time.time()
    leftover = ProjectLibrary(library.folder).new_incoming()  # of another server, in use
    with monkeypatch.context() as jumped:
        jumped.setattr("sam2ov.project.library.time.time", lambda: now + 900 * DAY)
        for _ in range(23):
            assert library.sweep() == []
            clock.now += 3600
    assert library.sweep() == [], "the clock was put right"
    with monkeypatch.context() as jumped:
        jumped.setattr("sam2ov.project.library.time.time", lambda: now + 900 * DAY)
        assert library.sweep() == [], "the day begins anew"
    assert folder.path.is_dir()
    assert leftover.is_dir()


def test_a_day_is_counted_over_restarts(tmp_path: Path) -> None:
    folder, clock = tmp_path / "projects", Clock()
    old = keep(ProjectLibrary(folder))
    age(old, 15)
    for start in range(30):  # used for an hour at a time, on a computer that is switched off
        clock.now = 1000.0 * start
        library = ProjectLibrary(folder, clock=clock)
        assert library.sweep() == []
        clock.now += 3600
        if library.sweep():
            break
    assert start == 23
    assert not old.path.exists()


def test_what_was_put_away_comes_back_for_a_day(library: ProjectLibrary, clock: Clock) -> None:
    folder, other = keep(library), keep(library)
    age(folder, 15)
    age(other, 15)
    assert set(sweep_for_a_day(library, clock)) == {folder.token, other.token}
    assert not folder.path.exists()
    assert {one.token for one in library.summaries([folder.token])} == {folder.token}
    assert library.reopen(folder.token) == folder
    assert folder.path.is_dir()
    assert sweep_for_a_day(library, clock) == [], "it is in use"
    assert library.find(folder.token) == folder
    with pytest.raises(ProjectError, match="no longer here"):
        library.find(other.token)
    assert list((library.folder / ".trash").iterdir()) == []


def test_who_deletes_a_project_deletes_it_for_good(library: ProjectLibrary, clock: Clock) -> None:
    here, put_away = keep(library), keep(library)
    age(put_away, 15)
    sweep_for_a_day(library, clock)
    for folder in (here, put_away):
        library.delete(folder.token)
        with pytest.raises(ProjectError, match="no longer here"):
            library.find(folder.token)
    assert not [path for path in library.folder.rglob("*") if path.name == "journal.sqlite"]


def test_the_trash_is_bounded(library: ProjectLibrary) -> None:
    for _ in range(8):
        keep(library, num_bytes=120_000)
        library.sweep()
        library.sweep()
    assert library.num_bytes() < 2 * 300_000 + 1000


def test_a_damaged_count_starts_anew(library: ProjectLibrary, clock: Clock) -> None:
    folder = keep(library)
    age(folder, 15)
    for damaged in ("[1]", "{", '{"a": "b"}', "null"):
        (library.folder / ".due.json").write_text(damaged)
        assert library.sweep() == []
    assert sweep_for_a_day(library, clock) == [folder.token]
