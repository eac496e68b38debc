"""When the frames of a written video are shown."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from sam2ov.video.probe import VideoInfo


@dataclass(frozen=True, eq=False)
class FrameTimes:
    """Exact presentation times of N frames.

    Attributes:
        pts: int64 [N], strictly increasing, in ticks, beginning with 0.
        end: tick at which the last frame disappears.
        time_base: seconds per tick.
        fps: frames per second, on average (players and encoders want to know).
        source_start: seconds on the clock of the source's container at which tick 0 lies; aligns
            the sound.
        shift: seconds by which everything is written later than these times say.
    """

    pts: npt.NDArray[np.int64]
    end: int
    time_base: Fraction
    fps: Fraction
    source_start: Fraction = Fraction(0)
    shift: Fraction = Fraction(0)

    @staticmethod
    def constant(fps: Fraction | int, num_frames: int) -> "FrameTimes":
        """Frames at an even rate."""
        pts = np.arange(num_frames, dtype=np.int64)
        return FrameTimes(pts, num_frames, 1 / Fraction(fps), Fraction(fps))

    @staticmethod
    def of(
        info: VideoInfo, start: int = 0, stop: int | None = None, *, keep_start: bool = False
    ) -> "FrameTimes":
        """The times of a source's frames ``start`` … ``stop - 1``, as they are in the source.

        They begin with 0 or, with ``keep_start``, where they do in the source.
        """
        stop = info.num_frames if stop is None else stop
        if not 0 <= start < stop <= info.num_frames:
            raise ValueError(f"frames {start} to {stop} are not within 0 to {info.num_frames}")
        begin = int(info.frame_pts[start])
        end = info.end_pts if stop == info.num_frames else int(info.frame_pts[stop])
        return FrameTimes(
            pts=info.frame_pts[start:stop] - begin,
            end=end - begin,
            time_base=info.time_base,
            fps=info.fps,
            source_start=begin * info.time_base,
            shift=max(begin * info.time_base, Fraction(0)) if keep_start else Fraction(0),
        )

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame's appearance to the last one's disappearance."""
        return self.end * self.time_base

    def duration_at(self, tick: int) -> int:
        """Ticks for which the frame that appears at ``tick`` is shown."""
        following = int(np.searchsorted(self.pts, tick, side="right"))
        return (int(self.pts[following]) if following < len(self) else self.end) - tick


class ArrivalTimes(FrameTimes):
    """Times of frames that are known only when these come, in microseconds.

    Args:
        fps: frames per second, about; the last frame is shown for as long as one has at it.
    """

    def __init__(self, fps: Fraction) -> None:
        super().__init__(np.zeros(0, np.int64), 0, Fraction(1, 1_000_000), fps)

    def arrive(self, seconds: float) -> None:
        """Another frame comes, so long after the first one; always later than the one before."""
        tick = round(seconds * 1_000_000)
        if len(self):
            tick = max(tick, int(self.pts[-1]) + 1)
        self._set(np.append(self.pts, tick), tick + round(1_000_000 / self.fps))

    def end_at(self, seconds: float) -> None:
        """The last frame disappears, so long after the first one has come."""
        self._set(self.pts, max(round(seconds * 1_000_000), int(self.pts[-1]) + 1))

    def _set(self, pts: npt.NDArray[np.int64], end: int) -> None:
        # Others see times that do not change; whoever writes a video asks for the newest.
        object.__setattr__(self, "pts", pts)
        object.__setattr__(self, "end", end)
