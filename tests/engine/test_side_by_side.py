"""Work beside the networks."""

import threading
from collections.abc import Callable

import pytest

from sam2ov.engine.side_by_side import side_by_side


@pytest.mark.parametrize("items", [1, 9])
def test_all_is_done_when_the_block_ends(items: int) -> None:
    done: list[int] = []
    with side_by_side(items) as run:
        for start in range(0, items, 3):
            run(done.append, range(start, min(start + 3, items)))
    assert sorted(done) == list(range(items))


def test_what_waits_is_bounded() -> None:
    gate = threading.Event()
    handed_in = 0

    def hand_in(run: Callable[..., None]) -> None:
        nonlocal handed_in
        for part in range(4):
            run(lambda _: gate.wait(20), [part])
            handed_in += 1

    with side_by_side(4) as run:
        other = threading.Thread(target=hand_in, args=(run,))
        other.start()
        other.join(0.3)
        assert handed_in <= 2
        gate.set()
        other.join(20)
    assert handed_in == 4


@pytest.mark.parametrize("items", [1, 9])
def test_errors_reach_the_caller(items: int) -> None:
    def fail(_: int) -> None:
        raise KeyError("mask")

    with pytest.raises(KeyError, match="mask"), side_by_side(items) as run:
        run(fail, [1])
