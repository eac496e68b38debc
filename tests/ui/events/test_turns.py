"""Networks run in turns, and nobody stands still for what another tab loads or replays."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ClipClosedError
from sam2ov.locks import Rank, held
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.ui.pool.models import ModelChoice
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.tabs.workspaces import Workspaces
from tests.click_model import NUM_FRAMES
from tests.ui.conftest import CHOICE, ModelInTurns, Tab, request_of, snapshot_of
from tests.ui.tabs.test_opener import OTHER, TwoModels, tab_of

SECONDS = 20


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class SlowToCompile(TwoModels):
    """Takes until ``may_go_on`` to load ``slow``."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__(tracker)
        self.slow: ModelChoice | None = None
        self.is_compiling, self.may_go_on = threading.Event(), threading.Event()
        self.held: tuple[Rank, ...] | None = None

    def get(
        self,
        choice: ModelChoice,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> Tracker:
        if choice == self.slow:
            self.held = held()
            self.is_compiling.set()
            assert self.may_go_on.wait(SECONDS)
            self.slow = None
        return super().get(choice, progress, cancel)


@dataclass
class SlowToAnswer(ModelInTurns):
    """Calls ``before`` with the number of each prompt that it answers."""

    before: Callable[[int], None] = lambda _: None
    prompts_answered: int = 0

    def encode_prompts(self, *args: object) -> object:  # type: ignore[override]
        self.prompts_answered += 1
        self.before(self.prompts_answered)
        return super().encode_prompts(*args)  # type: ignore[arg-type]


@pytest.fixture
def model() -> Iterator[SlowToAnswer]:
    made = SlowToAnswer()
    yield made
    assert made.astray == []


@pytest.fixture
def models(tracker: Tracker) -> SlowToCompile:
    return SlowToCompile(tracker)


@pytest.fixture
def tab(workspaces: Workspaces, models: SlowToCompile) -> Tab:
    return tab_of(workspaces, models, "tab-1")


@pytest.fixture
def other(open_tab: Tab, clip_file: Path) -> Tab:
    made = open_tab.other(request_of("tab-2"))
    made.upload(clip_file, "other.mp4")
    made.open("upload")
    return made


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


def choose(tab: Tab, choice: ModelChoice) -> None:
    assert tab.workspace.clip is not None
    tab.editor._opener.change_model(
        tab.workspace.clip, choice, lambda _: None, lambda: False, tab.workspace.turn
    )
    tab.workspace.choice = choice


def test_others_go_on_while_undo_loads_a_model(
    open_tab: Tab, other: Tab, models: SlowToCompile, threads: ThreadPoolExecutor
) -> None:
    open_tab.click(0, 24, 32)
    choose(open_tab, OTHER)
    models.slow = CHOICE
    undone = threads.submit(open_tab.edit, "undo")
    try:
        assert models.is_compiling.wait(SECONDS)
        assert models.held == (Rank.EDITS,)
        answered = threads.submit(other.click, 0, 24, 32).result(SECONDS)
        assert answered.objects[0].prompts.keys() == {0}
        ready = threads.submit(open_tab.editor.ready, open_tab.request).result(SECONDS)
        assert snapshot_of(ready).undo == "Change the model to other (fast)", "not yet"
        edits = open_tab.workspace._edit_turns
        later = threads.submit(open_tab.click, 5, 30, 32)
        until(lambda: edits._given == edits._serving + 2)  # it stands in line
        assert not later.done()
    finally:
        models.may_go_on.set()
    assert undone.result(SECONDS).redo == "Change the model to other (fast)"
    assert later.result(SECONDS).objects[0].prompts.keys() == {0, 5}
    assert open_tab.workspace.choice == CHOICE, "the click came after the undo"


def test_a_tab_may_close_while_undo_loads_a_model(
    open_tab: Tab, models: SlowToCompile, threads: ThreadPoolExecutor
) -> None:
    open_tab.click(0, 24, 32)
    choose(open_tab, OTHER)
    models.slow = CHOICE
    edit = threads.submit(open_tab.edit, "undo")
    try:
        assert models.is_compiling.wait(SECONDS)
        closing = threads.submit(open_tab.workspaces.leave, open_tab.workspace.token)
        assert closing.result(SECONDS)
    finally:
        models.may_go_on.set()
    answered = edit.result(SECONDS)
    assert answered.clip is None
    assert answered.problem is not None
    assert "no longer open here" in answered.problem.text


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_clip_changes_its_model_in_its_tabs_turn(
    open_tab: Tab, threads: ThreadPoolExecutor, is_closed: bool
) -> None:
    """Whoever looks at the tab's state has one session until it is done."""
    open_tab.click(0, 24, 32)
    workspace, before = open_tab.workspace, open_tab.project
    with workspace.turn():
        changing = threads.submit(choose, open_tab, OTHER)
        until(lambda: workspace._turns._given == workspace._turns._serving + 2)
        assert open_tab.project is before
        assert before.session.obj_ids == (1,)
        if is_closed:
            workspace.replace_clip(None)
    if is_closed:
        with pytest.raises(ClipClosedError, match="closed before"):
            changing.result(SECONDS)
    else:
        changing.result(SECONDS)
        assert open_tab.project is not before


def clicked_meanwhile(
    model: SlowToAnswer, turns: ModelTurns, other: Tab, replay: Callable[[], object]
) -> tuple[int, int]:
    """Replay prompts, with a click in another tab that comes during the first of them.

    Returns:
        How many prompts had been answered before the click, and all in all.
    """
    start, before_click = model.prompts_answered, []
    clicks: list[Future[object]] = []
    with ThreadPoolExecutor(1) as threads:

        def during(number: int) -> None:
            if not clicks:
                clicks.append(threads.submit(click))
                until(lambda: sum(map(len, turns._waiting.values())) > 0)

        def click() -> object:
            answered = other.click(0, 24, 32)
            before_click.append(model.prompts_answered - start - 1)
            return answered

        model.before = during
        replay()
        clicks[0].result(SECONDS)
    return before_click[0], model.prompts_answered - start - 1


def test_clicks_are_answered_while_a_model_answers_all_prompts_anew(
    open_tab: Tab, other: Tab, model: SlowToAnswer, models: SlowToCompile
) -> None:
    for frame in range(NUM_FRAMES):
        open_tab.click(frame, 24, 32)
        open_tab.click(frame, 30, 32)
    before, replayed = clicked_meanwhile(
        model, models.turns, other, lambda: choose(open_tab, OTHER)
    )
    assert replayed == 2 * NUM_FRAMES
    assert before < replayed / 2, "a turn for each prompt"


def test_clicks_are_answered_while_prompts_are_opened(
    open_tab: Tab, other: Tab, model: SlowToAnswer, models: SlowToCompile, tmp_path: Path
) -> None:
    path = tmp_path / "prompts.json"
    prompts = [{"frame": i, "points": [{"x": 24, "y": 32}]} for i in range(NUM_FRAMES)]
    path.write_text(json.dumps({"objects": [{"id": 1, "prompts": prompts}]}))
    before, replayed = clicked_meanwhile(
        model,
        models.turns,
        other,
        lambda: list(open_tab.open_prompts(path)),
    )
    assert replayed == NUM_FRAMES
    assert before < replayed / 2
