"""Pages that go while their events are at work stop nobody else."""

import inspect
import threading
from collections.abc import Iterator

import pytest

from sam2ov.ui.api.functions import PublicApi
from sam2ov.ui.events.abandoned import closed_elsewhere

SECONDS = 20


def test_closing_does_not_wait_for_the_work() -> None:
    may_end, has_ended = threading.Event(), threading.Event()
    seen: list[str] = []

    def handler(name: str) -> Iterator[str]:
        try:
            yield name
            yield "never"
        finally:
            seen.append(threading.current_thread().name)
            may_end.wait(SECONDS)
            has_ended.set()

    running = closed_elsewhere(handler)("first")
    assert next(running) == "first"
    running.close()  # type: ignore[attr-defined]
    assert not has_ended.is_set(), "whoever closes it has waited"
    may_end.set()
    assert has_ended.wait(SECONDS)
    assert seen == ["sam2ov-closing"]


def test_what_is_listened_to_stays_as_it_is() -> None:
    def handler(count: int) -> Iterator[int]:
        yield from range(count)
        raise OSError("the disk is full")

    running = closed_elsewhere(handler)(2)
    assert [next(running), next(running)] == [0, 1]
    with pytest.raises(OSError, match="disk is full"):
        next(running)


def test_gradio_sees_the_same_function() -> None:
    api = PublicApi.__new__(PublicApi)
    wrapped = closed_elsewhere(api.segment_frame)
    assert inspect.isgeneratorfunction(wrapped)
    assert inspect.signature(wrapped) == inspect.signature(api.segment_frame)
    assert wrapped.__doc__ == PublicApi.segment_frame.__doc__
