"""A session over frames that are still coming, in bounded memory and disk space for any time.

What lies far back is forgotten, and the frames that are left are numbered anew, so that neither
timelines nor results grow. To the model a prompt of yesterday is then a prompt of some minutes ago:
how far back a prompted frame lies is told to it by the distance of its pointer, which no model was
trained with beyond short clips.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.engine.live_frames import LiveFrames
from sam2ov.engine.policy import MAX_PROMPTED
from sam2ov.engine.session import TrackedFrame, VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.values.masks import FloatArray, no_object

_RESULTS_KEPT: Final = 512
"""Frames whose results are kept; policies look back on up to 300."""

_FRAMES_BETWEEN: Final = 1024
"""So many frames come before what is old is forgotten again."""

_PERIOD: Final = 60
"""Policies look at every 5th frame or so: numbers change by multiples of this."""


class LiveSession(VideoSession):
    """Objects followed through frames that come one by one.

    Args:
        tracker: the model's per-frame logic; sessions share it.
        size_hw: height and width of every frame.
        frames_held: so many of the newest frames can be prompted.
    """

    def __init__(self, tracker: Tracker, size_hw: tuple[int, int], frames_held: int) -> None:
        self._live = LiveFrames(size_hw, frames_held)
        self._forgotten_at = 0
        self._renumbered_by = 0
        super().__init__(tracker, self._live)

    @property
    def newest(self) -> int:
        """How many frames had come before the one that came last; -1 before the first."""
        return self.num_frames - 1 + self._renumbered_by

    @property
    def oldest(self) -> int:
        """The first one that is still held, counted as ``newest`` is."""
        return self._live.oldest + self._renumbered_by

    def index_of(self, number: int) -> int:
        """The present frame index of a frame that is held, counted as ``newest`` is."""
        return number - self._renumbered_by

    def follow(self, image: npt.NDArray[np.uint8]) -> TrackedFrame:
        """Take in the next frame, uint8 RGB [H, W, 3], and find all objects on it.

        ``frame_idx`` of what is returned is counted as ``newest`` is.

        Raises:
            PromptError: the frame has another shape or type than those before.
        """
        with self._lock:
            if self.num_frames - self._forgotten_at >= _FRAMES_BETWEEN:
                self._forget_the_old()
            frame_idx = self._live.add(image)
            if not self._objects:
                size = self._tracker.manifest.low_res_size
                return TrackedFrame(self.newest, (), no_object((size, size))[None][:0])
            (found,) = self.propagate(frame_idx, 0)
            return TrackedFrame(self.newest, found.obj_ids, found.mask_logits)

    def scores(self, obj_ids: Sequence[int]) -> FloatArray:
        """The objects' scores on the newest frame, float32 [N]; NaN where nothing is known."""
        with self._lock:
            newest = self.num_frames - 1
            found = (self.result(newest, obj_id) for obj_id in obj_ids)
            return np.array(
                [np.nan if each is None else each.object_score for each in found], np.float32
            )

    def _forget_the_old(self) -> None:
        """Keep the newest results, and what objects remember from before."""
        first = min(self.num_frames - _RESULTS_KEPT, self._live.oldest)
        kept = set(range(max(first, 0), self.num_frames))
        prompted = {}
        for target in self._objects.values():
            in_order = list(target.conditioning)
            prompted[target] = [*in_order[:1], *in_order[1:][-(MAX_PROMPTED - 1) :]]
            kept.update(target.remembered, prompted[target])
        places: dict[int, int] = {}
        following = 0
        for frame_idx in sorted(kept):
            following += (frame_idx - following) % _PERIOD
            places[frame_idx] = following
            following += 1
        by = self.num_frames - following
        self._live.renumber(places)
        self._features.renumber(places)
        for target, frames in prompted.items():
            target.renumber(places, frames)
        self._renumbered_by += by
        self._forgotten_at = self.num_frames
