"""Work beside the networks: what is done to masks while the next ones are decoded."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

_THREADS: Final = 2
_PARTS: Final = 2
"""That may wait at a time; what is decoded is not to pile up."""

Item = TypeVar("Item")
Run = Callable[[Callable[[Item], Any], Iterable[Item]], None]


@contextmanager
def side_by_side(items: int) -> Iterator[Run[Any]]:
    """Gives a function that has a function called with each item, in threads.

    All of it is done when the block ends. It waits where too much is waiting already.

    Args:
        items: how many there will be; a single one is not worth a thread.

    Raises:
        Exception: whatever the function raises.
    """
    if items == 1:

        def at_once(function: Callable[[Item], Any], each: Iterable[Item]) -> None:
            for item in each:
                function(item)

        yield at_once
        return
    pending: list[list[Future[Any]]] = []
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="sam2ov-masks") as pool:

        def in_threads(function: Callable[[Item], Any], each: Iterable[Item]) -> None:
            pending.append([pool.submit(function, item) for item in each])
            while len(pending) > _PARTS:
                _wait(pending.pop(0))

        yield in_threads
        for part in pending:
            _wait(part)


def _wait(part: list[Future[Any]]) -> None:
    for future in part:
        future.result()
