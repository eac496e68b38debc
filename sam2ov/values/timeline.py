"""What is known about an object on each frame of a video: 25 bytes a frame."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sam2ov.values.masks import BoolArray, FloatArray


@dataclass(frozen=True)
class FrameFacts:
    """What a result says besides its mask; see ``Timeline`` for the units."""

    object_score: float
    iou: float
    area: float
    centre: tuple[float, float]


@dataclass(eq=False)
class Timeline:
    """What is known about an object on each frame; arrays of the video's length.

    Attributes:
        has_result: bool; a mask is stored.
        direction: int8; 1 tracked forwards, -1 backwards, 0 not passed by propagation.
        stale: bool; the stored mask was tracked from prompts that have changed since.
        kept: bool; the memory policy keeps the frame beyond its neighbours' time.
        lost: bool; the object has not been found again since a scene cut.
        object_score: float32 logit, NaN where there is no result.
        iou: float32 predicted IoU, NaN where there is no result.
        area: float32 share of the picture, 0 to 1; 0 where there is no mask.
        centre: float32 [T, 2], centre of mass as (x, y) in shares of width and height; NaN where
            there is no mask.
    """

    has_result: BoolArray
    direction: npt.NDArray[np.int8]
    stale: BoolArray
    kept: BoolArray
    lost: BoolArray
    object_score: FloatArray
    iou: FloatArray
    area: FloatArray
    centre: FloatArray

    def record(self, frame_idx: int, facts: "FrameFacts") -> None:
        """A mask that follows from the current prompts was stored."""
        self.has_result[frame_idx] = True
        self.stale[frame_idx] = False
        self.object_score[frame_idx] = facts.object_score
        self.iou[frame_idx] = facts.iou
        self.area[frame_idx] = facts.area
        self.centre[frame_idx] = facts.centre

    def forget(self, frame_idx: int) -> None:
        """The mask has gone."""
        self.has_result[frame_idx] = False
        self.stale[frame_idx] = False
        self.kept[frame_idx] = False
        self.lost[frame_idx] = False
        self.object_score[frame_idx] = np.nan
        self.iou[frame_idx] = np.nan
        self.area[frame_idx] = 0
        self.centre[frame_idx] = np.nan

    def grow(self, num_frames: int) -> None:
        """Make room for the frames that a video has gained; what is known stays.

        The arrays are exchanged: who holds one sees the frames that there were.
        """
        known = len(self.has_result)
        if num_frames <= known:
            return
        spare = Timeline.empty(max(num_frames, 2 * known))  # so that growing costs little a frame
        for name, array in vars(self).items():
            whole = array.base
            if whole is None or len(whole) < num_frames:
                whole = getattr(spare, name)
                whole[:known] = array
            setattr(self, name, whole[:num_frames])

    def renumbered(self, places: Mapping[int, int]) -> "Timeline":
        """A timeline of the frames that are in ``places`` alone, by the numbers that it has."""
        known, numbers = list(places), list(places.values())
        other = Timeline.empty(max(numbers, default=-1) + 1)
        for name, array in vars(other).items():
            array[numbers] = getattr(self, name)[known]
        return other

    @classmethod
    def empty(cls, num_frames: int) -> "Timeline":
        """A timeline on which nothing is known."""
        return cls(
            np.zeros(num_frames, np.bool_),
            np.zeros(num_frames, np.int8),
            np.zeros(num_frames, np.bool_),
            np.zeros(num_frames, np.bool_),
            np.zeros(num_frames, np.bool_),
            np.full(num_frames, np.nan, np.float32),
            np.full(num_frames, np.nan, np.float32),
            np.zeros(num_frames, np.float32),
            np.full((num_frames, 2), np.nan, np.float32),
        )
