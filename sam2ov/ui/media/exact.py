"""Exact frames for somebody who looks around: what they have turned away from is not decoded on."""

from typing import Final

from sam2ov.locks import Rank, new_lock
from sam2ov.video import FrameReader
from sam2ov.video.cache import Image

_STRETCH: Final = 16
"""Frames that are decoded between two looks at where the user is: a tenth of a second or so."""


class ExactFrames:
    """Reads frames, one reader of them at a time. Methods may be called from any thread.

    A frame in the middle of a long group of pictures takes a second to decode, in which nothing
    else is quick. Whoever moves a playhead has left most such frames by then.

    Args:
        frames: the video, which stays the caller's.
    """

    def __init__(self, frames: FrameReader) -> None:
        self._frames = frames
        self._lock = new_lock(Rank.EXACT_PICTURES)
        self._looked_at = 0
        self._read = 0

    def look_at(self, frame_idx: int) -> None:
        """The user goes to a frame; frames far from it need not be decoded any more."""
        self._looked_at = frame_idx

    def read(self, frame_idx: int) -> Image:
        """A frame; raises as ``FrameReader.read``."""
        with self._lock:
            self._read = frame_idx
            return self._frames.read(frame_idx)

    def read_while_looked_at(self, frame_idx: int) -> Image | None:
        """A frame, or None if the user has gone elsewhere meanwhile; raises as ``read``."""
        self.look_at(frame_idx)
        with self._lock:
            for station in self._way_to(frame_idx):
                if abs(self._looked_at - frame_idx) > _STRETCH:
                    return None
                picture = self._frames.read(station)
                self._read = station
        return picture

    def _way_to(self, frame_idx: int) -> list[int]:
        """Frames to decode up to ``frame_idx``, which are on the way to it anyhow."""
        if abs(frame_idx - self._read) <= _STRETCH:  # in a row, or backwards in one
            return [frame_idx]
        keyframes = self._frames.keyframes
        before = keyframes[keyframes <= frame_idx]
        start = int(before[-1]) if len(before) else 0
        if start < self._read < frame_idx:
            start = self._read
        return [*range(start + _STRETCH, frame_idx, _STRETCH), frame_idx]
