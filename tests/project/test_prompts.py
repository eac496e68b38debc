"""Prompts as the user edits them, and the masks that follow from them."""

from collections.abc import Callable

import numpy as np
import pytest

from sam2ov.errors import PromptError
from sam2ov.project import Project
from sam2ov.project.documents import MAX_PROMPTS
from sam2ov.project.prompt_sequence import painted, points_of
from tests.click_model import HEIGHT, NUM_FRAMES, WIDTH
from tests.project.conftest import masks, track


def test_clicks_add_up(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    one = masks(project, 0)[0]
    project.prompts.click(1, 0, (60, 30), positive=True)
    two = masks(project, 0)[0]
    assert one.any()
    assert two.sum() > one.sum()
    project.prompts.click(1, 0, (60, 30), positive=False)
    assert (masks(project, 0)[0]).sum() < two.sum()


def test_a_box_starts_the_frame_over(project: Project) -> None:
    project.prompts.click(1, 0, (80, 50), positive=True)
    project.prompts.box(1, 0, (60, 20), (10, 8))  # any two opposite corners
    over = masks(project, 0).copy()
    assert len(project.prompts.sequence(1, 0)) == 1
    project.prompts.clear_frame(1, 0)
    project.prompts.box(1, 0, (10, 8), (60, 20))
    np.testing.assert_array_equal(over, masks(project, 0))


def test_an_object_without_prompts_has_no_results(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    track(project)
    project.prompts.clear_frame(1, 0)
    assert project.prompts.obj_ids() == ()
    assert project.session.obj_ids == ()
    assert len(masks(project, 3)) == 0
    assert [target.obj_id for target in project.objects] == [1], "it stays in the list"
    project.history.undo()
    assert project.prompts.obj_ids() == (1,)


def test_clearing_an_untouched_frame_is_no_change(project: Project) -> None:
    project.prompts.clear_frame(1, 0)
    assert project.journal.done is None


def test_clicks_beside_the_picture_are_moved_to_its_edge(project: Project) -> None:
    project.prompts.click(1, 0, (-3, 70), positive=True)
    (prompt,) = project.prompts.sequence(1, 0)
    assert prompt.points_xy_video.tolist() == [[0, 64]]  # type: ignore[union-attr]


def test_what_cannot_be_is_refused_and_changes_nothing(project: Project) -> None:
    with pytest.raises(PromptError, match="removed"):
        project.prompts.click(9, 0, (1, 1), positive=True)
    with pytest.raises(PromptError, match="outside the video"):
        project.prompts.click(1, NUM_FRAMES, (1, 1), positive=True)
    with pytest.raises(PromptError, match="empty"):
        project.prompts.box(1, 0, (5, 5), (5, 30))
    assert project.journal.done is None
    assert project.session.obj_ids == ()


def test_a_stroke_is_the_mask_to_the_pixel(project: Project) -> None:
    stroke = [(20.0, 20.0), (60.0, 40.0)]
    project.prompts.brush(1, 2, stroke, 5, erase=False)
    expected = painted(np.zeros((HEIGHT, WIDTH), np.bool_), stroke, 5, erase=False)
    np.testing.assert_array_equal(masks(project, 2)[0], expected)
    project.prompts.brush(1, 2, [(40.0, 30.0)], 8, erase=True)
    expected = painted(expected, [(40.0, 30.0)], 8, erase=True)
    np.testing.assert_array_equal(masks(project, 2)[0], expected)
    assert project.journal.done is not None
    assert project.journal.done.label == "Erase from Object 1"
    assert project.history.undo() == 2
    assert masks(project, 2)[0].sum() > expected.sum()


def test_a_stroke_corrects_what_is_there(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    before = masks(project, 0)[0]
    project.prompts.brush(1, 0, [(80.0, 50.0)], 6, erase=False)
    after = masks(project, 0)[0]
    assert after[50, 80]
    np.testing.assert_array_equal(before, after & before)
    project.history.undo()
    np.testing.assert_array_equal(before, masks(project, 0)[0])
    assert len(project.prompts.sequence(1, 0)) == 1, "the click is back"


def test_a_click_refines_what_was_painted(project: Project) -> None:
    project.prompts.brush(1, 2, [(20.0, 20.0), (60.0, 40.0)], 5, erase=False)
    before = masks(project, 2)[0]
    project.prompts.click(1, 2, (88, 8), positive=True)
    after = masks(project, 2)[0]
    assert after[8, 88]
    np.testing.assert_array_equal(before, after & before)
    assert not (after & ~before)[:, :60].any(), "only what the click is about changes"
    project.prompts.click(1, 2, (20, 20), positive=False)
    np.testing.assert_array_equal(masks(project, 2)[0], after & ~before)
    assert project.history.undo() == 2
    np.testing.assert_array_equal(after, masks(project, 2)[0])


def test_a_click_does_not_throw_away_all_that_was_painted(project: Project) -> None:
    project.prompts.brush(1, 2, [(40.0, 30.0)], 5, erase=False)
    before = masks(project, 2)[0]
    with pytest.raises(PromptError, match="Use the eraser"):
        project.prompts.click(1, 2, (40, 30), positive=False)
    np.testing.assert_array_equal(before, masks(project, 2)[0])
    assert project.journal.done is not None
    assert project.journal.done.label == "Paint Object 1"


def test_points_move_and_go(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    project.prompts.click(1, 0, (60, 30), positive=False)
    project.prompts.move_point(1, 0, 0, (80, 50))
    assert points_of(project.prompts.sequence(1, 0)) == [(80, 50, 1), (60, 30, 0)]
    assert masks(project, 0)[0][50, 80]
    assert not masks(project, 0)[0][30, 20]
    project.prompts.delete_point(1, 0, 1)
    assert points_of(project.prompts.sequence(1, 0)) == [(80, 50, 1)]
    project.prompts.delete_point(1, 0, 0)
    assert project.prompts.obj_ids() == ()
    assert [project.history.undo() for _ in range(5)] == [0] * 5
    assert project.history.undo() is None


def test_clearing_leaves_locked_objects_alone(project: Project) -> None:
    second = project.objects.add().obj_id
    for obj_id in (1, second):
        project.prompts.click(obj_id, 0, (20, 30), positive=True)
        project.prompts.click(obj_id, 5, (30, 30), positive=True)
    project.objects.lock([second], locked=True)
    edits: list[Callable[[], object]] = [
        lambda: project.prompts.click(second, 0, (1, 1), positive=True),
        lambda: project.prompts.box(second, 0, (1, 1), (9, 9)),
        lambda: project.prompts.brush(second, 0, [(5, 5)], 3, erase=False),
        lambda: project.prompts.move_point(second, 0, 0, (1, 1)),
        lambda: project.prompts.delete_point(second, 0, 0),
        lambda: project.prompts.clear_frame(second, 0),
        lambda: project.prompts.clear_object(second),
        lambda: project.objects.remove([second]),
    ]
    for refused in edits:
        with pytest.raises(PromptError, match="locked"):
            refused()
    project.prompts.clear_all()
    assert project.prompts.obj_ids() == (second,)
    project.history.undo()
    assert project.prompts.obj_ids() == (1, second)
    project.prompts.clear_object(1)
    assert project.prompts.frames(1) == []
    project.history.undo()
    assert project.prompts.frames(1) == [0, 5]


def test_a_frame_takes_only_so_many(project: Project) -> None:
    for _ in range(MAX_PROMPTS):
        project.prompts.click(1, 0, (20, 30), positive=True)
    with pytest.raises(PromptError, match="prompts for this object already"):
        project.prompts.click(1, 0, (20, 30), positive=True)
