"""Ctrl-C as a wish to finish early, for work whose partial result is worth keeping."""

import signal
from types import FrameType, TracebackType
from typing import Self

EXIT_CODE = 130
"""What shells report for a program ended by Ctrl-C."""


class Interruptible:
    """While the block runs, the first Ctrl-C only sets ``requested``; the second one interrupts.

    For the main thread, where signals arrive.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Self:
        self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        # Nothing else here: the signal may have come in the middle of a write.
        self.requested = True
