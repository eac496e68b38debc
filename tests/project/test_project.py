"""A project as a whole: what the user did is the only truth, and all of it can be undone."""

import numpy as np
import pytest

from sam2ov.errors import PromptError
from sam2ov.project import Project
from tests.click_model import NUM_FRAMES
from tests.project.conftest import masks, track


def test_a_project_starts_with_one_object_that_the_engine_does_not_know(project: Project) -> None:
    assert [target.name for target in project.objects] == ["Object 1"]
    assert project.session.obj_ids == ()
    assert masks(project, 0).shape[0] == 0


@pytest.mark.parametrize("tracked_between", [False, True])
def test_undo_is_as_if_the_last_prompt_had_never_been(
    project: Project, tracked_between: bool
) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    project.prompts.click(1, 0, (60, 30), positive=True)
    before = masks(project, 0).copy()
    project.prompts.click(1, 0, (40, 50), positive=False)
    assert not np.array_equal(before, masks(project, 0))
    if tracked_between:
        track(project)
    assert project.history.undo() == 0
    np.testing.assert_array_equal(before, masks(project, 0))
    assert len(project.prompts.sequence(1, 0)) == 2


def test_undo_of_a_correction_brings_the_tracked_mask_back(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    track(project)
    tracked = masks(project, 6).copy()
    project.prompts.click(1, 6, (90, 60), positive=True)
    track(project)
    assert not np.array_equal(tracked, masks(project, 6))
    project.history.undo()
    np.testing.assert_array_equal(tracked, masks(project, 6))


def test_undo_goes_back_through_frames_objects_boxes_and_clearing(project: Project) -> None:
    second = project.objects.add().obj_id
    project.prompts.click(1, 0, (20, 30), positive=True)
    project.prompts.click(second, 5, (40, 30), positive=True)
    project.prompts.box(second, 5, (10, 10), (50, 50))
    project.prompts.clear_frame(second, 5)
    assert project.prompts.sequence(second, 5) == ()
    assert project.history.undo() == 5
    assert len(project.prompts.sequence(second, 5)) == 1, "the box is back"
    assert project.history.undo() == 5
    assert project.prompts.sequence(second, 5)[0].labels.tolist() == [1], "the click is back"  # type: ignore[union-attr]
    assert project.history.undo() == 5
    assert second not in project.session.obj_ids
    assert project.history.undo() == 0
    assert project.history.undo() is None


def test_masks_have_a_new_revision_after_every_change(project: Project) -> None:
    seen = {project.history.revision}
    for change in (
        lambda: project.prompts.click(1, 0, (20, 30), positive=True),
        lambda: project.prompts.box(1, 0, (1, 1), (40, 40)),
        lambda: project.objects.rename(1, "Ball"),
        project.history.undo,
        lambda: project.prompts.clear_frame(1, 0),
        lambda: project.objects.remove([1]),
    ):
        change()
        assert project.history.revision not in seen
        seen.add(project.history.revision)


def test_the_range_stays_inside_the_clip(project: Project) -> None:
    for wrong in (range(0), range(5, NUM_FRAMES + 1), range(-1, 4)):
        with pytest.raises(PromptError, match="inside the clip"):
            project.set_in_out(wrong)
    project.set_in_out(range(2, 8))
    project.set_in_out(None)
    assert project.history.undo() is None
    assert project.in_out == range(2, 8)
    project.history.redo()
    assert project.in_out is None


def test_what_is_refused_can_still_be_done_again(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    project.history.undo()
    with pytest.raises(PromptError, match="outside the video"):
        project.prompts.click(1, NUM_FRAMES, (1, 1), positive=True)
    list(project.track("Track", []))
    assert project.history.redo() == 0
    assert project.prompts.obj_ids() == (1,)
