"""How steady masks are, and how right where true ones are at hand; frame by frame.

Nothing here looks at pictures. Steadiness is measured at a working size, whatever the clip's: each
number costs a few milliseconds, and three masks of an object are in memory at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from sam2ov.cleanup.motion import Patch, between, shift_between
from sam2ov.evaluation.metrics import boundary_accuracy, outline, region_similarity
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.values.masks import BoolArray, FloatArray, MaskSource, stability_scores

WORKING_SIDE: Final = 480
"""The longer side of masks whose steadiness is measured, in pixels."""

STABILITY_DELTA: Final = 1.0
"""Logits by which the threshold is moved up and down, as upstream's finder of objects does."""


class TrueMasks(Protocol):
    """Where true masks come from."""

    @property
    def frames(self) -> Sequence[int]:
        """The annotated frames."""

    def truth(self, frame_idx: int, obj_id: int) -> BoolArray | None:
        """An object's mask [H, W] on an annotated frame; None where it is not known."""


@dataclass(frozen=True, eq=False)
class ObjectMeasures:
    """Of one object on each of N frames; float32 [N], NaN where there is nothing to measure.

    Attributes:
        flicker: 1 less the IoU with the mask of the frame before, after that was moved to where it
            fits best; 0 to 1. What is left are changes of shape.
        trembling: how far the outline lies, on average, from what the frames before and after make
            likely, in pixels of the clip.
        stability: IoU of the masks at logits above +1 and above -1; 0 to 1.
        j: region similarity with the true mask; 0 to 1.
        f: accuracy of the outline; 0 to 1.
    """

    flicker: FloatArray
    trembling: FloatArray
    stability: FloatArray
    j: FloatArray
    f: FloatArray


def measure(
    masks: MaskSource,
    obj_ids: Sequence[int],
    frames: range,
    truths: TrueMasks | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> dict[int, ObjectMeasures]:
    """Measure objects on consecutive frames.

    Args:
        masks: where they come from.
        obj_ids: which of its objects.
        frames: which frames of the video, ascending.
        truths: true masks of the same objects by their numbers, at the size of the video.
        progress: told of frames.
        cancel: asked before each frame.

    Raises:
        DatasetError: a true mask cannot be read.
        CancelledError: ``cancel`` returned true.
    """
    size_hw = working_size(masks.size_hw)
    scale = masks.size_hw[0] / size_hw[0]
    annotated = set() if truths is None else set(truths.frames)
    found = {obj_id: _Steadiness(len(frames), size_hw, scale) for obj_id in obj_ids}
    for index, frame_idx in enumerate(frames):
        raise_if_cancelled(cancel, "Measuring")
        for obj_id, steadiness in found.items():
            logits = masks.logits_at(frame_idx, size_hw, [obj_id])[0]
            steadiness.add(index, logits)
            if truths is not None and frame_idx in annotated:
                truth = truths.truth(frame_idx, obj_id)
                if truth is None:
                    continue
                mask = masks.logits_at(frame_idx, masks.size_hw, [obj_id])[0] > 0
                steadiness.measures.j[index] = region_similarity(mask, truth)
                steadiness.measures.f[index] = boundary_accuracy(mask, truth)
        if progress is not None:
            progress(Progress("Measuring", index + 1, len(frames), "items"))
    return {obj_id: steadiness.measures for obj_id, steadiness in found.items()}


def working_size(size_hw: tuple[int, int]) -> tuple[int, int]:
    """Height and width at which steadiness is measured."""
    height, width = size_hw
    share = min(WORKING_SIDE / max(height, width), 1.0)
    return max(round(height * share), 1), max(round(width * share), 1)


def flicker(before: Patch, mask: Patch, size_hw: tuple[int, int]) -> float:
    """1 less the IoU of a mask and the one before, moved to where it fits; NaN without both."""
    if before.is_empty or mask.is_empty:
        return float("nan")
    moved = before.moved(shift_between(before, mask, size_hw))
    return 1 - region_similarity(*_together(moved, mask))


def trembling(before: Patch, mask: Patch, after: Patch, size_hw: tuple[int, int]) -> float:
    """Mean distance of an outline from the likely one, in pixels of the masks; NaN without all.

    The pixels that differ, per pixel of the outline.
    """
    if before.is_empty or mask.is_empty or after.is_empty:
        return float("nan")
    likely = between(before, after, 0.5, size_hw)
    if likely.is_empty:
        return float("nan")
    expected, present = _together(likely, mask)
    length = int(np.count_nonzero(outline(present)))
    return int(np.count_nonzero(expected ^ present)) / max(length, 1)


def _together(one: Patch, other: Patch) -> tuple[BoolArray, BoolArray]:
    """Two masks in the smallest window that holds both, with a pixel around."""
    top, left = min(one.top, other.top) - 1, min(one.left, other.left) - 1
    bottom, right = max(one.bottom, other.bottom) + 1, max(one.right, other.right) + 1
    window = (bottom - top, right - left)
    return one.mask(window, (top, left)), other.mask(window, (top, left))


def _nothing(count: int) -> FloatArray:
    return np.full(count, np.nan, np.float32)


@dataclass(eq=False)
class _Steadiness:
    """Takes the logits of consecutive frames; of the last two frames it holds the masks."""

    num_frames: int
    size_hw: tuple[int, int]
    scale: float
    measures: ObjectMeasures = field(init=False)

    def __post_init__(self) -> None:
        self.measures = ObjectMeasures(*(_nothing(self.num_frames) for _ in range(5)))
        self._last: tuple[Patch, ...] = ()

    def add(self, index: int, logits: FloatArray) -> None:
        mask = Patch.of(logits > 0)
        if not mask.is_empty:
            stability = stability_scores(logits[None], STABILITY_DELTA)
            self.measures.stability[index] = stability[0]
        if self._last:
            self.measures.flicker[index] = flicker(self._last[-1], mask, self.size_hw)
        if len(self._last) == 2:
            distance = trembling(*self._last, mask, self.size_hw)
            self.measures.trembling[index - 1] = distance * self.scale
        self._last = (*self._last[-1:], mask)
