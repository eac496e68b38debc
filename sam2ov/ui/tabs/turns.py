"""A lock that is granted in the order in which it was asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

from sam2ov.locks import Rank, holding, new_condition, require_order


class Turns:
    """Clicks of one tab arrive in threads of their own; they are answered in order.

    Args:
        rank: of whoever holds a turn.
    """

    def __init__(self, rank: Rank) -> None:
        self._rank = rank
        self._condition = new_condition(Rank.LEAF)
        self._given = 0
        self._serving = 0

    @property
    def is_held(self) -> bool:
        """Whether somebody has a turn; asked by threads that must not wait."""
        return self._given > self._serving

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until everybody who asked earlier is done."""
        require_order(self._rank, self)
        with self._condition:
            ticket = self._given
            self._given += 1
            self._condition.wait_for(lambda: self._serving == ticket)
        try:
            with holding(self._rank, self):
                yield
        finally:
            with self._condition:
                self._serving += 1
                self._condition.notify_all()
