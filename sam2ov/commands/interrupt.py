"""What ends a command from outside: Ctrl-C, a service manager's SIGTERM, a terminal that closes.

All are wishes to finish early for work whose partial result is worth keeping, and otherwise end a
command so that it tidies up behind itself.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Final, Self

_HANGUP: Final = getattr(signal, "SIGHUP", None)  # Windows has none
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, *([] if _HANGUP is None else [_HANGUP]))


class EndedError(KeyboardInterrupt):
    """A signal has ended the command.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def exit_code(number: int) -> int:
    """What shells report for a program that a signal has ended; 130 for Ctrl-C."""
    return 128 + number


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """While the block runs, signals end it by ``EndedError`` instead of killing the process."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise EndedError(number)

    with _handled(end):
        yield


class Interruptible:
    """While the block runs, the first signal only sets ``requested``; the next one interrupts.

    For the main thread, where signals arrive. A terminal that closes may say so twice, which
    counts as once.
    """

    def __init__(self) -> None:
        self.requested: int | None = None

    def __enter__(self) -> Self:
        self._handled = _handled(self._handle)
        self._handled.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._handled.__exit__(None, None, None)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.requested is not None:
            if number == _HANGUP:
                return
            raise EndedError(number)
        # Nothing else here: the signal may have come in the middle of a write.
        self.requested = number


@contextmanager
def _handled(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Have signals go to ``handle``, but for those that are ignored, as ``nohup`` has it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    streams = [stream.fileno() for stream in (sys.stdout, sys.stderr) if _is_terminal(stream)]

    def receive(number: int, frame: FrameType | None) -> None:
        if number == _HANGUP:
            _forget_terminal(streams)
        handle(number, frame)

    previous = {
        number: signal.signal(number, receive)
        for number in _SIGNALS
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _is_terminal(stream: object) -> bool:
    with suppress(OSError, ValueError, AttributeError):
        return os.isatty(stream.fileno())  # type: ignore[attr-defined]
    return False


def _forget_terminal(streams: list[int]) -> None:
    """Whatever is written to a terminal that is closed would fail."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nothing, stream)
    os.close(nothing)
