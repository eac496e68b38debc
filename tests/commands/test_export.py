"""``sam2ov export``: projects to files without a model, and what it says of mistakes."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.export import FORMATS
from sam2ov.project import Project
from sam2ov.project.archive import save_project_file
from sam2ov.project.folder import ProjectFolder, ProjectInfo
from sam2ov.project.library import PROJECTS_VARIABLE, ProjectLibrary
from sam2ov.store.journal import Journal
from sam2ov.values.clean_up import CleanUp
from sam2ov.video import open_video
from tests.click_model import HEIGHT, MODEL, NUM_FRAMES, WIDTH, ClickModel, write_square_clip
from tests.commands.conftest import Run
from tests.export.readers import files_of, picture, read_davis

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools

Make = Callable[..., ProjectFolder]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes kept projects with two objects, tracked from frame 0."""
    monkeypatch.setenv(PROJECTS_VARIABLE, str(tmp_path / "projects"))
    library = ProjectLibrary()
    clip = write_square_clip(tmp_path)

    def made(
        clip_name: str = "my clip.mp4", change: Callable[[Project], None] | None = None
    ) -> ProjectFolder:
        folder = library.new_folder()
        folder.clip.hardlink_to(clip)
        folder.write_info(
            ProjectInfo(clip_name=clip_name, num_frames=NUM_FRAMES, width=WIDTH, height=HEIGHT)
        )
        tracker = Tracker(cast(SAM2Model, ClickModel()))
        with (
            Journal(folder.journal) as journal,
            VideoSession(tracker, open_video(folder.clip), journal) as session,
        ):
            project = Project(session, journal, MODEL)
            project.prompts.click(1, 0, (24, 32), positive=True)
            project.objects.rename(1, "Square")
            project.objects.recolour([1], "#ff0000")
            project.prompts.box(project.objects.add().obj_id, 0, (70, 5), (90, 25))
            for _ in session.propagate():
                pass
            if change is not None:
                change(project)
        return folder

    return made


@pytest.fixture
def kept(make: Make) -> ProjectFolder:
    return make()


def test_masks_are_written_without_openvino(
    run: Run, kept: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    out = tmp_path / "masks"
    result: Result = run("export", kept.token, "--out", out, "--format", "davis")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}\n"
    masks = read_davis(out)
    assert masks[6, 1][32, 36]
    assert {frame for frame, _ in masks} == set(range(NUM_FRAMES))


def test_a_project_file_will_do_and_stays_as_it_is(
    run: Run, kept: ProjectFolder, tmp_path: Path
) -> None:
    path = tmp_path / "saved.sam2ov"
    with Journal(kept.journal) as journal:
        save_project_file(path, kept.read_info(), journal, kept.clip)
    before = path.read_bytes()
    arguments = ("--out", tmp_path / "a.json", "--format", "coco", "--set", "segmentation=polygon")
    result = run("export", path, *arguments)
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "a.json").read_text())
    assert [c["name"] for c in content["categories"]] == ["Square", "object"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("wanted", ["1", "Square"])
def test_objects_and_frames_can_be_chosen(
    run: Run, kept: ProjectFolder, tmp_path: Path, wanted: str
) -> None:
    out = tmp_path / "masks.zip"
    chosen = ("--object", wanted, "--start", 3, "--end", 5, "--first-number", 1001)
    names = ("--names", "{object}.{frame:04d}")
    result = run("export", kept.path, "--out", out, "--format", "masks", *chosen, *names)
    assert result.exit_code == 0, result.output
    assert sorted(files_of(out)) == [f"Square.{number}.png" for number in (1004, 1005, 1006)]


def test_in_and_out_and_hidden_objects_count(run: Run, make: Make, tmp_path: Path) -> None:
    def change(project: Project) -> None:
        project.set_in_out(range(2, 4))
        project.objects.hide([2], hidden=True)

    folder = make(change=change)
    result = run("export", folder.token, "--out", tmp_path / "a", "--format", "davis")
    assert result.exit_code == 0, result.output
    assert read_davis(tmp_path / "a").keys() == {(2, 1), (3, 1)}
    named = ("--object", "Object 2", "--start", 0)
    result = run("export", folder.token, "--out", tmp_path / "b", "--format", "davis", *named)
    assert result.exit_code == 0, result.output
    assert {obj_id for _, obj_id in read_davis(tmp_path / "b")} == {2}


def test_a_file_for_each_object(run: Run, kept: ProjectFolder, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "m.mp4", "--format", "matte", "--per-object")
    result = run("export", kept.token, *out, "--names", "{clip}-{object}")
    assert result.exit_code == 0, result.output
    paths = [tmp_path / f"my_clip-{name}.mp4" for name in ("Square", "Object_2")]
    assert result.stdout.split() == [str(path) for path in paths]
    for path in paths:
        with open_video(path) as video:
            assert video.num_frames == NUM_FRAMES
    again = run("export", kept.token, *out, "--names", "{clip}-{object}")
    assert again.exit_code == 1
    assert "is there already" in again.stderr


def test_clean_up_is_that_of_the_project_unless_told_otherwise(
    run: Run, make: Make, tmp_path: Path
) -> None:
    folder = make(change=lambda project: project.objects.set_clean_up(1, CleanUp(grow=4)))
    out = tmp_path / "out.zip"

    def area(*options: str) -> int:
        arguments = ("--out", out, "--format", "masks", "--object", "1", "--overwrite")
        result = run("export", folder.token, *arguments, *options)
        assert result.exit_code == 0, result.output
        return int(np.count_nonzero(picture(files_of(out)["001/00003.png"])))

    plain, grown = area("--no-clean-up"), area()
    assert grown > plain
    assert area("--clean-up", "grow=8") > grown
    assert area("--clean-up", "grow=0") == plain
    assert area("--no-clean-up", "--clean-up", "grow=4") == grown
    wrong = run("export", folder.token, "--out", tmp_path / "a.mp4", "--clean-up", "sharpen=1")
    assert wrong.exit_code == 2
    assert "fill_holes" in wrong.stderr


def test_a_training_set_of_two_projects(run: Run, make: Make, tmp_path: Path) -> None:
    tokens = [make(name).token for name in ("one.mp4", "two.mp4")]
    out = ("--out", tmp_path / "set", "--format", "dataset")
    options = ("--set", "split=stretches", "--set", "gap=0.05", "--set", "every=2")
    result = run("export", *tokens, *out, *options)
    assert result.exit_code == 0, result.output
    files = files_of(tmp_path / "set")
    assert "images/train/one_00000.jpg" in files
    assert "labels/val/two_00010.txt" in files
    mask = picture(files["masks/train/two_00004.png"])
    assert mask[32, 30] == 1
    plain = run("export", *tokens, "--out", tmp_path / "a.json", "--format", "coco")
    assert plain.exit_code == 2
    assert "holds one clip, here are 2" in " ".join(plain.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--object", "Cat"), 1, "no object Cat with masks. It has: 1 (Square), 2 (Object 2)"),
        (("--end", "12"), 2, "has frames 0 to 11"),
        (("--start", "5", "--end", "4"), 2, "the start comes first"),
        (("--set", "images=maybe"), 2, "does not take images=maybe"),
        (("--names", "{id}"), 2, "put {frame} into it"),
    ],
)
def test_mistakes_are_explained(
    run: Run,
    kept: ProjectFolder,
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    out = tmp_path / "out"
    result = run("export", kept.token, "--out", out, "--format", "davis", *arguments)
    assert result.exit_code == code, result.output
    assert message in " ".join(result.stderr.split())
    assert not out.exists()


def test_other_projects_and_clips_are_refused(
    run: Run, kept: ProjectFolder, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "out", "--format", "davis")
    assert "no longer here" in run("export", "nothing", *out).stderr
    kept.clip.unlink()
    assert "is not in it" in run("export", kept.token, *out).stderr
    other = tmp_path / "frames"
    other.mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(other / "0.png")
    result = run("export", kept.token, *out, "--clip", other)
    assert "but the clip here has 1 of 8×8. Give the right clip" in result.stderr


def test_formats_are_listed(run: Run) -> None:
    text = run("formats").stdout
    for name, known in FORMATS.items():
        assert f"\n{name} (" in f"\n{text}"
        assert known.purpose in text
    listed = {row["name"]: row for row in json.loads(run("formats", "--json").stdout)}
    assert list(listed) == list(FORMATS)
    assert listed["coco"]["options"]["segmentation"]["enum"] == ["rle", "polygon"]
    assert listed["dataset"]["several_clips"]
