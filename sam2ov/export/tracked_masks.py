"""What there is to export: the masks of chosen objects on chosen frames of a session."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sam2ov.errors import ExportError
from sam2ov.masks import BoolArray, FloatArray
from sam2ov.palette import Rgb
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.session import VideoSession

LabelMap = npt.NDArray[np.uint8]
"""uint8 [H, W]: 0 for the background, n for the n-th object."""

MAX_OBJECTS = 255


@dataclass(frozen=True)
class ExportedObject:
    """An object as it appears in the output."""

    obj_id: int
    name: str
    colour: Rgb


class TrackedMasks:
    """Masks at video size, computed frame by frame from what the session has stored.

    A frame or object without a result has an empty mask.

    Args:
        session: open; it may go on tracking meanwhile.
        objects: what to export, in order.
        frames: consecutive frames of the video.
        non_overlapping: give each pixel to the object with the highest logit only.

    Raises:
        ExportError: there are no objects, too many, one that the session does not have, or no
            frames.
    """

    def __init__(
        self,
        session: VideoSession,
        objects: Sequence[ExportedObject],
        frames: range | None = None,
        *,
        non_overlapping: bool = False,
    ) -> None:
        self.objects = tuple(objects)
        self.frames = range(session.num_frames) if frames is None else frames
        self.size_hw = session.size_hw
        self._session = session
        self._non_overlapping = non_overlapping
        unknown = [target.obj_id for target in objects if target.obj_id not in session.obj_ids]
        if unknown:
            raise ExportError(f"Objects {unknown} have no prompts, so there is nothing to export.")
        if not 0 < len(objects) <= MAX_OBJECTS:
            raise ExportError(f"Between 1 and {MAX_OBJECTS} objects can be exported together.")
        if not self.frames or self.frames.step != 1 or self.frames.stop > session.num_frames:
            raise ExportError(
                f"Frames {self.frames} cannot be exported from {session.num_frames} frames."
            )

    def steps(
        self, stage: str, progress: ProgressCallback | None, cancel: CancelCheck | None
    ) -> Iterator[int]:
        """The frames in order; tells ``progress`` after each, asks ``cancel`` before each.

        Raises:
            CancelledError: ``cancel`` returned true.
        """
        for done, frame_idx in enumerate(self.frames, 1):
            raise_if_cancelled(cancel, stage)
            yield frame_idx
            if progress is not None:
                progress(Progress(stage, done, len(self.frames), "steps"))

    def masks(self, frame_idx: int) -> Iterator[BoolArray]:
        """The mask [H, W] of each object on a frame, one at a time."""
        if self._non_overlapping and len(self.objects) > 1:
            labels = self.label_map(frame_idx)
            yield from (labels == number for number in range(1, len(self.objects) + 1))
        else:
            yield from (logits > 0 for logits in self._logits(frame_idx))

    def union(self, frame_idx: int) -> BoolArray:
        """Where any object is, [H, W]."""
        union = np.zeros(self.size_hw, np.bool_)
        for mask in self.masks(frame_idx):
            union |= mask
        return union

    def label_map(self, frame_idx: int) -> LabelMap:
        """Which object each pixel belongs to; where masks overlap, the highest logit wins."""
        labels = np.zeros(self.size_hw, np.uint8)
        best = np.zeros(self.size_hw, np.float32)
        for number, logits in enumerate(self._logits(frame_idx), 1):
            wins = logits > best
            labels[wins] = number
            best[wins] = logits[wins]
        return labels

    def _logits(self, frame_idx: int) -> Iterator[FloatArray]:
        # One object at a time: at 4K a float map takes 33 MB.
        for target in self.objects:
            yield self._session.logits_at(frame_idx, self.size_hw, [target.obj_id])[0]
