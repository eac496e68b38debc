"""Frames as the browser gets them: JPEG, no larger than a screen needs, the last ones kept."""

import threading
from collections import OrderedDict

import cv2

from sam2ov.errors import FrameDecodeError
from sam2ov.features import FrameSource

MAX_SIDE = 1280
_QUALITY = 85
_CACHE_BYTES = 24 << 20


def display_size(size_hw: tuple[int, int]) -> tuple[int, int]:
    """The size (height, width) at which frames and masks of a video are shown."""
    height, width = size_hw
    scale = min(1.0, MAX_SIDE / max(height, width))
    return max(round(height * scale), 1), max(round(width * scale), 1)


class FramePictures:
    """JPEG pictures of a video's frames.

    Args:
        frames: the video, which stays the caller's.
    """

    def __init__(self, frames: FrameSource) -> None:
        self.size_hw = display_size(frames.size_hw)
        self._frames = frames
        self._lock = threading.Lock()
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._cached_bytes = 0

    def jpeg(self, frame_idx: int) -> bytes:
        """Frame ``frame_idx`` as a JPEG file."""
        with self._lock:
            known = self._cache.get(frame_idx)
            if known is not None:
                self._cache.move_to_end(frame_idx)
                return known
        made = self._encode(frame_idx)
        with self._lock:
            if frame_idx not in self._cache:
                self._cache[frame_idx] = made
                self._cached_bytes += len(made)
            while self._cached_bytes > _CACHE_BYTES:
                _, dropped = self._cache.popitem(last=False)
                self._cached_bytes -= len(dropped)
        return made

    def _encode(self, frame_idx: int) -> bytes:
        height, width = self.size_hw
        frame = cv2.cvtColor(self._frames.read(frame_idx), cv2.COLOR_RGB2BGR)
        if frame.shape[:2] != self.size_hw:
            frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        ok, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not ok:
            raise FrameDecodeError(f"Frame {frame_idx} cannot be turned into a picture.")
        return data.tobytes()
