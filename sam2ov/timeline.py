"""What is known about an object on each frame of a video: 11 bytes a frame."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sam2ov.masks import BoolArray, FloatArray


@dataclass(eq=False)
class Timeline:
    """What is known about an object on each frame; arrays of the video's length.

    Attributes:
        has_result: bool; a mask is stored.
        direction: int8; 1 tracked forwards, -1 backwards, 0 not passed by propagation.
        stale: bool; the stored mask was tracked from prompts that have changed since.
        object_score: float32 logit, NaN where there is no result.
        iou: float32 predicted IoU, NaN where there is no result.
    """

    has_result: BoolArray
    direction: npt.NDArray[np.int8]
    stale: BoolArray
    object_score: FloatArray
    iou: FloatArray

    def record(self, frame_idx: int, object_score: float, iou: float) -> None:
        """A mask that follows from the current prompts was stored."""
        self.has_result[frame_idx] = True
        self.stale[frame_idx] = False
        self.object_score[frame_idx] = object_score
        self.iou[frame_idx] = iou

    def forget(self, frame_idx: int) -> None:
        """The mask has gone."""
        self.has_result[frame_idx] = False
        self.stale[frame_idx] = False
        self.object_score[frame_idx] = np.nan
        self.iou[frame_idx] = np.nan

    @classmethod
    def empty(cls, num_frames: int) -> "Timeline":
        """A timeline on which nothing is known."""
        return cls(
            np.zeros(num_frames, np.bool_),
            np.zeros(num_frames, np.int8),
            np.zeros(num_frames, np.bool_),
            np.full(num_frames, np.nan, np.float32),
            np.full(num_frames, np.nan, np.float32),
        )
