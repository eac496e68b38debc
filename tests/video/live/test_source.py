"""Pictures that come while others are used: the newest counts, what goes comes back."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from sam2ov.errors import VideoOpenError
from sam2ov.video.cache import Image
from sam2ov.video.live import LiveSource

WAIT = 20.0


def picture(value: int) -> Image:
    return np.full((4, 6, 3), value, np.uint8)


def test_an_iterator_is_taken_to_its_end() -> None:
    with LiveSource(lambda: (picture(n) for n in range(5)), keeps_all=True) as source:
        frames = list(source)
    assert [frame.image[0, 0, 0] for frame in frames] == [*range(5)]
    assert [frame.dropped for frame in frames] == [0] * 5
    assert all(a.seconds <= b.seconds for a, b in pairwise(frames))


def test_the_newest_overtakes() -> None:
    is_through = threading.Event()

    def pictures() -> Iterator[Image]:
        yield from (picture(n) for n in range(9))
        is_through.set()

    with LiveSource(pictures) as source:
        assert is_through.wait(WAIT)
        frames = list(source)
    assert [(frame.image[0, 0, 0], frame.dropped) for frame in frames] == [(8, 8)]
    assert (source.received, source.dropped) == (9, 8)


def test_where_all_are_kept_the_source_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2ov.video.live.source._WAITING_BYTES", 3 * picture(0).nbytes)
    given: list[int] = []

    def pictures() -> Iterator[Image]:
        for number in range(20):
            given.append(number)
            yield picture(number)

    with LiveSource(pictures, keeps_all=True) as source:
        deadline = time.monotonic() + WAIT
        while len(given) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert source.behind >= 0
        assert len(given) == 4, "three wait, and the one after them"
        assert [frame.image[0, 0, 0] for frame in source] == [*range(20)]
        assert source.dropped == 0


def test_what_goes_is_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2ov.video.live.source._FIRST_PAUSE", 0.01)
    told: list[str] = []
    visits = 0

    def pictures() -> Iterator[Image]:
        nonlocal visits
        visits += 1
        if visits in {2, 3}:
            raise VideoOpenError("unplugged")
        yield picture(visits)

    with LiveSource(pictures, comes_back=True, keeps_all=True, note=told.append) as source:
        frames = [source.take(WAIT) for _ in range(2)]
    assert [frame.image[0, 0, 0] for frame in frames if frame is not None] == [1, 4]
    assert told[0] == "Waiting for the source: it has ended"
    assert "The source is back." in told
    assert source.times_gone >= 1


def test_what_was_never_there_is_told() -> None:
    def pictures() -> Iterator[Image]:
        yield from iter(missing, None)

    def missing() -> Image:
        raise VideoOpenError("camera 7 cannot be opened")

    with (
        LiveSource(pictures, comes_back=True) as source,
        pytest.raises(VideoOpenError, match="camera 7"),
    ):
        list(source)


def test_mistakes_of_an_iterator_are_told() -> None:
    def pictures() -> Iterator[Image]:
        yield picture(0)
        raise KeyError("mine")

    with LiveSource(pictures, keeps_all=True) as source, pytest.raises(KeyError, match="mine"):
        list(source)


def test_closing_ends_the_iteration() -> None:
    def pictures() -> Iterator[Image]:
        while True:
            time.sleep(0.005)
            yield picture(0)

    source = LiveSource(pictures)
    assert source.take(WAIT) is not None
    source.close()
    assert source.take(WAIT) is None
    assert source.is_over
