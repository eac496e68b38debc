"""Masks whose truth is known: shapes that move, and what goes wrong with them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sam2ov.cleanup.masks import CleanedMasks
from sam2ov.values.clean_up import CleanUp
from sam2ov.values.masks import BoolArray, FloatArray, resize_logits

SIZE_HW = (90, 160)
Paint = Callable[[float], BoolArray]
"""The mask at a frame."""


@dataclass
class Stored:
    """Where masks come from: ``masks`` [T, H, W] of object 1."""

    masks: BoolArray
    obj_ids: tuple[int, ...] = (1,)
    asked: int = 0

    @property
    def num_frames(self) -> int:
        return len(self.masks)

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.masks.shape[1], self.masks.shape[2]

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        self.asked += 1
        logits = np.where(self.masks[frame_idx], np.float32(5), np.float32(-5))
        return resize_logits(logits[None], size_hw)


def cleaned(masks: BoolArray, **wanted: float) -> BoolArray:
    """All frames of [T, H, W] after clean-up."""
    source = CleanedMasks(Stored(masks), {1: CleanUp.model_validate(wanted)})
    size_hw = source.size_hw
    return np.stack([source.logits_at(i, size_hw, [1])[0] > 0 for i in range(len(masks))])


def disc(centre_xy: tuple[float, float], radius: float) -> BoolArray:
    y, x = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
    inside: BoolArray = (x - centre_xy[0]) ** 2 + (y - centre_xy[1]) ** 2 <= radius**2
    return inside


def box(x: int, y: int, width: int, height: int) -> BoolArray:
    mask = np.zeros(SIZE_HW, np.bool_)
    mask[max(y, 0) : y + height, max(x, 0) : x + width] = True
    return mask


def iou(one: BoolArray, other: BoolArray) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))
