"""Videos of no known length: written in segments, each of which is whole when it has its name."""

import re
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from sam2ov.errors import VideoWriteError
from sam2ov.video.encodings import Encoding
from sam2ov.video.times import ArrivalTimes
from sam2ov.video.writer import Frame, VideoWriter

_DIGITS = 5


class SegmentWriter:
    """Writes frames into one video after the other: ``clip-00001.mp4``, ``clip-00002.mp4``, …

    Numbers go on from those that are there; nothing is replaced. Whenever the process ends, all
    that is lost is the segment that was being written.

    Args:
        path: ``clip.mp4`` in the example.
        size_hw: of the frames.
        encoding: of the videos.
        seconds: that a segment lasts, about.
        fps: frames per second, about.
        has_alpha: see ``VideoWriter``.
        is_grey: see ``VideoWriter``.

    Attributes:
        paths: of the last hundred segments that are whole.
    """

    def __init__(
        self,
        path: Path,
        size_hw: tuple[int, int],
        encoding: Encoding,
        *,
        seconds: float = 10.0,
        fps: float = 30.0,
        has_alpha: bool = False,
        is_grey: bool = False,
    ) -> None:
        if not seconds > 0:
            raise VideoWriteError(f"A segment lasts more than 0 seconds, not {seconds:g}.")
        self.paths: list[Path] = []
        self._path = path
        self._size_hw = size_hw
        self._encoding = encoding
        self._seconds = seconds
        self._fps = Fraction(fps).limit_denominator(1000)
        self._has_alpha = has_alpha
        self._is_grey = is_grey
        self._number = _highest_number(path)
        self._began = 0.0
        self._times: ArrivalTimes | None = None
        self._writer: VideoWriter | None = None

    def write(self, frame: Frame, seconds: float) -> None:
        """Append a frame; see ``VideoWriter.write``.

        Args:
            frame: as there.
            seconds: when it came, on any clock.

        Raises:
            VideoWriteError: it cannot be stored.
        """
        if self._writer is not None and seconds - self._began >= self._seconds:
            self._finish(seconds)
        if self._writer is None or self._times is None:
            self._number += 1
            self._times, self._began = ArrivalTimes(self._fps), seconds
            self._writer = VideoWriter(
                self._place(),
                self._size_hw,
                self._times,
                encoding=self._encoding,
                has_alpha=self._has_alpha,
                is_grey=self._is_grey,
            )
        self._times.arrive(seconds - self._began)
        self._writer.write(frame)

    def close(self) -> None:
        """Complete the segment that is being written.

        Raises:
            VideoWriteError: it cannot be completed.
        """
        self._finish(None)

    def abort(self) -> None:
        """Give the segment up that is being written; those before it stay."""
        if self._writer is not None:
            self._writer.abort()
            self._writer = None

    def _finish(self, seconds: float | None) -> None:
        if self._writer is None or self._times is None:
            return
        if seconds is not None:
            self._times.end_at(seconds - self._began)
        writer, self._writer = self._writer, None
        writer.close()
        self.paths = [*self.paths[-99:], writer.path]

    def _place(self) -> Path:
        return self._path.with_stem(f"{self._path.stem}-{self._number:0{_DIGITS}d}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, VideoWriteError):
            self.abort()
        else:  # what was written is worth having, whatever ended it
            self.close()


def _highest_number(path: Path) -> int:
    """Of the segments of ``path`` that are there; 0 without any."""
    form = re.compile(rf"{re.escape(path.stem)}-(\d{{{_DIGITS},}}){re.escape(path.suffix)}")
    found = (form.fullmatch(each.name) for each in path.parent.glob(f"*{path.suffix}"))
    return max((int(match[1]) for match in found if match is not None), default=0)
