"""Image features of the frames in use: decoded, embedded and dropped on demand."""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.errors import PromptError
from sam2ov.model import ImageFeatures, SAM2Model

_BUDGET_BYTES = 128 << 20


class FrameSource(Protocol):
    """Random access to the frames of a video (``sam2ov.video`` has readers)."""

    @property
    def num_frames(self) -> int:
        """Length of the video."""

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of every frame."""

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        """Frame ``frame_idx`` as uint8 RGB [H, W, 3]."""

    def close(self) -> None:
        """Release the file."""


class ArrayFrames:
    """A video that is already in memory.

    Args:
        frames: uint8 RGB [T, H, W, 3].

    Raises:
        PromptError: another shape or type.
    """

    def __init__(self, frames: npt.NDArray[np.uint8]) -> None:
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not frames.size:
            raise PromptError(
                f"frames must be uint8 RGB [T, H, W, 3], got {frames.dtype} {frames.shape}."
            )
        self._frames = frames

    @property
    def num_frames(self) -> int:
        """Length of the video."""
        return len(self._frames)

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of every frame."""
        return self._frames.shape[1], self._frames.shape[2]

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        """Frame ``frame_idx`` as uint8 RGB [H, W, 3]."""
        frame: npt.NDArray[np.uint8] = self._frames[frame_idx]
        return frame

    def close(self) -> None:
        """Nothing to release."""


class FrameFeatures:
    """The features of the frames used last, within a budget of bytes.

    Tracking knows the frame that comes next: ``look_ahead`` has a thread decode, resize and embed
    it while the present one is tracked. An embedding depends on nothing but its frame.

    Args:
        model: whose image encoder embeds the frames.
        frames: the video; read from two threads.
    """

    def __init__(self, model: SAM2Model, frames: FrameSource) -> None:
        self._model = model
        self._frames = frames
        self._entries: OrderedDict[int, ImageFeatures] = OrderedDict()
        self._ahead: tuple[int, Future[ImageFeatures]] | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sam2ov-ahead")

    def __getitem__(self, frame_idx: int) -> ImageFeatures:
        if frame_idx not in self._entries:
            self._keep(frame_idx, self._awaited(frame_idx) or self._embed(frame_idx))
        self._entries.move_to_end(frame_idx)
        return self._entries[frame_idx]

    def look_ahead(self, frame_idx: int) -> None:
        """Have a frame embedded in the background; one at a time, what was ahead is kept."""
        if frame_idx in self._entries:
            return
        if self._ahead is not None:
            index, _ = self._ahead
            if index == frame_idx:
                return
            features = self._awaited(index)
            if features is not None:
                self._keep(index, features)
        self._ahead = frame_idx, self._worker.submit(self._embed, frame_idx)

    def close(self) -> None:
        """Forget everything; nothing reads the video any more."""
        self._worker.shutdown(cancel_futures=True)
        self._ahead = None
        self._entries.clear()

    def _awaited(self, frame_idx: int) -> ImageFeatures | None:
        """What the thread made of a frame; None if it was not asked, or could not.

        Why it could not, whoever needs the frame finds out by doing it.
        """
        if self._ahead is None or self._ahead[0] != frame_idx:
            return None
        future, self._ahead = self._ahead[1], None
        return None if future.exception() else future.result()

    def _embed(self, frame_idx: int) -> ImageFeatures:
        size = self._model.manifest.image_size
        return self._model.encode_image(squash(self._frames.read(frame_idx), size))

    def _keep(self, frame_idx: int, features: ImageFeatures) -> None:
        self._entries[frame_idx] = features
        while len(self._entries) > max(_BUDGET_BYTES // features.nbytes, 1):
            self._entries.popitem(last=False)


def squash(image: npt.NDArray[np.uint8], image_size: int) -> npt.NDArray[np.uint8]:
    """Resize a frame [H, W, 3] to the model's square [S, S, 3], without keeping its shape.

    Pillow's bicubic filter, as upstream's loader (utils/misc.py, ``_load_img_as_tensor``).
    """
    resized = Image.fromarray(image).resize((image_size, image_size), Image.Resampling.BICUBIC)
    return np.asarray(resized)
