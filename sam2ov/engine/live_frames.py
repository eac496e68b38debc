"""The last frames of a video that is still coming."""

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sam2ov.errors import FrameDecodeError, PromptError


class LiveFrames:
    """A ``GrowingSource`` that holds its newest frames, and forgets the others.

    Args:
        size_hw: height and width of every frame.
        most: so many frames are held.
    """

    def __init__(self, size_hw: tuple[int, int], most: int) -> None:
        self.size_hw = size_hw
        self.is_growing = True
        self.num_frames = 0
        self._most = most
        self._held: OrderedDict[int, npt.NDArray[np.uint8]] = OrderedDict()

    @property
    def oldest(self) -> int:
        """The first frame that is still held; the next one to come if there is none."""
        return next(iter(self._held), self.num_frames)

    def add(self, image: npt.NDArray[np.uint8]) -> int:
        """Take in the next frame, uint8 RGB [H, W, 3], which is not written to any more.

        Returns:
            Its number.

        Raises:
            PromptError: another shape or type.
        """
        if image.shape != (*self.size_hw, 3) or image.dtype != np.uint8:
            height, width = self.size_hw
            raise PromptError(
                f"a live frame is {image.dtype} {image.shape}; all must be uint8 RGB "
                f"({height}, {width}, 3) as the first one was. Scale it, or start anew."
            )
        frame_idx = self.num_frames
        self._held[frame_idx] = image
        self.num_frames += 1
        if len(self._held) > self._most:
            self._held.popitem(last=False)
        return frame_idx

    def holds(self, frame_idx: int) -> bool:
        """Whether a frame can still be read."""
        return frame_idx in self._held

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        """Frame ``frame_idx`` as uint8 RGB [H, W, 3].

        Raises:
            FrameDecodeError: it has been forgotten.
        """
        try:
            return self._held[frame_idx]
        except KeyError:
            raise FrameDecodeError(
                f"live frame {frame_idx} has been forgotten: {len(self._held)} are held, from "
                f"{self.oldest}."
            ) from None

    def renumber(self, places: Mapping[int, int]) -> None:
        """Give every frame that is held the number that ``places`` has for it."""
        self._held = OrderedDict((places[frame], image) for frame, image in self._held.items())
        self.num_frames = max(places.values(), default=-1) + 1

    def close(self) -> None:
        """Forget everything; no frame comes any more."""
        self._held.clear()
        self.is_growing = False
