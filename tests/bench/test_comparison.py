"""Pairs of rounds: ratios, masks frame by frame."""

from typing import cast

import numpy as np
import pytest

from sam2ov.bench.comparison import PairedRounds, mask_ious
from sam2ov.bench.torch_side import TorchBaseline, TorchPrecision, TorchRound
from sam2ov.bench.tracking import PackedMasks, Round


class ScriptedBaseline:
    """Takes the next of some times for each round; finds an object's left half."""

    def __init__(self, precision: TorchPrecision, seconds: list[float]) -> None:
        self.precision = precision
        self.position = 0
        self._seconds = iter(seconds)

    def open(self, boxes: object) -> None:
        self.position = 0

    def track(self, frames: int) -> TorchRound:
        masks = np.zeros((frames, 1, 4, 16), bool)
        masks[..., :8] = True
        first, self.position = self.position, self.position + frames
        packed = np.packbits(masks, axis=-1)
        return TorchRound(first, next(self._seconds), self.position, packed)


def ours(seconds: float) -> Round:
    return Round(3, seconds, {})


def pairs(precision: TorchPrecision) -> PairedRounds:
    # The warm-up, then a lead-in before each round.
    baseline = ScriptedBaseline(precision, [9, 9, 1.0, 9, 3.0, 9, 8.0])
    made = PairedRounds(cast("TorchBaseline", baseline), ((0, 0, 9, 9),), 2)
    for seconds in (0.5, 1.0, 2.0):
        made.measure(3, ours(seconds))
    return made


def test_ratios_are_those_of_pairs() -> None:
    half = pairs("bf16")
    result = half.result(half.masks, half.masks)
    assert (result.seconds_per_frame, result.speed_up) == (3, 3)
    assert result.speed_up_range == pytest.approx((2, 4))
    assert result.peak_memory_bytes == 2 + 3 * 4


def test_masks_are_compared_frame_by_frame() -> None:
    whole = np.packbits(np.ones((1, 4, 16), bool), axis=-1)
    half: PackedMasks = whole.copy()
    half[..., 1] = 0
    found = dict.fromkeys(range(20), half) | {5: whole}
    exact = pairs("f32")
    in_f32 = exact.result(found, exact.masks)
    assert in_f32.our_mask_iou == pytest.approx((13 + 0.5) / 14)
    assert in_f32.exact_mask_iou is None
    in_bf16 = pairs("bf16").result(exact.masks, found)
    assert in_bf16.our_mask_iou == 1
    assert in_bf16.exact_mask_iou == pytest.approx((13 + 0.5) / 14)


def test_ious() -> None:
    left = np.zeros((2, 4, 16), bool)
    left[0, :2] = True
    right = np.zeros((2, 4, 16), bool)
    right[0, 1:3] = True
    found = mask_ious(np.packbits(left, axis=-1), np.packbits(right, axis=-1))
    assert found == [pytest.approx(1 / 3), 1.0]
