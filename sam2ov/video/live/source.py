"""A source of live pictures in a thread of its own, so that none waits for who uses them."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from sam2ov.errors import VideoError
from sam2ov.locks import Rank, new_condition
from sam2ov.video.cache import Image

_WAITING_BYTES: Final = 256 << 20
"""Of pictures that wait where all are kept; then the source has to wait itself."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """A picture that has come.

    Attributes:
        image: uint8 RGB [H, W, 3].
        seconds: when, since the source was opened first.
        captured: the same by ``time.monotonic``.
        dropped: pictures that came before it and after the last one that was taken.
    """

    image: Image
    seconds: float
    captured: float
    dropped: int


class LiveSource:
    """Iterates over pictures as they come: the newest is taken, those it has overtaken are dropped.

    Args:
        pictures: begins anew: an iterator over pictures of one size, as ``Capture`` gives. What it
            raises the first time ends the iteration, but for what ``waits`` says.
        comes_back: a source that ends, or has gone, is waited for and taken up again.
        waits: also for one that is not there at the beginning.
        keeps_all: no picture is dropped; as many wait as fit into 256 MB, and then the source.
        note: told in a line when the source goes and when it is back.

    Attributes:
        received: pictures that have come.
        dropped: pictures that were overtaken.
        times_gone: how often the source had gone.
    """

    def __init__(
        self,
        pictures: Callable[[], Iterator[Image]],
        *,
        comes_back: bool = False,
        waits: bool = False,
        keeps_all: bool = False,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.received = 0
        self.dropped = 0
        self.times_gone = 0
        self._pictures = pictures
        self._comes_back = comes_back
        self._waits = waits
        self._keeps_all = keeps_all
        self._note = note
        self._condition = new_condition(Rank.LEAF)
        self._queue: deque[tuple[Image, float]] = deque()
        self._overtaken = 0
        self._error: BaseException | None = None
        self._is_over = False
        self._is_closed = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="sam2ov-live", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take no more; the iteration ends. A source that is silent is left to its thread."""
        self._is_closed.set()
        with self._condition:
            self._is_over = True
            self._queue.clear()
            self._condition.notify_all()
        self._thread.join(timeout=1.0)

    @property
    def behind(self) -> float:
        """Seconds between the newest picture and the oldest one that waits; 0 if none does."""
        with self._condition:
            return self._queue[-1][1] - self._queue[0][1] if self._queue else 0.0

    def __iter__(self) -> Iterator[LiveFrame]:
        """The pictures, each as soon as it has come.

        Raises:
            VideoOpenError: the source cannot be opened, or has gone for good.
        """
        while (frame := self.take()) is not None:
            yield frame

    def take(self, timeout: float | None = None) -> LiveFrame | None:
        """The next picture; None if there comes no more, or none within ``timeout`` seconds.

        Raises:
            VideoOpenError: as above.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._queue or self._is_over, timeout)
            if self._queue:
                image, captured = self._queue.popleft()
                overtaken, self._overtaken = self._overtaken, 0
                self._condition.notify_all()
                return LiveFrame(image, captured - self._started, captured, overtaken)
            error, self._error = self._error, None
        if error is not None:
            raise error
        return None

    @property
    def is_over(self) -> bool:
        """Whether no picture comes any more, and none waits."""
        with self._condition:
            return self._is_over and not self._queue

    def _run(self) -> None:
        pause, has_come = _FIRST_PAUSE, False
        while not self._is_closed.is_set():
            try:
                reason = "it has ended"
                for image in self._pictures():
                    if has_come and pause != _FIRST_PAUSE:
                        self._note("The source is back.")
                    has_come, pause = True, _FIRST_PAUSE
                    if not self._put(image):
                        return None
                if not self._comes_back:
                    return self._end(None)
            except VideoError as error:
                reason = str(error)
                if not (self._comes_back if has_come else self._waits):
                    return self._end(error)
            except BaseException as error:
                return self._end(error)
            if pause == _FIRST_PAUSE:
                self.times_gone += 1
                self._note(f"Waiting for the source: {reason}")
            if self._is_closed.wait(pause):
                return None
            pause = min(2 * pause, _LONGEST_PAUSE)
        return None

    def _put(self, image: Image) -> bool:
        """Hand a picture over; false if nobody wants any more."""
        now = time.monotonic()
        with self._condition:
            self.received += 1
            if self._keeps_all:
                most = max(_WAITING_BYTES // image.nbytes, 1)
                self._condition.wait_for(lambda: len(self._queue) < most or self._is_over)
            elif self._queue:
                self._queue.clear()
                self._overtaken += 1
                self.dropped += 1
            if self._is_over:
                return False
            self._queue.append((image, now))
            self._condition.notify_all()
        return True

    def _end(self, error: BaseException | None) -> None:
        with self._condition:
            self._error, self._is_over = error, True
            self._condition.notify_all()
