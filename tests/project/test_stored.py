"""Projects read without a model: what they give is what their session shows."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ProjectError
from sam2ov.project import Project
from sam2ov.project.archive import save_project_file
from sam2ov.project.folder import ProjectFolder, ProjectInfo
from sam2ov.project.library import PROJECTS_VARIABLE, ProjectLibrary
from sam2ov.project.stored import open_stored_project
from sam2ov.store.journal import Journal
from sam2ov.values.prompts import MaskPrompt
from sam2ov.video import open_video
from tests.click_model import HEIGHT, MODEL, NUM_FRAMES, WIDTH

SIZE_HW = (HEIGHT, WIDTH)
MAX_BYTES = 1 << 30


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectLibrary:
    monkeypatch.setenv(PROJECTS_VARIABLE, str(tmp_path / "projects"))
    return ProjectLibrary()


@pytest.fixture
def kept(library: ProjectLibrary, clip_file: Path) -> ProjectFolder:
    folder = library.new_folder()
    folder.clip.hardlink_to(clip_file)
    folder.write_info(
        ProjectInfo(clip_name="square.mp4", num_frames=NUM_FRAMES, width=WIDTH, height=HEIGHT)
    )
    return folder


@pytest.fixture
def opened(kept: ProjectFolder, tracker: Tracker) -> Iterator[Project]:
    """The kept project as the app has it open; close its journal before it is read."""
    with (
        Journal(kept.journal) as journal,
        VideoSession(tracker, open_video(kept.clip), journal) as session,
    ):
        yield Project(session, journal, MODEL)


def fill(project: Project) -> None:
    """Tracked frames, an unanswered correction, a mask, an undone step, an object without any."""
    project.prompts.click(1, 2, (26, 32), positive=True)
    for _ in project.session.propagate():
        pass
    project.prompts.click(1, 6, (80, 40), positive=True)
    second = project.objects.add().obj_id
    painted = np.zeros(SIZE_HW, np.bool_)
    painted[::3, 7:50:2] = True  # finer than the model's grid
    project.prompts.import_mask(second, 4, MaskPrompt.of(painted))
    project.prompts.click(second, 9, (20, 20), positive=True)
    project.history.undo()
    project.objects.add()
    project.set_in_out(range(1, 10))


def test_masks_are_those_of_the_session(kept: ProjectFolder, opened: Project) -> None:
    fill(opened)
    session = opened.session
    expected = np.stack([session.logits_at(i, SIZE_HW, [1, 2]) for i in range(NUM_FRAMES)])
    assert (expected > 0).any(axis=(1, 2, 3)).sum() > 8
    opened.journal.close()
    before = kept.journal.read_bytes()
    with open_stored_project(kept.token, MAX_BYTES) as stored:
        assert stored.masks.obj_ids == (1, 2)
        assert [target.name for target in stored.objects] == ["Object 1", "Object 2", "Object 3"]
        assert stored.in_out == range(1, 10)
        assert stored.clip == kept.clip
        for frame_idx in range(NUM_FRAMES):
            found = stored.masks.logits_at(frame_idx, SIZE_HW, [1, 2])
            np.testing.assert_array_equal(found > 0, expected[frame_idx] > 0)
            np.testing.assert_allclose(found, expected[frame_idx], rtol=2e-3, atol=2e-2)
    assert kept.journal.read_bytes() == before


@pytest.mark.parametrize("with_clip", [True, False])
def test_a_project_file_is_read_as_it_is(
    kept: ProjectFolder, opened: Project, tmp_path: Path, with_clip: bool
) -> None:
    fill(opened)
    path = tmp_path / "saved.sam2ov"
    clip = kept.clip if with_clip else None
    save_project_file(path, kept.read_info(), opened.journal, clip)
    before = path.read_bytes()
    elsewhere = None if with_clip else kept.clip
    with open_stored_project(str(path), MAX_BYTES, elsewhere) as stored:
        mask = stored.masks.logits_at(4, SIZE_HW, [2])[0] > 0
        assert mask[0, 7:50:2].all()
        assert not mask[1].any()
        with open_video(stored.clip) as reader:
            assert reader.num_frames == NUM_FRAMES
    assert path.read_bytes() == before
    if not with_clip:
        with (
            pytest.raises(ProjectError, match="without its clip"),
            open_stored_project(str(path), MAX_BYTES),
        ):
            pass


def refused(place: str, clip: Path | None = None) -> str:
    with pytest.raises(ProjectError) as caught, open_stored_project(place, MAX_BYTES, clip):
        pass
    return str(caught.value)


def test_what_cannot_be_read_is_said(
    kept: ProjectFolder, opened: Project, clip_file: Path, tmp_path: Path
) -> None:
    assert "another sam2ov has this project open" in refused(kept.token)
    assert "another sam2ov has this project open" in refused(str(kept.path))
    opened.journal.close()
    assert "no project file" in refused(str(clip_file))
    assert "no longer here" in refused("x" * 24)
    assert "no longer here" in refused("../../etc")
    kept.clip.unlink()
    assert "is not in it" in refused(kept.token)
    with open_stored_project(kept.token, MAX_BYTES, clip_file) as stored:
        assert stored.clip == clip_file
    kept.journal.unlink()
    assert "nothing was done in it" in refused(kept.token, clip_file)


def test_a_damaged_mask_is_told(kept: ProjectFolder, opened: Project) -> None:
    fill(opened)
    opened.journal.execute("UPDATE tensor SET logits = x'00'")
    opened.journal.close()
    with (
        open_stored_project(kept.token, MAX_BYTES) as stored,
        pytest.raises(ProjectError, match="stored mask is damaged"),
    ):
        stored.masks.logits_at(2, SIZE_HW, [1])


def test_timelines_are_those_of_the_session(kept: ProjectFolder, opened: Project) -> None:
    fill(opened)
    wanted = {obj_id: opened.timelines()[obj_id] for obj_id in opened.session.obj_ids}
    prompted = {obj_id: opened.snapshot.prompted_frames(obj_id) for obj_id in wanted}
    opened.session.close()
    opened.journal.close()
    with open_stored_project(str(kept.path), MAX_BYTES) as project:
        assert [track.obj_id for track in project.tracks] == list(project.masks.obj_ids)
        for track in project.tracks:
            assert list(track.prompted_frames) == prompted[track.obj_id]
            for name, values in vars(wanted[track.obj_id]).items():
                found = getattr(track.timeline, name)
                assert np.array_equal(found, values, equal_nan=values.dtype.kind == "f"), name
        assert project.model == MODEL
