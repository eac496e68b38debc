"""Two tabs on one model: both advance, a queue with a visible place, nothing left by who leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sam2ov.ui.contract.messages import Snapshot
from sam2ov.ui.pool.turns import ModelTurns
from tests.click_model import NUM_FRAMES
from tests.ui.conftest import Tab, request_of


@pytest.fixture
def others(open_tab: Tab, clip_file: Path) -> list[Tab]:
    """Two more tabs with a clip of their own, on the same model, each with a click."""
    tabs = []
    for name in ("tab-2", "tab-3"):
        other = open_tab.other(request_of(name))
        other.upload(clip_file, f"{name}.mp4")
        other.open("upload")
        other.click(0, 24, 32)
        tabs.append(other)
    open_tab.click(0, 24, 32)
    return tabs


def turns_of(tab: Tab, max_tracking: int) -> ModelTurns:
    tab.editor._models.turns = ModelTurns(max_tracking)
    return tab.editor._models.turns


def is_tracked(snapshot: Snapshot) -> bool:
    return snapshot.objects[0].tracked == f"0-{NUM_FRAMES - 1}"


def test_runs_share_the_model_and_say_so(open_tab: Tab, others: list[Tab]) -> None:
    turns_of(open_tab, 2)
    runs = [open_tab.track(), others[0].track()]
    told = [[next(run) for _ in range(2)] for run in runs]
    job = told[1][-1].job
    assert job is not None
    assert (job.sharing, job.waiting) == (1, None)
    ends = [[*run][-1] for run in runs]
    assert all(map(is_tracked, ends))
    assert [end.job for end in ends] == [None, None]


def test_who_is_too_many_sees_its_place_and_comes_next(open_tab: Tab, others: list[Tab]) -> None:
    turns = turns_of(open_tab, 1)
    first, second, third = open_tab.track(), others[0].track(), others[1].track()
    waiting: list[Iterator[Snapshot]] = [second, third]
    for run in (first, *waiting):
        next(run)
    next(first)
    places = []
    for run in waiting:
        job = next(run).job
        assert job is not None
        places.append((job.waiting, job.sharing, job.done))
    assert places == [(0, 1, 0), (1, 1, 0)]
    list(first)
    assert is_tracked([*second][-1])
    assert is_tracked([*third][-1])
    assert (turns.tracking, turns.queued) == (0, 0)


def test_a_click_is_answered_while_others_track(open_tab: Tab, others: list[Tab]) -> None:
    turns_of(open_tab, 1)
    running = open_tab.track()
    next(running)
    next(running)
    assert others[0].click(3, 40, 32).objects[0].prompts.keys() == {0, 3}
    list(running)


def test_cancelling_in_the_queue_takes_back_the_wish(open_tab: Tab, others: list[Tab]) -> None:
    turns = turns_of(open_tab, 1)
    running, waiting = open_tab.track(), others[0].track()
    for run in (running, waiting):
        next(run)
    next(running)
    next(waiting)
    others[0].editor.cancel(others[0].request)
    *_, last = waiting
    assert last.job is None
    assert not is_tracked(last)
    assert (turns.tracking, turns.queued) == (1, 0)
    assert is_tracked([*running][-1])


def test_a_tab_that_closes_in_the_queue_leaves_nothing(open_tab: Tab, others: list[Tab]) -> None:
    turns = turns_of(open_tab, 1)
    running, waiting = open_tab.track(), others[0].track()
    for run in (running, waiting):
        next(run)
    next(running)
    next(waiting)
    others[0].editor.unload(others[0].request)  # as Gradio tells it,
    waiting.close()  # type: ignore[attr-defined]
    assert (turns.tracking, turns.queued) == (1, 0)
    assert others[0].workspace.job is None
    running.close()  # type: ignore[attr-defined]
    assert (turns.tracking, turns.queued) == (0, 0)
    with turns.click():
        pass
