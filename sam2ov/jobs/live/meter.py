"""How fast and how late live frames are, over the last few hundred of them."""

import statistics
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

_FRAMES: Final = 600


@dataclass(frozen=True)
class LivePace:
    """How it goes.

    Attributes:
        frames: that were followed since the beginning.
        dropped: that were left out since the beginning.
        fps: frames followed per second, lately.
        latency_ms: from a picture's capture to its masks, lately: the median.
        latency_95_ms: the same, of which 95 % are below.
        behind_s: seconds of pictures that wait, where none is dropped.
    """

    frames: int
    dropped: int
    fps: float
    latency_ms: float
    latency_95_ms: float
    behind_s: float

    def __str__(self) -> str:
        behind = f", {self.behind_s:.1f} s behind" if self.behind_s >= 0.1 else ""
        return (
            f"{self.fps:.1f} frames/s, latency {self.latency_ms:.0f} ms (95 %: "
            f"{self.latency_95_ms:.0f} ms), {self.frames} frames, {self.dropped} skipped{behind}"
        )


class Meter:
    """Takes times by ``time.monotonic``; in bounded memory."""

    def __init__(self) -> None:
        self._done: deque[tuple[float, float]] = deque(maxlen=_FRAMES)
        self._frames = 0
        self._dropped = 0

    def note(self, captured: float, dropped: int) -> None:
        """The masks of a picture are there now."""
        now = time.monotonic()
        self._done.append((now, now - captured))
        self._frames += 1
        self._dropped += dropped

    def pace(self, behind_s: float = 0.0) -> LivePace:
        """How it goes; zeros before the second frame."""
        if not self._done:
            return LivePace(0, 0, 0.0, 0.0, 0.0, behind_s)
        latencies = sorted(latency for _, latency in self._done)
        span = self._done[-1][0] - self._done[0][0]
        return LivePace(
            frames=self._frames,
            dropped=self._dropped,
            fps=(len(self._done) - 1) / span if span else 0.0,
            latency_ms=1000 * statistics.median(latencies),
            latency_95_ms=1000 * latencies[max(-(-95 * len(latencies) // 100) - 1, 0)],
            behind_s=behind_s,
        )
