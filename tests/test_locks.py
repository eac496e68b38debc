"""The order of the locks: whoever breaks it hears of it at once, not when two threads meet."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from sam2ov import locks
from sam2ov.locks import (
    LockOrderError,
    Rank,
    held,
    holding,
    new_condition,
    new_lock,
    new_rlock,
    require_order,
)
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.turns import Turns
from tests.conftest import REPOSITORY

SECONDS = 10


@pytest.fixture(autouse=True)
def meant() -> Iterator[None]:
    """What is refused here was to be."""
    yield
    assert held() == ()
    locks.inversions.clear()


def test_locks_are_taken_in_order() -> None:
    first, second = new_lock(Rank.SESSION), new_lock(Rank.READER)
    with first, second:
        assert held() == (Rank.SESSION, Rank.READER)
    assert held() == ()
    with (
        second,
        pytest.raises(LockOrderError, match="SESSION is taken"),
        first,
    ):
        pytest.fail("an inversion was let through")
    with first, second:  # and nothing is left taken
        pass
    assert locks.inversions == ["SESSION is taken by a thread that holds READER."]


@pytest.mark.parametrize("make", [new_lock, new_rlock])
def test_two_of_a_rank_are_never_nested(make: Callable[[Rank], locks.Lock]) -> None:
    """Two networks, two readers: nothing says which of them comes first."""
    one, other = make(Rank.NETWORK), make(Rank.NETWORK)
    with one, pytest.raises(LockOrderError, match="another NETWORK"), other:
        pytest.fail("two threads may do it the other way round")


def test_who_takes_a_lock_twice_is_told_rather_than_stopped() -> None:
    lock = new_lock(Rank.LEAF)
    with lock, pytest.raises(LockOrderError, match="the same LEAF"), lock:
        pytest.fail("it would wait for itself")
    again = new_rlock(Rank.SESSION)
    with again, new_lock(Rank.READER), again:
        assert held() == (Rank.SESSION, Rank.READER, Rank.SESSION)


def test_who_does_not_wait_may_take_anything() -> None:
    first, second = new_lock(Rank.SESSION), new_lock(Rank.READER)
    with second:
        assert first.acquire(blocking=False)
        first.release()


def test_other_threads_hold_other_locks() -> None:
    outer, inner, found = new_lock(Rank.READER), new_lock(Rank.SESSION), []

    def work() -> None:
        with inner:
            found.append(held())

    with outer:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(SECONDS)
    assert found == [(Rank.SESSION,)]


def test_a_condition_gives_its_lock_back_while_it_waits() -> None:
    condition, is_told = new_condition(Rank.LEAF), False

    def tell() -> None:
        nonlocal is_told
        with condition:
            is_told = True
            condition.notify_all()

    with condition:
        thread = threading.Thread(target=tell)
        thread.start()
        assert condition.wait_for(lambda: is_told, SECONDS)
        assert held() == (Rank.LEAF,)
    thread.join(SECONDS)


def test_turns_have_a_place_in_the_order() -> None:
    tab, other, model = Turns(Rank.TAB), Turns(Rank.TAB), ModelTurns(1)
    with tab.turn(), model.click(), new_rlock(Rank.SESSION):
        assert held() == (Rank.TAB, Rank.MODEL_TURN, Rank.SESSION)
    with model.click(), pytest.raises(LockOrderError, match="TAB"), tab.turn():
        pytest.fail("a tab's turn under the model's")
    with tab.turn(), pytest.raises(LockOrderError, match="another TAB"), other.turn():
        pytest.fail("two tabs' turns")
    with tab.turn(), pytest.raises(LockOrderError, match="the same TAB"), tab.turn():
        pytest.fail("it would wait for itself")
    with model.background(), pytest.raises(LockOrderError), new_lock(Rank.COMPILING):
        pytest.fail("a model compiled in a turn")
    with model.click(), pytest.raises(LockOrderError, match="the same MODEL_TURN"), model.click():
        pytest.fail("it would wait for itself")


def test_a_step_of_tracking_holds_the_models_turn() -> None:
    def steps() -> Iterator[tuple[Rank, ...]]:
        yield held()
        yield held()

    for found in ModelTurns(1).tracked(steps(), Job("track", "Tracking")):
        assert found == (Rank.MODEL_TURN,)
        assert held() == ()


def test_what_is_no_lock_of_ours_takes_part() -> None:
    mark = object()
    with holding(Rank.MODEL_NAME, mark), pytest.raises(LockOrderError, match="EDITS"):
        require_order(Rank.EDITS, mark)
    with holding(Rank.MODEL_NAME, mark), new_lock(Rank.NETWORK):
        pass


PLAIN = """
import threading
from sam2ov.locks import Rank, new_condition, new_lock, new_rlock, held, holding

assert type(new_lock(Rank.TAB)) is type(threading.Lock())
assert type(new_rlock(Rank.TAB)) is type(threading.RLock())
assert type(new_condition(Rank.TAB)) is threading.Condition
with new_lock(Rank.LEAF), new_lock(Rank.TAB), holding(Rank.TAB, None):
    assert held() == ()
"""


def test_without_the_variable_they_are_plain_locks() -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    del environment[locks.CHECK_VARIABLE]
    subprocess.run([sys.executable, "-c", PLAIN], env=environment, check=True, timeout=60)


def test_all_locks_have_a_rank_and_all_ranks_are_explained() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE) == [rank.name for rank in Rank]
    unranked = [
        str(path)
        for path in (REPOSITORY / "sam2ov").rglob("*.py")
        if re.search(r"threading\.(R?Lock|Condition|\w*Semaphore)\(", path.read_text("utf-8"))
    ]
    assert unranked == [str(REPOSITORY / "sam2ov" / "locks.py")]
