"""Session and prompts in line with each other, and with the journal."""

import pytest

from sam2ov.errors import CancelledError, ProjectError
from sam2ov.progress import Progress
from sam2ov.project import Project
from sam2ov.project.answers import Answers
from sam2ov.project.state import ProjectState
from sam2ov.values.prompts import make_point_prompt
from tests.click_model import HEIGHT, WIDTH

POINT = make_point_prompt([(20, 30)], [1], None, (HEIGHT, WIDTH))


@pytest.fixture
def state(project: Project) -> ProjectState:
    return ProjectState(project.journal, project.session.size_hw, project.session.num_frames)


@pytest.fixture
def answers(project: Project, state: ProjectState) -> Answers:
    return Answers(project.session, state)


def test_prompts_and_results_come_and_go_together(
    project: Project, state: ProjectState, answers: Answers
) -> None:
    assert not answers.mask(1, 0).any()
    answers.add(1, 0, POINT)
    answers.add(1, 0, POINT)
    answers.replay(1, 4, (POINT,))
    assert (len(state.snapshot.sequence(1, 0)), len(state.snapshot.sequence(1, 4))) == (2, 1)
    assert answers.mask(1, 0)[30, 20]
    answers.replay(1, 0, ())
    assert state.snapshot.prompted_frames(1) == [4]
    assert list(project.session.obj_ids) == [1]
    answers.replay(1, 4, ())
    assert project.session.obj_ids == (), "nothing follows from no prompt"
    answers.add(1, 0, POINT)
    answers.forget(1)
    assert (state.snapshot.sequences, project.session.obj_ids) == ({}, ())


def test_reloading_follows_the_journal(
    project: Project, state: ProjectState, answers: Answers
) -> None:
    with project.journal.step("click"):
        answers.add(1, 0, POINT)
    project.journal.undo()
    answers.reload()
    assert (state.snapshot.sequences, project.session.obj_ids) == ({}, ())
    project.journal.redo()
    answers.reload()
    assert state.snapshot.prompted_frames(1) == [0]
    assert answers.mask(1, 0)[30, 20]
    project.journal.execute("UPDATE result SET kind = 7")
    with pytest.raises(ProjectError, match="results of object 1 are damaged"):
        answers.reload()


def test_answering_all_tells_how_far_it_is(
    project: Project, state: ProjectState, answers: Answers
) -> None:
    for frame_idx in (3, 1):
        state.put_sequence(1, frame_idx, (POINT,))
    told: list[Progress] = []
    with pytest.raises(CancelledError):
        answers.replay_all(told.append, lambda: bool(told))
    assert [(progress.done, progress.total) for progress in told] == [(1, 2)]
    answers.replay_all(told.append)
    assert told[-1].done == 2
    assert answers.mask(1, 1)[30, 20]
