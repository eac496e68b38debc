"""The locks of sam2ov, and the one order in which a thread may take them.

Whoever holds a lock takes only locks of a later rank, and never two of the same; so no two threads
can wait for each other. ``CONTRIBUTING.md`` says what each guards. With the environment variable
``SAM2OV_CHECK_LOCKS`` set, as in the tests, every lock checks this before it waits; without it they
are ``threading``'s own.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from types import TracebackType
from typing import Final, Protocol

CHECK_VARIABLE: Final = "SAM2OV_CHECK_LOCKS"
IS_CHECKED: Final = bool(os.environ.get(CHECK_VARIABLE))


class Rank(IntEnum):
    """Who comes first. The first ones are held for long, the last ones for moments.

    Those called turns, and the lock of a model's name, are no locks of ``threading``: who holds
    them says so by ``holding``.
    """

    EDITS = 0
    """Turns of one tab's edits (``ui.tabs.turns``)."""
    MODEL_NAME = 1
    """Of all processes that make the model of a name (``zoo.cache``)."""
    COMPILING = 2
    """One model at a time (``ui.pool.models``)."""
    TAB = 3
    """Turns on one tab's state (``ui.tabs.turns``)."""
    MODEL_TURN = 4
    """Turns on the networks, shared by all tabs (``ui.pool.turns``)."""
    LIVE_LOOK = 5
    """One picture of an export at a time for a clip (``ui.tabs.live_look``)."""
    SESSION = 6
    """A clip's objects (``engine.session``)."""
    NETWORK = 7
    """One graph's requests (``engine.networks``)."""
    DATABASE = 8
    """A project's file (``store.database``)."""
    QUICK_PICTURES = 9
    """The decoder of keyframes (``ui.media.pictures``)."""
    EXACT_PICTURES = 10
    """Decoding one exact frame at a time for a page (``ui.media.exact``)."""
    READER = 11
    """A video's decoder and its frames (``video.reader``)."""
    CLIP = 12
    """Starting the process that reads a video anew (``video.isolated``)."""
    WORKER = 13
    """What is said to such a process (``workers.worker``)."""
    LEAF = 14
    """Guards a few values and is held for no call of anything else."""


class LockOrderError(AssertionError):
    """A thread takes locks in an order that may end in a deadlock; a mistake in sam2ov."""


class Lock(Protocol):
    """What ``threading.Lock`` and ``threading.RLock`` have in common."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Wait for the lock and take it; tells whether that came to be."""

    def release(self) -> None:
        """Give it back."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class _Held(threading.local):
    """What this thread holds, in the order in which it was taken."""

    def __init__(self) -> None:
        self.locks: list[tuple[Rank, object]] = []


_held = _Held()
inversions: Final[list[str]] = []
"""What was refused, also where somebody has caught the error: the tests look here."""


def held() -> tuple[Rank, ...]:
    """The ranks that this thread holds, the first one taken first; known only where checked."""
    return tuple(rank for rank, _ in _held.locks)


def new_lock(rank: Rank) -> Lock:
    """A lock that its holder must not take again."""
    return _CheckedLock(rank, threading.Lock()) if IS_CHECKED else threading.Lock()


def new_rlock(rank: Rank) -> Lock:
    """A lock that its holder may take again."""
    return _CheckedRLock(rank, threading.RLock()) if IS_CHECKED else threading.RLock()


def new_condition(rank: Rank) -> threading.Condition:
    """A condition whose lock its holder must not take again."""
    lock = _CheckedLock(rank, threading.Lock()) if IS_CHECKED else threading.Lock()
    return threading.Condition(lock)  # type: ignore[arg-type]  # it takes any


def require_order(rank: Rank, owner: object) -> None:
    """Refuse to wait for something out of order.

    Args:
        rank: of what is to be taken.
        owner: which of that rank.

    Raises:
        LockOrderError: this thread holds something of this rank or a later one.
    """
    if not IS_CHECKED:
        return
    for taken, holder in _held.locks:
        if taken >= rank:
            which = "the same" if holder is owner else "another"
            what = f"{which} {rank.name}" if taken == rank else rank.name
            order = ", ".join(taken.name for taken, _ in _held.locks)
            raise _inverted(f"{what} is taken by a thread that holds {order}.")


@contextmanager
def holding(rank: Rank, owner: object) -> Iterator[None]:
    """Say that this thread has a turn, or a lock that is none of ours, for as long as the block.

    Args:
        rank: of it; whoever waits for it calls ``require_order`` before.
        owner: which of that rank.
    """
    if not IS_CHECKED:
        yield
        return
    _note_taken(rank, owner)
    try:
        yield
    finally:
        _note_released(rank, owner)


def _note_taken(rank: Rank, owner: object) -> None:
    _held.locks.append((rank, owner))


def _note_released(rank: Rank, owner: object) -> None:
    for index in reversed(range(len(_held.locks))):
        if _held.locks[index][1] is owner:
            del _held.locks[index]
            return
    raise _inverted(f"{rank.name} is given back by a thread that does not hold it.")


def _inverted(message: str) -> LockOrderError:
    inversions.append(message)
    return LockOrderError(message)


class _CheckedLock:
    """A lock that keeps the order."""

    def __init__(self, rank: Rank, lock: Lock) -> None:
        self._rank = rank
        self._lock = lock

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if blocking:  # who does not wait cannot wait for ever
            self._require_order()
        is_taken = self._lock.acquire(blocking, timeout)
        if is_taken:
            _note_taken(self._rank, self)
        return is_taken

    def release(self) -> None:
        self._lock.release()
        _note_released(self._rank, self)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _require_order(self) -> None:
        require_order(self._rank, self)

    def _is_owned(self) -> bool:  # what a condition asks
        return any(holder is self for _, holder in _held.locks)


class _CheckedRLock(_CheckedLock):
    """A lock that keeps the order, and that its holder may take again."""

    def _require_order(self) -> None:
        if not self._is_owned():
            super()._require_order()
