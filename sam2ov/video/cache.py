"""Decoded frames that were used last, within a budget of bytes."""

from collections import OrderedDict

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""uint8 RGB [H, W, 3]."""

Picture = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""RGB [H, W, 3] or RGBA [H, W, 4] of either depth."""


class FrameCache:
    """Least-recently-used frames by number. A budget of less than a frame keeps nothing.

    Args:
        max_bytes: the budget.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._num_bytes = 0
        self._frames: OrderedDict[int, Picture] = OrderedDict()

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        return self._num_bytes

    def get(self, frame_idx: int) -> Picture | None:
        """Return a frame and mark it as used."""
        frame = self._frames.get(frame_idx)
        if frame is not None:
            self._frames.move_to_end(frame_idx)
        return frame

    def put(self, frame_idx: int, frame: Picture) -> None:
        """Keep a frame, dropping those that were not used for longest."""
        self.drop(frame_idx)
        self._frames[frame_idx] = frame
        self._num_bytes += frame.nbytes
        while self._num_bytes > self.max_bytes:
            self.drop(next(iter(self._frames)))

    def drop(self, frame_idx: int) -> None:
        """Forget a frame if it is held."""
        frame = self._frames.pop(frame_idx, None)
        if frame is not None:
            self._num_bytes -= frame.nbytes

    def clear(self) -> None:
        """Forget everything."""
        self._frames.clear()
        self._num_bytes = 0
