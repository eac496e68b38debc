"""What there is to export: the cleaned masks of chosen objects on chosen frames of a clip."""

from collections.abc import Sequence
from copy import copy

import numpy as np

from sam2ov.cleanup.masks import CleanedMasks
from sam2ov.cleanup.shape import antialiased, feathered
from sam2ov.errors import ExportError
from sam2ov.values.masks import MAX_LABELS, BoolArray, FloatArray, LabelMap, MaskSource, label_map
from sam2ov.values.objects import ClipObject


class TrackedMasks:
    """Masks at video size, cleaned up frame by frame from what is stored.

    A frame or object without a result has an empty mask.

    Args:
        stored: where masks come from; it may go on being tracked meanwhile.
        objects: what to export, in order.
        frames: consecutive frames of the video; None for all.
        non_overlapping: give each pixel to the object with the highest logit only.

    Raises:
        ExportError: there are no objects, too many, one that has no prompts, or no frames.
    """

    def __init__(
        self,
        stored: MaskSource,
        objects: Sequence[ClipObject],
        frames: range | None = None,
        *,
        non_overlapping: bool = False,
    ) -> None:
        self.objects = tuple(objects)
        self.frames = range(stored.num_frames) if frames is None else frames
        self.size_hw = stored.size_hw
        self._stored = CleanedMasks(stored, {t.obj_id: t.clean_up for t in objects})
        self._non_overlapping = non_overlapping and len(objects) > 1
        self._labels: tuple[int, LabelMap] | None = None
        unknown = [target.obj_id for target in objects if target.obj_id not in stored.obj_ids]
        if unknown:
            raise ExportError(f"Objects {unknown} have no prompts, so there is nothing to export.")
        if not 0 < len(objects) <= MAX_LABELS:
            raise ExportError(f"Between 1 and {MAX_LABELS} objects can be exported together.")
        if not self.frames or self.frames.step != 1 or self.frames.stop > stored.num_frames:
            raise ExportError(
                f"Frames {self.frames} cannot be exported from {stored.num_frames} frames."
            )

    def mask(self, frame_idx: int, target: ClipObject) -> BoolArray:
        """The mask [H, W] of an object on a frame."""
        if self._non_overlapping:
            number = self.objects.index(target) + 1
            return np.asarray(self.label_map(frame_idx) == number)
        return self._logits(frame_idx, target) > 0

    def at_size(self, size_hw: tuple[int, int]) -> "TrackedMasks":
        """The same masks at another size."""
        made = copy(self)
        made.size_hw, made._labels = size_hw, None
        return made

    def matte(
        self,
        frame_idx: int,
        target: ClipObject,
        *,
        hard: bool = False,
        pixel_aspect: float = 1.0,
    ) -> FloatArray:
        """How much of each pixel [H, W] an object covers, 0 to 1: the mask with soft edges.

        They are as wide as the object's ``feather``, else as their pixels are covered; ``hard``:
        all or nothing. ``pixel_aspect`` is width / height of a pixel, see ``feathered``.
        """
        if hard:
            return self.mask(frame_idx, target).astype(np.float32)
        if target.clean_up.feather > 1:
            return feathered(self.mask(frame_idx, target), target.clean_up.feather, pixel_aspect)
        logits = self._logits(frame_idx, target)
        mask = self.mask(frame_idx, target) if self._non_overlapping else logits > 0
        return antialiased(mask, logits)

    def label_map(self, frame_idx: int) -> LabelMap:
        """Which object each pixel belongs to; where masks overlap, the highest logit wins."""
        if self._labels is not None and self._labels[0] == frame_idx:
            return self._labels[1]
        each = (self._logits(frame_idx, target) for target in self.objects)
        labels = label_map(each, self.size_hw)
        self._labels = frame_idx, labels  # asked for by each object's output in turn
        return labels

    def _logits(self, frame_idx: int, target: ClipObject) -> FloatArray:
        # One object at a time: at 4K a float map takes 33 MB.
        logits: FloatArray = self._stored.logits_at(frame_idx, self.size_hw, [target.obj_id])[0]
        return logits
