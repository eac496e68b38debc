"""A lock that is granted in the order in which it was asked for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Clicks of one tab arrive in threads of their own; they are answered in order."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._given = 0
        self._serving = 0

    @property
    def is_held(self) -> bool:
        """Whether somebody has a turn."""
        return self._given > self._serving

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until everybody who asked earlier is done."""
        with self._condition:
            ticket = self._given
            self._given += 1
            self._condition.wait_for(lambda: self._serving == ticket)
        try:
            yield
        finally:
            with self._condition:
                self._serving += 1
                self._condition.notify_all()
