"""Turns are kept, jobs tell how far they are and can be stopped."""

import threading
import time
from collections.abc import Generator

import pytest

from sam2ov.locks import Rank
from sam2ov.progress import CancelCheck, Progress, ProgressCallback
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.turns import Turns


def result_of(running: Generator[None, None, str]) -> str:
    while True:
        try:
            next(running)
        except StopIteration as stopped:
            return str(stopped.value)


def test_turns_are_given_in_the_order_of_asking() -> None:
    turns, order = Turns(Rank.TAB), []

    def take(number: int) -> None:
        with turns.turn():
            order.append(number)
            time.sleep(0.002)

    with turns.turn():
        threads = []
        for number in range(12):
            thread = threading.Thread(target=take, args=(number,))
            thread.start()
            threads.append(thread)
            while turns._given < number + 2:  # it stands in the queue
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(12))


def test_a_failed_turn_passes_on() -> None:
    turns = Turns(Rank.TAB)
    with pytest.raises(ZeroDivisionError), turns.turn():
        raise ZeroDivisionError
    with turns.turn():
        pass


def test_speed_and_remaining_time_are_told_once_they_are_known() -> None:
    job = Job("track", "Tracking", 100)
    assert (job.view().per_second, job.view().seconds_left) == (None, None)
    job.done = 25
    job._started -= 5
    view = job.view()
    assert view.per_second == pytest.approx(5, rel=0.05)
    assert view.seconds_left == pytest.approx(15, rel=0.05)


def test_work_runs_beside_and_tells_its_progress() -> None:
    job, told, go = Job("export", "Exporting"), [], threading.Event()

    def work(progress: ProgressCallback, cancel: CancelCheck) -> str:
        progress(Progress("Writing", 3, 7, "items"))
        go.wait(5)
        return "done"

    running = job.run(work)
    next(running)
    told.append((job.view().done, job.view().total))
    go.set()
    assert told == [(3, 7)]
    assert result_of(running) == "done"


def test_who_stops_listening_stops_the_work() -> None:
    job, seen = Job("export", "Exporting"), threading.Event()

    def work(progress: ProgressCallback, cancel: CancelCheck) -> None:
        while not cancel():
            time.sleep(0.005)
        seen.set()

    running = job.run(work)
    next(running)
    running.close()
    assert seen.is_set()


def test_what_work_raises_is_raised() -> None:
    def work(progress: ProgressCallback, cancel: CancelCheck) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        list(Job("load", "Loading").run(work))


def test_stages_have_their_own_pace_and_unit() -> None:
    job = Job("load", "Loading tiny", unit="prompts")
    job._note(Progress("Downloading", 60_000_000, 156_000_000, "bytes"))  # 60 MB were there
    job._note(Progress("Downloading", 80_500_000, 156_000_000, "bytes"))
    job._started -= 10
    view = job.view()
    assert (view.label, view.done, view.total, view.unit) == ("Downloading", 80, 156, "MB")
    assert view.per_second == pytest.approx(2, rel=0.05)
    assert view.seconds_left == pytest.approx(38, rel=0.05)
    job._note(Progress("Answering the prompts", 1, 4, "items"))
    view = job.view()
    assert (view.label, view.done, view.total, view.unit) == (
        "Answering the prompts",
        1,
        4,
        "prompts",
    )
    assert view.per_second is None, "it has only begun"


def test_waiting_does_not_count_as_work() -> None:
    job = Job("track", "Tracking", 100)
    job._started -= 60
    job.begin()
    job.done = 10
    job._started -= 2
    job.sharing, job.waiting = 2, None
    view = job.view()
    assert view.per_second == pytest.approx(5, rel=0.05)
    assert (view.sharing, view.waiting) == (2, None)
