"""Project files: what goes out comes back; what was made to harm does not get in."""

import io
import random
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import CancelledError, ProjectError, Sam2ovError, StorageError
from sam2ov.progress import Progress
from sam2ov.project import Project
from sam2ov.project.archive import is_project_file, open_project_file, save_project_file
from sam2ov.project.folder import ProjectFolder, ProjectInfo
from sam2ov.project.library import ProjectLibrary
from sam2ov.store.journal import Journal
from sam2ov.video import open_video
from tests.click_model import MODEL
from tests.project.conftest import INFO

MAX_BYTES = 20_000_000


@pytest.fixture
def saved(project: Project, clip_file: Path, tmp_path: Path) -> Path:
    """A project file with clip, of an object that was tracked after a second thought."""
    project.prompts.click(1, 0, (20, 30), positive=True)
    project.prompts.click(1, 0, (60, 30), positive=True)
    project.history.undo()
    list(project.session.propagate())
    path = tmp_path / "saved.sam2ov"
    save_project_file(path, INFO, project.journal, clip_file)
    return path


def unpack(path: Path, library: ProjectLibrary, clip: Path | None = None) -> ProjectFolder:
    folder = library.new_folder()
    open_project_file(path, folder, MAX_BYTES, clip)
    return folder


def test_a_project_comes_back(
    saved: Path, library: ProjectLibrary, project: Project, tracker: Tracker, clip_file: Path
) -> None:
    assert is_project_file(saved)
    folder = unpack(saved, library)
    assert folder.clip.read_bytes() == clip_file.read_bytes()
    with (
        Journal(folder.journal) as journal,
        VideoSession(tracker, open_video(folder.clip), journal) as session,
    ):
        again = Project(session, journal, MODEL)
        assert tuple(again.objects) == tuple(project.objects)
        assert len(again.prompts.sequence(1, 0)) == 1
        for frame in (0, 7):
            assert (again.masks(frame, (64, 96))[1] == project.masks(frame, (64, 96))[1]).all()
        assert session.timeline(1).has_result.all()
        assert journal.done is None, "the history stays at home"
        again.prompts.click(1, 3, (20, 30), positive=False)
        assert again.history.undo() == 3


def test_the_project_goes_on_while_it_is_saved(saved: Path, project: Project) -> None:
    assert project.journal.done is not None
    project.prompts.click(1, 5, (20, 30), positive=True)
    assert project.history.undo() == 5


def test_without_its_clip_it_needs_the_open_one(
    project: Project, clip_file: Path, tmp_path: Path, library: ProjectLibrary
) -> None:
    path = tmp_path / "slim.sam2ov"
    save_project_file(path, INFO, project.journal, None)
    assert path.stat().st_size < 100_000
    with pytest.raises(ProjectError, match=r"Open square\.mp4 \(12 frames, 96×64\) first"):
        unpack(path, library)
    folder = unpack(path, library, clip_file)
    assert folder.clip.read_bytes() == clip_file.read_bytes()
    folder.clip.unlink()
    assert clip_file.is_file()


def test_the_sample_is_not_carried_along(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "sample.sam2ov"
    info = INFO.model_copy(update={"is_sample": True})
    save_project_file(path, info, project.journal, None)
    folder = unpack(path, ProjectLibrary(tmp_path / "projects"))
    assert not folder.clip.exists()


def test_progress_is_told_and_saving_can_be_cancelled(
    project: Project, clip_file: Path, tmp_path: Path, library: ProjectLibrary
) -> None:
    told: list[Progress] = []
    path = tmp_path / "saved.sam2ov"
    with pytest.raises(CancelledError):
        save_project_file(path, INFO, project.journal, clip_file, told.append, lambda: True)
    assert list(tmp_path.glob("*saved*")) == [], "nothing half-written"
    save_project_file(path, INFO, project.journal, clip_file, told.append)
    assert told[-1].done == told[-1].total
    with pytest.raises(CancelledError):
        open_project_file(path, library.new_folder(), MAX_BYTES, None, None, lambda: True)


def repacked(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of an archive with other members; None leaves one out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            body = change(name, old.read(name))
            if body is not None:
                new.writestr(name, body)
    return target


def with_member(name: str, body: bytes | None) -> Callable[[str, bytes], bytes | None]:
    return lambda member, found: body if member == name else found


@pytest.mark.parametrize(
    ("member", "body", "message"),
    [
        ("project.json", b'{"version": 2}', "no project file of this version"),
        ("project.json", b"", "no project file of this version"),
        ("project.json", b"[" * 60_000, "no project file of this version"),
        ("project.json", None, "no project file of this version"),
        ("journal.sqlite", None, "has no journal"),
        ("journal.sqlite", b"no database" * 500, "damaged"),
        ("journal.sqlite", b"", "damaged"),
        ("clip", None, "was saved without its clip"),
    ],
)
def test_other_files_are_refused(
    saved: Path, tmp_path: Path, library: ProjectLibrary, member: str, body: bytes, message: str
) -> None:
    path = repacked(saved, tmp_path / "other.sam2ov", with_member(member, body))
    with pytest.raises(ProjectError, match=message):
        unpack(path, library)


STATEMENTS = [
    "CREATE TRIGGER t AFTER INSERT ON step BEGIN DELETE FROM result; END",
    "CREATE VIEW v AS SELECT * FROM result",
    "CREATE TABLE more (x)",
    "PRAGMA user_version=99",
    "UPDATE head SET number = 'many'",
    "UPDATE head SET number = -1",
    "UPDATE head SET number = 9223372036854775807",
    "DELETE FROM head",
    "INSERT INTO head VALUES (3)",
    "INSERT INTO step VALUES (7, 'History', 0, 0)",
    "UPDATE result SET frame_idx = frame_idx + 100",
    "UPDATE result SET frame_idx = frame_idx - 100",
    "UPDATE result SET frame_idx = 'x' || frame_idx",
    "UPDATE result SET obj_id = 'one'",
    "UPDATE result SET kind = kind + 7",
    "UPDATE result SET direction = 900",
    "UPDATE result SET iou = 'good'",
    "UPDATE result SET centre_x = x'00'",
    "UPDATE result SET tensor = 'none'",
    "UPDATE result SET died = born",
    "UPDATE tensor SET logits = 'text'",
    "UPDATE tensor SET pointer = x'0102'",
    "UPDATE tensor SET pointer = zeroblob(100000)",
    "UPDATE tensor SET logits = zeroblob(2000000)",
    "UPDATE document SET body = 'text'",
    "UPDATE document SET body = zeroblob(17000000) WHERE key = 'order'",
    "UPDATE document SET key = 'ÿ' WHERE key = 'order'",
    "UPDATE document SET key = CAST(x'ff00' AS TEXT) WHERE key = 'order'",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_journal_that_we_did_not_write_is_refused(
    saved: Path, tmp_path: Path, library: ProjectLibrary, statement: str
) -> None:
    with zipfile.ZipFile(saved) as archive:
        (tmp_path / "j").write_bytes(archive.read("journal.sqlite"))
    database = sqlite3.connect(tmp_path / "j")
    database.execute(statement)
    database.commit()
    database.close()
    body = (tmp_path / "j").read_bytes()
    path = repacked(saved, tmp_path / "other.sam2ov", with_member("journal.sqlite", body))
    with pytest.raises(ProjectError):
        unpack(path, library)


def test_nothing_is_unpacked_beside_the_folder(
    saved: Path, tmp_path: Path, library: ProjectLibrary
) -> None:
    names = ["../evil", "/tmp/evil", "..\\evil", "clip/../../evil", "proxies/x", "C:\\evil"]
    with zipfile.ZipFile(saved, "a") as archive:
        for name in names:
            archive.writestr(name, b"evil")
    before = set(tmp_path.rglob("*"))
    folder = unpack(saved, library)
    made = set(tmp_path.rglob("*")) - before
    assert {path.name for path in made - {folder.path}} == {"clip", "journal.sqlite"}


def test_bombs_do_not_go_off(saved: Path, tmp_path: Path, library: ProjectLibrary) -> None:
    bomb = tmp_path / "bomb.sam2ov"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(bomb, "w") as new:
        new.writestr("project.json", old.read("project.json"))
        new.writestr("journal.sqlite", old.read("journal.sqlite"))
        new.writestr("clip", bytes(MAX_BYTES), zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < MAX_BYTES / 10
    with pytest.raises(ProjectError, match="packed again"):
        unpack(bomb, library)
    with pytest.raises(ProjectError, match="too large"):
        open_project_file(saved, library.new_folder(), 1000)


def test_a_huge_table_of_contents_is_not_read(tmp_path: Path) -> None:
    """Its size is announced at the end of the file; Python would read as much at once."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("project.json", b"{}")
    end = bytearray(content.getvalue()[-22:])
    end[12:16] = (500_000_000).to_bytes(4, "little")
    end[16:20] = (0).to_bytes(4, "little")
    path = tmp_path / "huge.sam2ov"
    with path.open("wb") as file:
        file.truncate(500_000_000)  # a hole: takes no space
        file.seek(0, 2)
        file.write(end)
    assert not is_project_file(path)


def test_damaged_files_are_refused_or_harmless(
    saved: Path, tmp_path: Path, library: ProjectLibrary
) -> None:
    original = saved.read_bytes()
    rng = random.Random(5)
    path = tmp_path / "damaged.sam2ov"
    refused = 0
    for _ in range(60):
        damaged = bytearray(original)
        if rng.random() < 0.3:
            del damaged[rng.randrange(len(damaged)) :]
        for _ in range(rng.randrange(1, 6)):
            place = rng.randrange(len(damaged) or 1)
            # The table of contents and the journal's first page are worth the most.
            if rng.random() < 0.6:
                place = rng.choice([place % 4096, max(len(damaged) - 1 - place % 400, 0)])
            damaged[place : place + 1] = rng.randbytes(1)
        path.write_bytes(damaged)
        is_project_file(path)
        try:
            library.discard(unpack(path, library))
        except Sam2ovError:
            refused += 1
    assert refused > 20


def test_a_clip_is_no_project_file(
    clip_file: Path, tmp_path: Path, library: ProjectLibrary
) -> None:
    assert not is_project_file(clip_file)
    assert not is_project_file(tmp_path / "missing")
    with zipfile.ZipFile(tmp_path / "masks.zip", "w") as archive:
        archive.writestr("00000.png", b"")
    assert is_project_file(tmp_path / "masks.zip"), "no clip is an archive; opening it tells more"
    with pytest.raises(ProjectError, match="no project file of this version"):
        open_project_file(tmp_path / "masks.zip", library.new_folder(), MAX_BYTES)


def test_a_full_disk_is_reported(saved: Path, library: ProjectLibrary) -> None:
    folder = library.new_folder()
    library.discard(folder)  # stands for a disk that takes nothing
    with pytest.raises(StorageError, match="Free some disk space"):
        open_project_file(saved, folder, MAX_BYTES)


def test_what_is_known_of_a_clip_has_to_make_sense() -> None:
    for wrong in ({"num_frames": 0}, {"width": -1}, {"clip_name": ""}, {"more": 1}):
        with pytest.raises(ValueError, match="validation error"):
            ProjectInfo.model_validate(INFO.model_dump() | wrong)
