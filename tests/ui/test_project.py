"""Objects, prompts and undo: what the user did is the only truth."""

from typing import Any

import numpy as np
import pytest

from sam2ov.errors import PromptError
from sam2ov.masks import FloatArray
from sam2ov.ui.payloads import MAX_OBJECTS, Box, Click
from sam2ov.ui.project import MAX_STEPS, Project
from tests.ui.conftest import NUM_FRAMES

COMMON: dict[str, Any] = {"clip": "a-clip-token", "number": 1}


def click(frame: int, x: float, y: float, *, obj: int = 1, positive: bool = True) -> Click:
    return Click(kind="click", **COMMON, frame=frame, object=obj, x=x, y=y, positive=positive)


def box(frame: int, x0: float, y0: float, x1: float, y1: float, *, obj: int = 1) -> Box:
    return Box(kind="box", **COMMON, frame=frame, object=obj, x0=x0, y0=y0, x1=x1, y1=y1)


def logits(project: Project, frame: int) -> FloatArray:
    return project.masks(frame)[1]


def track(project: Project) -> None:
    for _ in project.session.propagate():
        pass


def test_a_project_starts_with_one_object_that_the_engine_does_not_know(project: Project) -> None:
    assert [target.name for target in project.objects] == ["Object 1"]
    assert project.session.obj_ids == ()
    assert project.masks(0)[1].shape[0] == 0


def test_clicks_add_up(project: Project) -> None:
    project.click(click(0, 20, 30))
    one = logits(project, 0)[0] > 0
    project.click(click(0, 60, 30))
    two = logits(project, 0)[0] > 0
    assert one.any()
    assert two.sum() > one.sum()
    project.click(click(0, 60, 30, positive=False))
    assert (logits(project, 0)[0] > 0).sum() < two.sum()


def test_a_box_starts_the_frame_over(project: Project) -> None:
    project.click(click(0, 80, 50))
    project.box(box(0, 60, 20, 10, 8))  # any two opposite corners
    over = logits(project, 0).copy()
    assert len(project.log.steps(1, 0)) == 1
    project.clear_frame(1, 0)
    project.box(box(0, 10, 8, 60, 20))
    np.testing.assert_array_equal(over, logits(project, 0))


@pytest.mark.parametrize("tracked_between", [False, True])
def test_undo_is_as_if_the_last_prompt_had_never_been(
    project: Project, tracked_between: bool
) -> None:
    project.click(click(0, 20, 30))
    project.click(click(0, 60, 30))
    before = logits(project, 0).copy()
    project.click(click(0, 40, 50, positive=False))
    assert not np.array_equal(before, logits(project, 0))
    if tracked_between:
        track(project)
    assert project.undo() == 0
    np.testing.assert_array_equal(before, logits(project, 0))
    assert len(project.log.steps(1, 0)) == 2


def test_undo_of_a_correction_brings_the_tracked_mask_back(project: Project) -> None:
    project.click(click(0, 20, 30))
    track(project)
    tracked = logits(project, 6).copy()
    project.click(click(6, 90, 60))
    track(project)
    assert not np.array_equal(tracked, logits(project, 6))
    project.undo()
    np.testing.assert_array_equal(tracked, logits(project, 6))


def test_undo_goes_back_through_frames_objects_boxes_and_clearing(project: Project) -> None:
    second = project.add_object().obj_id
    project.click(click(0, 20, 30))
    project.click(click(5, 40, 30, obj=second))
    project.box(box(5, 10, 10, 50, 50, obj=second))
    project.clear_frame(second, 5)
    assert project.log.steps(second, 5) == ()
    assert project.undo() == 5
    assert len(project.log.steps(second, 5)) == 1, "the box is back"
    assert project.undo() == 5
    assert project.log.steps(second, 5)[0].labels.tolist() == [1], "the click is back"  # type: ignore[union-attr]
    assert project.undo() == 5
    assert second not in project.session.obj_ids
    assert project.undo() == 0
    assert project.undo() is None


def test_an_object_without_prompts_has_no_results(project: Project) -> None:
    project.click(click(0, 20, 30))
    track(project)
    project.clear_frame(1, 0)
    assert project.prompted_objects() == ()
    assert project.session.obj_ids == ()
    assert project.masks(3)[0] == ()
    assert [target.obj_id for target in project.objects] == [1], "it stays in the list"
    project.undo()
    assert project.prompted_objects() == (1,)


def test_clearing_an_untouched_frame_is_no_change(project: Project) -> None:
    project.clear_frame(1, 0)
    assert project.log.last_change is None


def test_removing_an_object_leaves_the_others_alone(project: Project) -> None:
    second = project.add_object().obj_id
    project.click(click(0, 20, 30))
    project.click(click(0, 60, 30, obj=second))
    track(project)
    others = project.session.mask_logits(4, [second])
    project.remove_object(1)
    np.testing.assert_array_equal(others, project.session.mask_logits(4, [second]))
    assert project.undo() == 0, "its own changes are still there"
    assert project.undo() is None, "those of the removed object are not"
    project.remove_object(second)
    assert [target.name for target in project.objects] == ["Object 3"], "there is always one"


def test_ids_are_never_used_twice(project: Project) -> None:
    second = project.add_object().obj_id
    project.remove_object(second)
    assert project.add_object().obj_id == second + 1


def test_clicks_beside_the_picture_are_moved_to_its_edge(project: Project) -> None:
    project.click(click(0, -3, 70))
    (step,) = project.log.steps(1, 0)
    assert step.points_xy_video.tolist() == [[0, 64]]  # type: ignore[union-attr]


def test_what_cannot_be_is_refused_and_changes_nothing(project: Project) -> None:
    with pytest.raises(PromptError, match="removed"):
        project.click(click(0, 1, 1, obj=9))
    with pytest.raises(PromptError, match="outside the video"):
        project.click(click(NUM_FRAMES, 1, 1))
    with pytest.raises(PromptError, match="empty"):
        project.box(box(0, 5, 5, 5, 30))
    assert project.log.last_change is None
    assert project.session.obj_ids == ()
    assert project.revision == 0


def test_there_are_limits(project: Project) -> None:
    for _ in range(MAX_OBJECTS - 1):
        project.add_object()
    with pytest.raises(PromptError, match="objects already"):
        project.add_object()
    for _ in range(MAX_STEPS):
        project.click(click(0, 20, 30))
    with pytest.raises(PromptError, match="prompts for this object already"):
        project.click(click(0, 20, 30))


def test_masks_have_a_new_revision_after_every_change(project: Project) -> None:
    seen = {project.revision}
    for change in (
        lambda: project.click(click(0, 20, 30)),
        lambda: project.box(box(0, 1, 1, 40, 40)),
        lambda: project.change_object(1, "Ball", "#123456"),
        project.undo,
        lambda: project.clear_frame(1, 0),
        lambda: project.remove_object(1),
    ):
        change()
        assert project.revision not in seen
        seen.add(project.revision)
