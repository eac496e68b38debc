"""Objects, prompts and undo: what the user did is the only truth."""

from collections.abc import Callable

import numpy as np
import pytest

from sam2ov.errors import PromptError
from sam2ov.masks import BoolArray
from sam2ov.project import Project
from sam2ov.project.documents import MAX_OBJECTS, MAX_STEPS
from sam2ov.project.prompt_steps import painted, points_of
from tests.click_model import HEIGHT, NUM_FRAMES, WIDTH


def masks(project: Project, frame: int) -> BoolArray:
    return project.masks(frame, project.session.size_hw)[1] > 0


def track(project: Project) -> None:
    for _ in project.session.propagate():
        pass


def test_a_project_starts_with_one_object_that_the_engine_does_not_know(project: Project) -> None:
    assert [target.name for target in project.objects] == ["Object 1"]
    assert project.session.obj_ids == ()
    assert masks(project, 0).shape[0] == 0


def test_clicks_add_up(project: Project) -> None:
    project.click(1, 0, (20, 30), positive=True)
    one = masks(project, 0)[0]
    project.click(1, 0, (60, 30), positive=True)
    two = masks(project, 0)[0]
    assert one.any()
    assert two.sum() > one.sum()
    project.click(1, 0, (60, 30), positive=False)
    assert (masks(project, 0)[0]).sum() < two.sum()


def test_a_box_starts_the_frame_over(project: Project) -> None:
    project.click(1, 0, (80, 50), positive=True)
    project.box(1, 0, (60, 20), (10, 8))  # any two opposite corners
    over = masks(project, 0).copy()
    assert len(project.steps(1, 0)) == 1
    project.clear_frame(1, 0)
    project.box(1, 0, (10, 8), (60, 20))
    np.testing.assert_array_equal(over, masks(project, 0))


@pytest.mark.parametrize("tracked_between", [False, True])
def test_undo_is_as_if_the_last_prompt_had_never_been(
    project: Project, tracked_between: bool
) -> None:
    project.click(1, 0, (20, 30), positive=True)
    project.click(1, 0, (60, 30), positive=True)
    before = masks(project, 0).copy()
    project.click(1, 0, (40, 50), positive=False)
    assert not np.array_equal(before, masks(project, 0))
    if tracked_between:
        track(project)
    assert project.undo() == 0
    np.testing.assert_array_equal(before, masks(project, 0))
    assert len(project.steps(1, 0)) == 2


def test_undo_of_a_correction_brings_the_tracked_mask_back(project: Project) -> None:
    project.click(1, 0, (20, 30), positive=True)
    track(project)
    tracked = masks(project, 6).copy()
    project.click(1, 6, (90, 60), positive=True)
    track(project)
    assert not np.array_equal(tracked, masks(project, 6))
    project.undo()
    np.testing.assert_array_equal(tracked, masks(project, 6))


def test_undo_goes_back_through_frames_objects_boxes_and_clearing(project: Project) -> None:
    second = project.add_object().obj_id
    project.click(1, 0, (20, 30), positive=True)
    project.click(second, 5, (40, 30), positive=True)
    project.box(second, 5, (10, 10), (50, 50))
    project.clear_frame(second, 5)
    assert project.steps(second, 5) == ()
    assert project.undo() == 5
    assert len(project.steps(second, 5)) == 1, "the box is back"
    assert project.undo() == 5
    assert project.steps(second, 5)[0].labels.tolist() == [1], "the click is back"  # type: ignore[union-attr]
    assert project.undo() == 5
    assert second not in project.session.obj_ids
    assert project.undo() == 0
    assert project.undo() is None


def test_an_object_without_prompts_has_no_results(project: Project) -> None:
    project.click(1, 0, (20, 30), positive=True)
    track(project)
    project.clear_frame(1, 0)
    assert project.prompted_objects() == ()
    assert project.session.obj_ids == ()
    assert len(masks(project, 3)) == 0
    assert [target.obj_id for target in project.objects] == [1], "it stays in the list"
    project.undo()
    assert project.prompted_objects() == (1,)


def test_clearing_an_untouched_frame_is_no_change(project: Project) -> None:
    project.clear_frame(1, 0)
    assert project.journal.done is None


def test_removing_an_object_leaves_the_others_alone(project: Project) -> None:
    second = project.add_object().obj_id
    project.click(1, 0, (20, 30), positive=True)
    project.click(second, 0, (60, 30), positive=True)
    track(project)
    others = project.session.mask_logits(4, [second])
    project.remove_object(1)
    np.testing.assert_array_equal(others, project.session.mask_logits(4, [second]))
    project.undo()
    assert [target.obj_id for target in project.objects] == [1, second]
    assert project.prompted_objects() == (1, second), "it is back with all that belongs to it"
    assert project.session.timeline(1).has_result.all()
    project.redo()
    project.remove_object(second)
    assert [target.name for target in project.objects] == ["Object 3"], "there is always one"


def test_ids_are_never_used_twice(project: Project) -> None:
    second = project.add_object().obj_id
    project.remove_object(second)
    assert project.add_object().obj_id == second + 1


def test_clicks_beside_the_picture_are_moved_to_its_edge(project: Project) -> None:
    project.click(1, 0, (-3, 70), positive=True)
    (step,) = project.steps(1, 0)
    assert step.points_xy_video.tolist() == [[0, 64]]  # type: ignore[union-attr]


def test_what_cannot_be_is_refused_and_changes_nothing(project: Project) -> None:
    with pytest.raises(PromptError, match="removed"):
        project.click(9, 0, (1, 1), positive=True)
    with pytest.raises(PromptError, match="outside the video"):
        project.click(1, NUM_FRAMES, (1, 1), positive=True)
    with pytest.raises(PromptError, match="empty"):
        project.box(1, 0, (5, 5), (5, 30))
    assert project.journal.done is None
    assert project.session.obj_ids == ()


def test_there_are_limits(project: Project) -> None:
    for _ in range(MAX_OBJECTS - 1):
        project.add_object()
    with pytest.raises(PromptError, match="objects already"):
        project.add_object()
    for _ in range(MAX_STEPS):
        project.click(1, 0, (20, 30), positive=True)
    with pytest.raises(PromptError, match="prompts for this object already"):
        project.click(1, 0, (20, 30), positive=True)


def test_masks_have_a_new_revision_after_every_change(project: Project) -> None:
    seen = {project.revision}
    for change in (
        lambda: project.click(1, 0, (20, 30), positive=True),
        lambda: project.box(1, 0, (1, 1), (40, 40)),
        lambda: project.change_object(1, "Ball", "#123456"),
        project.undo,
        lambda: project.clear_frame(1, 0),
        lambda: project.remove_object(1),
    ):
        change()
        assert project.revision not in seen
        seen.add(project.revision)


def test_a_stroke_is_the_mask_to_the_pixel(project: Project) -> None:
    stroke = [(20.0, 20.0), (60.0, 40.0)]
    project.brush(1, 2, stroke, 5, erase=False)
    expected = painted(np.zeros((HEIGHT, WIDTH), np.bool_), stroke, 5, erase=False)
    np.testing.assert_array_equal(masks(project, 2)[0], expected)
    project.brush(1, 2, [(40.0, 30.0)], 8, erase=True)
    expected = painted(expected, [(40.0, 30.0)], 8, erase=True)
    np.testing.assert_array_equal(masks(project, 2)[0], expected)
    assert project.journal.done is not None
    assert project.journal.done.label == "Erase from Object 1"
    assert project.undo() == 2
    assert masks(project, 2)[0].sum() > expected.sum()


def test_a_stroke_corrects_what_is_there(project: Project) -> None:
    project.click(1, 0, (20, 30), positive=True)
    before = masks(project, 0)[0]
    project.brush(1, 0, [(80.0, 50.0)], 6, erase=False)
    after = masks(project, 0)[0]
    assert after[50, 80]
    np.testing.assert_array_equal(before, after & before)
    project.undo()
    np.testing.assert_array_equal(before, masks(project, 0)[0])
    assert len(project.steps(1, 0)) == 1, "the click is back"


def test_points_move_and_go(project: Project) -> None:
    project.click(1, 0, (20, 30), positive=True)
    project.click(1, 0, (60, 30), positive=False)
    project.move_point(1, 0, 0, (80, 50))
    assert points_of(project.steps(1, 0)) == [(80, 50, 1), (60, 30, 0)]
    assert masks(project, 0)[0][50, 80]
    assert not masks(project, 0)[0][30, 20]
    project.delete_point(1, 0, 1)
    assert points_of(project.steps(1, 0)) == [(80, 50, 1)]
    project.delete_point(1, 0, 0)
    assert project.prompted_objects() == ()
    assert [project.undo() for _ in range(5)] == [0] * 5
    assert project.undo() is None


def test_clearing_leaves_locked_objects_alone(project: Project) -> None:
    second = project.add_object().obj_id
    for obj_id in (1, second):
        project.click(obj_id, 0, (20, 30), positive=True)
        project.click(obj_id, 5, (30, 30), positive=True)
    project.lock_object(second, locked=True)
    edits: list[Callable[[], object]] = [
        lambda: project.click(second, 0, (1, 1), positive=True),
        lambda: project.box(second, 0, (1, 1), (9, 9)),
        lambda: project.brush(second, 0, [(5, 5)], 3, erase=False),
        lambda: project.move_point(second, 0, 0, (1, 1)),
        lambda: project.delete_point(second, 0, 0),
        lambda: project.clear_frame(second, 0),
        lambda: project.clear_object(second),
        lambda: project.remove_object(second),
    ]
    for refused in edits:
        with pytest.raises(PromptError, match="locked"):
            refused()
    project.clear_all()
    assert project.prompted_objects() == (second,)
    project.undo()
    assert project.prompted_objects() == (1, second)
    project.clear_object(1)
    assert project.prompted_frames(1) == []
    project.undo()
    assert project.prompted_frames(1) == [0, 5]


def test_the_list_is_the_users(project: Project) -> None:
    second, third = project.add_object().obj_id, project.add_object().obj_id
    project.move_object(third, 0)
    assert [target.obj_id for target in project.objects] == [third, 1, second]
    project.hide_object(1, hidden=True)
    project.change_object(second, "Ball", "#00ff00")
    assert [target.hidden for target in project.objects] == [False, True, False]
    labels = []
    while project.journal.done is not None:
        labels.append(project.journal.done.label)
        project.undo()
    assert labels == [
        "Rename Object 2",
        "Hide Object 1",
        "Move Object 3 in the list",
        "Add an object",
        "Add an object",
    ]


def test_the_range_stays_inside_the_clip(project: Project) -> None:
    for wrong in (range(0), range(5, NUM_FRAMES + 1), range(-1, 4)):
        with pytest.raises(PromptError, match="inside the clip"):
            project.set_in_out(wrong)
    project.set_in_out(range(2, 8))
    project.set_in_out(None)
    assert project.undo() is None
    assert project.in_out == range(2, 8)
    project.redo()
    assert project.in_out is None


def test_what_is_refused_can_still_be_done_again(project: Project) -> None:
    project.click(1, 0, (20, 30), positive=True)
    project.undo()
    with pytest.raises(PromptError, match="outside the video"):
        project.click(1, NUM_FRAMES, (1, 1), positive=True)
    list(project.track("Track", []))
    assert project.redo() == 0
    assert project.prompted_objects() == (1,)
