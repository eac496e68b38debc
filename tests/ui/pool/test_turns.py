"""Turns on the model: fair, clicks first, a queue with a place that can be seen, nothing leaks."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from sam2ov.errors import CancelledError
from sam2ov.ui.pool.turns import ModelTurns

SECONDS = 10


@dataclass(eq=False)
class Run:
    """A run of tracking without a page."""

    sharing: int = 0
    waiting: int | None = None
    cancelled: bool = False
    begun: int = 0

    def begin(self) -> None:
        self.begun += 1


@dataclass
class Others:
    """People in threads of their own, and the order in which they got the model."""

    turns: ModelTurns
    order: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def go(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.threads.append(thread)

    def ask(self, name: str, *, background: bool = False) -> None:
        """Ask for a turn, and return once it stands in line."""
        before = in_line(self.turns)

        def work() -> None:
            with self.turns.background() if background else self.turns.click():
                self.order.append(name)

        self.go(work)
        until(lambda: in_line(self.turns) > before)

    def track(self, name: str, frames: int, run: Run | None = None) -> None:
        def steps() -> Iterator[str]:
            for _ in range(frames):
                self.order.append(name)
                time.sleep(0.001)
                yield name

        job = run or Run()
        self.go(lambda: [*self.turns.tracked(steps(), job)].clear())

    def finish(self) -> None:
        for thread in self.threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "somebody still waits for the model"


@pytest.fixture
def turns() -> ModelTurns:
    return ModelTurns(max_tracking=2)


@pytest.fixture
def others(turns: ModelTurns) -> Others:
    return Others(turns)


def in_line(turns: ModelTurns) -> int:
    return sum(map(len, turns._waiting.values()))


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_one_step_at_a_time(turns: ModelTurns) -> None:
    inside, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with turns.click():
                with lock:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.001)
                with lock:
                    inside -= 1

    people = Others(turns)
    for _ in range(6):
        people.go(work)
    people.finish()
    assert most == 1


def test_clicks_come_in_order_and_before_what_is_prepared(
    turns: ModelTurns, others: Others
) -> None:
    with turns.click():
        others.ask("prepared", background=True)
        for name in ("first", "second", "third"):
            others.ask(name)
    others.finish()
    assert others.order == ["first", "second", "third", "prepared"]


def test_two_runs_advance_frame_by_frame(turns: ModelTurns, others: Others) -> None:
    with turns.click():
        others.track("a", 20)
        until(lambda: in_line(turns) == 1)
        others.track("b", 20)
        until(lambda: in_line(turns) == 2)
    others.finish()
    ahead = [others.order[:n].count("a") - others.order[:n].count("b") for n in range(1, 41)]
    assert max(map(abs, ahead)) <= 1, others.order


def test_a_click_waits_for_one_step_only(turns: ModelTurns, others: Others) -> None:
    others.track("a", 60)
    until(lambda: len(others.order) > 5)
    with turns.click():
        at = len(others.order)
        others.ask("click")
    others.finish()
    assert others.order.index("click") == at, "tracking went on before a click that waited"


def test_many_clicks_do_not_stop_tracking(turns: ModelTurns, others: Others) -> None:
    with turns.click():
        others.track("a", 3)
        until(lambda: in_line(turns) == 1)
        for number in range(12):
            others.ask(f"click {number}")
    others.finish()
    assert others.order.index("a") == 4, "tracking is passed over four times, then it comes first"


def test_what_is_prepared_is_passed_over_by_tracking_but_not_for_ever(
    turns: ModelTurns, others: Others
) -> None:
    with turns.click():
        others.ask("prepared", background=True)
        others.track("a", 40)
        others.track("b", 40)
        until(lambda: in_line(turns) == 3)
    others.finish()
    assert others.order.index("prepared") == 16


def test_who_is_too_many_waits_and_sees_its_place(turns: ModelTurns, others: Others) -> None:
    runs = [Run() for _ in range(4)]
    with turns.click():
        others.track("a", 30, runs[0])
        until(lambda: turns.tracking == 1)
        others.track("b", 5, runs[1])
        until(lambda: turns.tracking == 2)
        third = turns.tracked(iter("c"), runs[2])
        fourth = turns.tracked(iter("d"), runs[3])
        assert [next(third), next(fourth)] == [None, None]
        assert [(run.sharing, run.waiting, run.begun) for run in runs[2:]] == [
            (2, 0, 0),
            (2, 1, 0),
        ]
        assert (turns.tracking, turns.queued) == (2, 2)
    until(lambda: turns.queued == 1)  # b has finished
    assert next(third) == "c"
    assert (runs[2].waiting, runs[2].begun) == (None, 1)
    assert list(third) == []
    assert [step for step in fourth if step] == ["d"]
    others.finish()
    assert (runs[0].sharing, runs[0].waiting, runs[3].waiting) == (0, None, None)
    assert (turns.tracking, turns.queued, in_line(turns)) == (0, 0, 0)


def test_cancelling_in_the_queue_and_in_line_ends_the_wait(turns: ModelTurns) -> None:
    runs = [Run() for _ in range(3)]
    first, second, third = (turns.tracked(iter("xyz"), run) for run in runs)
    assert (next(first), next(second), next(third)) == ("x", "x", None)
    runs[2].cancelled = True
    assert list(third) == []

    def click_in_vain() -> None:
        with pytest.raises(CancelledError), turns.click(cancel=lambda: True):
            pytest.fail("a turn was given twice")

    with turns.click(), ThreadPoolExecutor(1) as another:
        going_on = another.submit(list, first)
        until(lambda: in_line(turns) == 1)
        runs[0].cancelled = True
        assert going_on.result(SECONDS) == [], "it stood in line for its next frame"
        another.submit(click_in_vain).result(SECONDS)
    assert [*second] == ["y", "z"]
    assert (turns.tracking, turns.queued, in_line(turns)) == (0, 0, 0)


def test_a_closed_tab_leaves_nothing_behind(turns: ModelTurns) -> None:
    first, second, third = (turns.tracked(iter("xyz"), Run()) for _ in range(3))
    assert (next(first), next(second), next(third)) == ("x", "x", None)
    third.close()
    first.close()
    assert (turns.tracking, turns.queued) == (1, 0)
    assert [*second] == ["y", "z"]
    with turns.click():
        pass
    assert (turns.tracking, in_line(turns)) == (0, 0)


def test_a_failed_step_gives_its_turn_back(turns: ModelTurns) -> None:
    def steps() -> Iterator[int]:
        yield 1
        raise OSError("the disk is full")

    run = turns.tracked(steps(), Run())
    assert next(run) == 1
    with pytest.raises(OSError, match="full"):
        next(run)
    with turns.background():
        assert turns.tracking == 0


def test_spare_turns_wait_for_nobody_and_keep_nobody_waiting() -> None:
    turns = ModelTurns(2)

    def asks() -> bool:
        with turns.spare() as is_free:
            return is_free

    others = Others(turns)
    with ThreadPoolExecutor(1) as elsewhere:
        with turns.spare() as is_free:
            assert is_free
            assert not elsewhere.submit(asks).result(SECONDS)
        with turns.click():
            others.ask("click")
            assert not elsewhere.submit(asks).result(SECONDS)
        others.finish()
        assert elsewhere.submit(asks).result(SECONDS), "it is given back"
