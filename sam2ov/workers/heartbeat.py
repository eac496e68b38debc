"""Signs of life of long work in a worker, for its owner to tell it from work that hangs."""

import threading
import time
from collections.abc import Callable
from typing import Final

SECONDS: Final = 1.0


class _Listener(threading.local):
    """Who is told, of the call that this thread works on."""

    def __init__(self) -> None:
        self.tell: Callable[[], None] | None = None
        self.last = 0.0


_listener = _Listener()


def listen(tell: Callable[[], None] | None) -> None:
    """Have the work of this thread told about; None for nobody, which is so outside of workers."""
    _listener.tell = tell
    _listener.last = time.monotonic()


def beat() -> None:
    """Say that the work goes on; called in loops over packets, frames or files."""
    if _listener.tell is None:
        return
    now = time.monotonic()
    if now - _listener.last >= SECONDS:
        _listener.last = now
        _listener.tell()
