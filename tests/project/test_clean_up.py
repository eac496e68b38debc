"""Clean-up in a project: a step like others, seen and exported; what is tracked stays."""

import numpy as np

from sam2ov.project import Project
from sam2ov.project.state import ProjectState
from sam2ov.values.clean_up import CleanUp


def test_it_is_a_step_that_leaves_what_is_tracked(project: Project) -> None:
    project.prompts.click(1, 0, (60, 40), positive=True)
    for _ in project.session.propagate():
        pass
    size_hw = project.session.size_hw
    tracked = [project.session.logits_at(i, size_hw).copy() for i in range(4)]
    wanted = CleanUp(grow=4, fill_holes=10)
    revision = project.history.revision
    project.objects.set_clean_up(1, wanted)
    assert project.history.revision > revision, "what the page holds is outdated"
    assert project.objects[0].clean_up == wanted
    done = project.journal.done
    assert done is not None
    assert done.label == "Clean up Object 1"
    for i, logits in enumerate(tracked):
        np.testing.assert_array_equal(project.session.logits_at(i, size_hw), logits)
        shown = project.masks(i, size_hw)[1] > 0
        assert (shown >= (logits > 0)).all()
        assert shown.sum() > (logits > 0).sum()
    project.history.undo()
    assert project.objects[0].clean_up == CleanUp()
    np.testing.assert_array_equal(project.masks(0, size_hw)[1], tracked[0])
    project.history.redo()
    assert project.objects[0].clean_up == wanted


def test_the_same_again_is_no_step_and_locked_objects_take_it(project: Project) -> None:
    project.objects.lock([1], locked=True)
    project.objects.set_clean_up(1, CleanUp(steady=2))
    head = project.journal.head
    project.objects.set_clean_up(1, CleanUp(steady=2))
    assert project.journal.head == head


def test_it_is_there_when_the_project_is_opened_again(project: Project) -> None:
    wanted = CleanUp(feather=2.5, close_gaps=3)
    project.objects.set_clean_up(1, wanted)
    session = project.session
    read = ProjectState(project.journal, session.size_hw, session.num_frames)
    assert read.snapshot.objects[1].clean_up == wanted
