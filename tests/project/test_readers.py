"""Whoever reads a project while another thread edits it finds it as it was between two edits."""

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from sam2ov.errors import PromptError
from sam2ov.project import Project
from sam2ov.ui.tabs.lanes import tracks_of
from sam2ov.ui.tabs.views import object_views

ROUNDS = 25


@pytest.fixture(autouse=True)
def _threads_that_alternate() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def edit(project: Project) -> None:
    """The first object stays as it is, with prompts on frames 0 and 5."""
    for _ in range(ROUNDS):
        second = project.objects.add().obj_id
        project.prompts.click(second, 0, (60, 30), positive=True)
        project.prompts.click(second, 3, (60, 30), positive=True)
        project.objects.hide([second], hidden=True)
        with pytest.raises(PromptError):
            project.prompts.click(second, 99, (60, 30), positive=True)
        project.objects.remove([second])
        for _ in range(5):
            project.history.undo()
        for _ in range(3):
            project.history.redo()
        project.history.undo()
        project.objects.remove([second])


def differences(project: Project) -> list[object]:
    """What a reader finds that cannot be."""
    found: list[object] = []
    ids = [target.obj_id for target in project.objects]
    if ids[:1] != [1] or len(ids) > 2:
        found.append(ids)
    if project.prompts.frames(1) != [0, 5]:
        found.append(project.prompts.frames(1))
    objects, masks = project.masks(0, (8, 12))
    if not objects or objects[0].obj_id != 1 or not (masks[0] > 0).any():
        found.append(objects)
    tracks = tracks_of(project)
    if not tracks or (tracks[0].obj_id, tracks[0].prompted_frames) != (1, (0, 5)):
        found.append(tracks)
    views = object_views(project)
    if not views or sorted(views[0].prompts) != [0, 5]:
        found.append(views)
    return found


def test_no_reader_finds_a_project_that_never_was(project: Project) -> None:
    for frame in (0, 5):
        project.prompts.click(1, frame, (20, 30), positive=True)
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=run, args=(lambda: edit(project),))
    writer.start()
    reads = 0
    torn: list[object] = []
    while writer.is_alive() and not torn:
        torn = differences(project)
        reads += 1
    writer.join()
    assert (torn, failures) == ([], []), f"after {reads} reads"
    assert reads > 5


def test_a_step_is_seen_at_its_end(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    before = project.snapshot
    second = project.objects.add().obj_id
    with project.history.step("Two things"):
        project.objects._state.put_order([second])
        assert project.snapshot.objects.keys() == {1, second}
        project.objects._state.put_order([second, 1][:1])
    assert project.snapshot.objects.keys() == {second}
    assert before.objects.keys() == {1}, "a snapshot never changes"
