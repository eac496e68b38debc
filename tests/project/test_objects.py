"""The list of objects: the user's order, names and numbers; each edit is a step."""

import numpy as np
import pytest

from sam2ov.errors import CancelledError, PromptError
from sam2ov.progress import Progress
from sam2ov.project import NewObject, Project
from sam2ov.values.objects import MAX_OBJECT_ID, MAX_OBJECTS, ClipObject
from sam2ov.values.prompts import make_point_prompt
from tests.click_model import HEIGHT, WIDTH
from tests.project.conftest import masks, track


def test_removing_an_object_leaves_the_others_alone(project: Project) -> None:
    second = project.objects.add().obj_id
    project.prompts.click(1, 0, (20, 30), positive=True)
    project.prompts.click(second, 0, (60, 30), positive=True)
    track(project)
    others = project.session.mask_logits(4, [second])
    project.objects.remove([1])
    np.testing.assert_array_equal(others, project.session.mask_logits(4, [second]))
    project.history.undo()
    assert [target.obj_id for target in project.objects] == [1, second]
    assert project.prompts.obj_ids() == (1, second), "it is back with all that belongs to it"
    assert project.session.timeline(1).has_result.all()
    project.history.redo()
    project.objects.remove([second])
    assert [target.name for target in project.objects] == ["Object 3"], "there is always one"


def test_ids_are_never_used_twice(project: Project) -> None:
    second = project.objects.add().obj_id
    project.objects.remove([second])
    assert project.objects.add().obj_id == second + 1


def test_there_are_only_so_many(project: Project) -> None:
    for _ in range(MAX_OBJECTS - 1):
        project.objects.add()
    with pytest.raises(PromptError, match="objects already"):
        project.objects.add()
    assert len(project.objects) == MAX_OBJECTS


def test_the_list_is_the_users(project: Project) -> None:
    second, third = project.objects.add().obj_id, project.objects.add().obj_id
    project.objects.move(third, 0)
    assert [target.obj_id for target in project.objects] == [third, 1, second]
    project.objects.hide([1], hidden=True)
    project.objects.rename(second, "Ball")
    project.objects.recolour([second], "#00ff00")
    assert [target.hidden for target in project.objects] == [False, True, False]
    labels = []
    while project.journal.done is not None:
        labels.append(project.journal.done.label)
        project.history.undo()
    assert labels == [
        "Recolour Ball",
        "Rename Object 2",
        "Hide Object 1",
        "Move Object 3 in the list",
        "Add an object",
        "Add an object",
    ]


def test_several_objects_are_changed_in_one_step(project: Project) -> None:
    ids = [1, project.objects.add().obj_id, project.objects.add().obj_id]
    objects = project.objects
    objects.hide(ids[:2], hidden=True)
    objects.recolour(ids, "#00ff00")
    objects.classify(ids[1:], "person")
    assert [target.hidden for target in objects] == [True, True, False]
    assert {target.colour for target in objects} == {"#00ff00"}
    assert [target.category for target in objects] == ["", "person", "person"]
    objects.lock([ids[1]], locked=True)
    with pytest.raises(PromptError, match="Object 2 is locked"):
        objects.remove(ids)
    assert len(objects) == 3, "all of them or none"
    project.history.undo()
    objects.remove(ids[1:])
    assert [target.obj_id for target in objects] == [1]
    assert project.journal.done is not None
    assert project.journal.done.label == "Remove 2 objects"
    project.history.undo()
    assert [target.category for target in objects] == ["", "person", "person"]


def test_the_list_is_a_live_view(project: Project) -> None:
    objects = project.objects
    first = objects[0]
    second = objects.add()
    assert list(objects) == [first, second]
    assert objects[1:] == (second,)
    assert objects.find(second.obj_id) == second
    objects.remove([second.obj_id])
    assert list(objects) == [first]
    with pytest.raises(PromptError, match="removed"):
        objects.find(second.obj_id)
    objects.lock([first.obj_id], locked=True)
    assert objects.find(first.obj_id).locked
    with pytest.raises(PromptError, match="locked"):
        objects.find_unlocked(first.obj_id)


def test_replacing_is_one_step_that_happens_or_not(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    before = masks(project, 0).copy()
    prompt = make_point_prompt([(60, 30)], [1], None, (HEIGHT, WIDTH))
    new = [NewObject(ClipObject(i, f"Thing {i}", "#123456"), {i: (prompt,)}) for i in (7, 3)]
    told: list[Progress] = []
    with pytest.raises(CancelledError):
        project.objects.replace(new, told.append, lambda: bool(told))
    assert [target.obj_id for target in project.objects] == [1]
    np.testing.assert_array_equal(before, masks(project, 0))
    project.objects.replace(new)
    assert [(target.obj_id, target.name) for target in project.objects] == [
        (7, "Thing 7"),
        (3, "Thing 3"),
    ]
    assert project.prompts.obj_ids() == (7, 3)
    assert masks(project, 7)[0].any()
    with pytest.raises(PromptError, match="Split the file"):
        project.objects.replace([NewObject(ClipObject(MAX_OBJECT_ID + 1, "x", "#000000"), {})])
    project.objects.replace([])
    assert [target.obj_id for target in project.objects] == [8], "there is always one"
    project.history.undo()
    project.history.undo()
    np.testing.assert_array_equal(before, masks(project, 0))


def test_masks_become_objects_in_one_step(project: Project) -> None:
    height, width = project.session.size_hw
    first, second, third = np.zeros((3, height, width), np.bool_)
    first[4:12, 4:12] = second[20:30, 20:30] = third[40:50, 40:50] = True
    hidden = project.objects.add().obj_id
    project.objects.hide([hidden], hidden=True)
    taken = project.objects.take_masks(3, [first, second])
    assert taken[0] == 1, "an object that waits for its first prompt is taken"
    assert hidden not in taken
    assert [t.name for t in project.objects] == ["Object 1", "Object 2", "Object 3"]
    assert np.array_equal(masks(project, 3), [first, second])
    project.history.undo()
    assert project.prompts.obj_ids() == ()
    assert len(project.objects) == 2
    project.history.redo()
    project.objects.take_masks(3, [third])
    assert np.array_equal(masks(project, 3), [first, second, third])
    with pytest.raises(PromptError, match="Choose fewer"):
        project.objects.take_masks(3, [first] * MAX_OBJECTS)
