"""Whatever is done, undone and done again: the project is what it was, also after a restart."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ProjectError, PromptError, StorageError
from sam2ov.project import ModelChangedError, ModelDocument, Project, plan_project
from sam2ov.project.prompt_sequence import points_of
from sam2ov.store.journal import Journal
from sam2ov.values.prompts import MaskPrompt
from sam2ov.video import open_video
from tests.click_model import HEIGHT, MODEL, NUM_FRAMES, WIDTH, ClickModel, write_square_clip

OTHER = ModelDocument(model="other", device="CPU", weights="1")

State = dict[str, Any]


def new_tracker() -> Tracker:
    return Tracker(cast(SAM2Model, ClickModel()))


def state_of(project: Project) -> State:
    """Everything that the user sees."""
    prompts = {
        (target.obj_id, frame): [
            prompt.mask.tobytes() if isinstance(prompt, MaskPrompt) else points_of((prompt,))
            for prompt in project.prompts.sequence(target.obj_id, frame)
        ]
        for target in project.objects
        for frame in project.prompts.frames(target.obj_id)
    }
    timelines = {}
    for obj_id in project.session.obj_ids:
        timeline = project.session.timeline(obj_id)
        timelines[obj_id] = (timeline.has_result.tolist(), timeline.stale.tolist())
    masks = {
        frame: (project.masks(frame, (32, 48))[1] > 0).tobytes() for frame in range(NUM_FRAMES)
    }
    return {
        "objects": tuple(project.objects),
        "range": project.in_out,
        "model": project.model,
        "prompts": prompts,
        "known": [i for i in project.prompts.obj_ids() if i in project.session.obj_ids],
        "timelines": timelines,
        "masks": masks,
    }


def differences(found: State, expected: State) -> list[str]:
    return [name for name, value in expected.items() if found[name] != value]


class Bench:
    """A project on disk that can be left and opened again."""

    def __init__(self, folder: Path) -> None:
        self.clip = write_square_clip(folder)
        self.path = folder / "journal.sqlite"
        self.project = self.open(MODEL)

    def open(self, model: ModelDocument) -> Project:
        self.journal = Journal(self.path)
        self.session = VideoSession(new_tracker(), open_video(self.clip), self.journal)
        return Project(self.session, self.journal, model)

    def reopen(self) -> None:
        model = self.project.model
        self.close()
        self.project = self.open(model)

    def change_model(self) -> None:
        wanted = OTHER if self.project.model == MODEL else MODEL
        session = VideoSession(new_tracker(), open_video(self.clip), self.journal)
        self.project = Project.answered_anew(session, self.journal, wanted)
        self.session.close()
        self.session = session

    def follow(self, model: ModelDocument) -> None:
        self.session.close()
        self.session = VideoSession(new_tracker(), open_video(self.clip), self.journal)
        self.project = Project(self.session, self.journal, model)

    def close(self) -> None:
        self.session.close()
        self.journal.close()


frames = st.integers(0, NUM_FRAMES - 1)
points = st.tuples(st.integers(0, WIDTH), st.integers(0, HEIGHT))


class History(RuleBasedStateMachine):
    """Compares the project with a list of the states it went through."""

    folders: Callable[[], Path]

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(type(self).folders())
        self.states = [state_of(self.bench.project)]
        self.at = 0

    def teardown(self) -> None:
        self.bench.close()

    @property
    def project(self) -> Project:
        return self.bench.project

    def do(self, action: Callable[[Project], object]) -> None:
        before = self.project.journal.head
        try:
            action(self.project)
        except PromptError:
            assert self.project.journal.head == before, "what is refused is no step"
            return
        if self.project.journal.head == before:
            return
        self.at += 1
        self.states[self.at :] = [state_of(self.project)]

    def chosen(self, number: int) -> int:
        objects = self.project.objects
        return objects[number % len(objects)].obj_id

    @rule(number=st.integers(0, 3), frame=frames, xy=points, positive=st.booleans())
    def click(self, number: int, frame: int, xy: tuple[int, int], positive: bool) -> None:
        self.do(lambda p: p.prompts.click(self.chosen(number), frame, xy, positive=positive))

    @rule(number=st.integers(0, 3), frame=frames, one=points, other=points)
    def box(self, number: int, frame: int, one: tuple[int, int], other: tuple[int, int]) -> None:
        self.do(lambda p: p.prompts.box(self.chosen(number), frame, one, other))

    @rule(number=st.integers(0, 3), frame=frames, path=st.lists(points, min_size=1, max_size=3),
          erase=st.booleans())  # fmt: skip
    def brush(self, number: int, frame: int, path: list[tuple[float, float]], erase: bool) -> None:
        self.do(lambda p: p.prompts.brush(self.chosen(number), frame, path, 6, erase=erase))

    @rule(number=st.integers(0, 3), index=st.integers(0, 2), xy=points, deletes=st.booleans())
    def change_point(self, number: int, index: int, xy: tuple[int, int], deletes: bool) -> None:
        obj_id = self.chosen(number)
        frame, *_ = [*self.project.prompts.frames(obj_id), 0]
        if deletes:
            self.do(lambda p: p.prompts.delete_point(obj_id, frame, index))
        else:
            self.do(lambda p: p.prompts.move_point(obj_id, frame, index, xy))

    @rule(number=st.integers(0, 3), frame=frames, what=st.sampled_from(["frame", "object", "all"]))
    def clear(self, number: int, frame: int, what: str) -> None:
        if what == "frame":
            self.do(lambda p: p.prompts.clear_frame(self.chosen(number), frame))
        elif what == "object":
            self.do(lambda p: p.prompts.clear_object(self.chosen(number)))
        else:
            self.do(lambda p: p.prompts.clear_all())

    @rule(number=st.integers(0, 3), what=st.sampled_from(["hide", "lock", "name", "move"]),
          is_so=st.booleans())  # fmt: skip
    def change_object(self, number: int, what: str, is_so: bool) -> None:
        obj_id = self.chosen(number)
        if what == "hide":
            self.do(lambda p: p.objects.hide([obj_id], hidden=is_so))
        elif what == "lock":
            self.do(lambda p: p.objects.lock([obj_id], locked=is_so))
        elif what == "name":
            self.do(lambda p: p.objects.rename(obj_id, f"Thing {is_so}"))
        else:
            self.do(lambda p: p.objects.move(obj_id, int(is_so)))

    @precondition(lambda self: len(self.project.objects) < 4)
    @rule()
    def add_object(self) -> None:
        self.do(lambda p: p.objects.add())

    @rule(number=st.integers(0, 3))
    def remove_object(self, number: int) -> None:
        self.do(lambda p: p.objects.remove([self.chosen(number)]))

    @rule(first=frames, length=st.integers(0, NUM_FRAMES))
    def set_range(self, first: int, length: int) -> None:
        self.do(lambda p: p.set_in_out(range(first, first + length) if length else None))

    @rule(frame=frames, direction=st.sampled_from(["forward", "backward", "both", "frame"]),
          stop_after=st.integers(1, NUM_FRAMES))  # fmt: skip
    def track(self, frame: int, direction: Any, stop_after: int) -> None:
        def tracked(project: Project) -> None:
            steps = project.track("Track", plan_project(project, direction, frame))
            for count, _ in enumerate(steps, 1):
                if count == stop_after:
                    break
            steps.close()

        self.do(tracked)

    @rule()
    def change_model(self) -> None:
        self.bench.change_model()
        self.at += 1
        self.states[self.at :] = [state_of(self.project)]

    @precondition(lambda self: self.at > 0)
    @rule(count=st.integers(1, 3))
    def undo(self, count: int) -> None:
        for _ in range(min(count, self.at)):
            self.at -= 1
            self._moved(self.project.history.undo)

    @precondition(lambda self: self.at < len(self.states) - 1)
    @rule(count=st.integers(1, 3))
    def redo(self, count: int) -> None:
        for _ in range(min(count, len(self.states) - 1 - self.at)):
            self.at += 1
            self._moved(self.project.history.redo)

    def _moved(self, move: Callable[[], object]) -> None:
        try:
            move()
        except ModelChangedError as changed:
            self.bench.follow(changed.model)

    @rule()
    def reopen(self) -> None:
        self.bench.reopen()

    @invariant()
    def is_as_it_was(self) -> None:
        assert differences(state_of(self.project), self.states[self.at]) == []
        assert (self.project.journal.done is None) == (self.at == 0)
        assert (self.project.journal.undone is None) == (self.at == len(self.states) - 1)


def test_undo_and_redo_agree_with_what_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    class Here(History):
        folders = staticmethod(lambda: tmp_path_factory.mktemp("history"))

    case = Here.TestCase
    case.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
    case().runTest()


# ---- A disk that is full


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def fill(journal: Journal) -> None:
    """As if the disk were full from now on."""
    (pages,) = journal.fetch_one("PRAGMA page_count")
    journal.fetch(f"PRAGMA max_page_count={pages}")


def test_a_full_disk_stops_the_edit_and_nothing_else(bench: Bench) -> None:
    project = bench.project
    project.prompts.click(1, 0, (20, 30), positive=True)
    list(project.track("Track", plan_project(project, "forward", 0)))
    fill(bench.journal)
    failures = 0
    for number in range(300):
        before = state_of(project)
        head = bench.journal.head
        try:
            project.prompts.click(1, number % NUM_FRAMES, (number % WIDTH, 30), positive=True)
        except StorageError:
            assert differences(state_of(project), before) == []
            assert bench.journal.head == head
            failures += 1
            if failures == 3:
                break
    assert failures == 3
    before = state_of(project)
    bench.reopen()
    assert differences(state_of(bench.project), before) == []
    bench.project.prompts.click(1, 0, (50, 50), positive=True)
    bench.project.history.undo()
    assert differences(state_of(bench.project), before) == [], "with room again it goes on"


def test_a_full_disk_stops_tracking_and_keeps_what_is_done(bench: Bench) -> None:
    project = bench.project
    project.prompts.click(1, 0, (20, 30), positive=True)
    steps = project.track("Track", plan_project(project, "forward", 0))
    for _ in range(3):
        next(steps)
    fill(bench.journal)
    bench.journal.fetch("PRAGMA wal_checkpoint(TRUNCATE)")

    def go_on() -> None:
        """The free pages of the file are used up first."""
        list(steps)
        for _ in range(300):
            project.session.replay(0, 1, project.prompts.sequence(1, 0))
            list(project.track("Track", plan_project(project, "forward", 0)))

    with pytest.raises(StorageError, match="Free some disk space"):
        go_on()
    assert project.masks(0, (32, 48))[1].any()
    bench.reopen()
    assert bench.project.prompts.obj_ids() == (1,)


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_journal_is_refused_or_works(bench: Bench, seed: int) -> None:
    """Bits that rot on the disk must not stop the server, wherever they are."""
    project = bench.project
    project.prompts.click(1, 0, (20, 30), positive=True)
    list(project.track("Track", plan_project(project, "forward", 0)))
    bench.close()
    rng = np.random.default_rng(seed)
    content = bytearray(bench.path.read_bytes())
    for _ in range(40):
        content[rng.integers(100, len(content))] ^= 1 << rng.integers(8)
    bench.path.write_bytes(content)
    try:
        again = bench.open(MODEL)
        state_of(again)
        again.prompts.click(1, 3, (40, 40), positive=True)
        again.history.undo()
    except (ProjectError, StorageError, PromptError):
        pass
    finally:
        bench.close()
