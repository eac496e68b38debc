"""Image features of the frames in use: decoded, embedded and dropped on demand."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.engine.cuts import Change, Glance, is_cut
from sam2ov.engine.model import ImageFeatures, SAM2Model
from sam2ov.errors import PromptError

_BUDGET_BYTES = 128 << 20
_MOST_NOTED = 64
"""Frames whose digests and glances are kept: many more than whose features."""

_Noted = TypeVar("_Noted")


class FrameSource(Protocol):
    """Random access to the frames of a video (``sam2ov.video`` has readers)."""

    @property
    def num_frames(self) -> int:
        """Length of the video; of one that grows, the frames that have come."""

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of every frame."""

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        """Frame ``frame_idx`` as uint8 RGB [H, W, 3]."""

    def close(self) -> None:
        """Release the file."""


@runtime_checkable
class GrowingSource(FrameSource, Protocol):
    """A video whose frames are still coming, as from a camera."""

    @property
    def is_growing(self) -> bool:
        """Whether more frames may come; its length is not known until then."""

    def holds(self, frame_idx: int) -> bool:
        """Whether a frame that has come can still be read."""


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

    Animation on twos and recordings of screens show a picture for several frames. Where a frame is
    to the model what its neighbour is, it is not embedded again.

    Tracking knows the frame that comes next: ``look_ahead`` has a thread decode and resize it while
    the present one is tracked. Embedding it there as well gains nothing on two cores: two networks
    at a time wait for each other's threads.

    Args:
        model: whose image encoder embeds the frames.
        frames: the video; read from two threads.
        holds_pictures: look for equal neighbours.
        finds_cuts: look for scene cuts between neighbours.
    """

    def __init__(
        self,
        model: SAM2Model,
        frames: FrameSource,
        *,
        holds_pictures: bool = False,
        finds_cuts: bool = False,
    ) -> None:
        self._model = model
        self._holds = holds_pictures
        self._finds_cuts = finds_cuts
        self._frames = frames
        self._entries: OrderedDict[int, ImageFeatures] = OrderedDict()
        self._digests: OrderedDict[int, bytes] = OrderedDict()
        self._glances: OrderedDict[int, Glance] = OrderedDict()
        self._ahead: tuple[int, Future[npt.NDArray[np.uint8]]] | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sam2ov-ahead")

    @property
    def num_frames(self) -> int:
        """The frames that there are."""
        return self._frames.num_frames

    @property
    def length(self) -> int | None:
        """Of the video in frames; None while it grows."""
        is_growing = isinstance(self._frames, GrowingSource) and self._frames.is_growing
        return None if is_growing else self._frames.num_frames

    def __contains__(self, frame_idx: int) -> bool:
        """Whether a frame is embedded already."""
        return frame_idx in self._entries

    def __getitem__(self, frame_idx: int) -> ImageFeatures:
        if frame_idx not in self._entries:
            image = self._image(frame_idx)
            if self._holds:
                self._note(frame_idx, image)
            if self._finds_cuts:
                _put(self._glances, frame_idx, Glance.of(image))
            neighbours = (frame_idx - 1, frame_idx + 1)
            held = next((i for i in neighbours if self.shows_same(frame_idx, i)), None)
            features = self._entries.get(frame_idx if held is None else held)
            if features is None:
                features = self._model.encode_image(image)
            self._entries[frame_idx] = features
            while len(self._entries) > max(_BUDGET_BYTES // features.nbytes, 1):
                self._entries.popitem(last=False)
        self._entries.move_to_end(frame_idx)
        return self._entries[frame_idx]

    def holds(self, frame_idx: int) -> bool:
        """Whether a frame can be embedded, or is; a camera's frames are not held for ever."""
        if frame_idx in self._entries or not isinstance(self._frames, GrowingSource):
            return True
        return self._frames.holds(frame_idx)

    def renumber(self, places: Mapping[int, int]) -> None:
        """Keep the frames that are in ``places`` alone, under the numbers that it has for them."""
        self._ahead = None
        for held in (self._entries, self._digests, self._glances):
            kept = [(places[frame], each) for frame, each in held.items() if frame in places]
            held.clear()
            held.update(kept)  # type: ignore[arg-type]  # of the same dictionary

    def shows_same(self, frame_idx: int, other: int) -> bool:
        """Whether two frames that were embedded lately are one picture to the model."""
        digest = self._digests.get(frame_idx)
        return digest is not None and digest == self._digests.get(other)

    def is_cut(self, frame_idx: int, step: int) -> bool:
        """Whether another scene begins between a frame and the one before it.

        Known of frames that were embedded lately; false elsewhere.

        Args:
            frame_idx: the frame.
            step: 1 if the one before has the number below, -1 where it goes back in time.
        """
        known = [self._glances.get(frame_idx - back * step) for back in range(3)]
        present, before, earlier = known
        if present is None or before is None:
            return False
        usual = None if earlier is None else Change.between(earlier, before)
        return is_cut(Change.between(before, present), usual)

    def look_ahead(self, frame_idx: int) -> None:
        """Have a frame decoded and resized in the background; the latest one asked for counts."""
        known = self._ahead is not None and self._ahead[0] == frame_idx
        if not known and frame_idx not in self._entries:
            self._ahead = frame_idx, self._worker.submit(self._read, frame_idx)

    def close(self) -> None:
        """Forget everything; nothing reads the video any more."""
        self._worker.shutdown(cancel_futures=True)
        self._ahead = None
        self._entries.clear()
        self._digests.clear()
        self._glances.clear()

    def _note(self, frame_idx: int, image: npt.NDArray[np.uint8]) -> None:
        digest = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        _put(self._digests, frame_idx, digest)

    def _image(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        if self._ahead is None or self._ahead[0] != frame_idx:
            return self._read(frame_idx)
        future, self._ahead = self._ahead[1], None
        return future.result()

    def _read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        return squash(self._frames.read(frame_idx), self._model.manifest.image_size)


def _put(noted: "OrderedDict[int, _Noted]", frame_idx: int, value: _Noted) -> None:
    noted[frame_idx] = value
    noted.move_to_end(frame_idx)
    if len(noted) > _MOST_NOTED:
        noted.popitem(last=False)


def squash(image: npt.NDArray[np.uint8], image_size: int) -> npt.NDArray[np.uint8]:
    """Resize a frame [H, W, 3] to the model's square [S, S, 3], without keeping its shape.

    Pillow's bicubic filter, as upstream's loader (utils/misc.py, ``_load_img_as_tensor``).
    """
    resized = Image.fromarray(image).resize((image_size, image_size), Image.Resampling.BICUBIC)
    return np.asarray(resized)
