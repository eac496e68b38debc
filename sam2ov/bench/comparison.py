"""Our rounds and torch's, in pairs."""

import statistics
from collections.abc import Mapping

import numpy as np

from sam2ov.bench.clip import Box
from sam2ov.bench.report import TorchResult
from sam2ov.bench.torch_side import TorchBaseline, TorchRound
from sam2ov.bench.tracking import LEAD_IN_FRAMES, PackedMasks, Round


class PairedRounds:
    """The rounds of one of torch's processes, each with the round of ours before it.

    Args:
        baseline: the process.
        boxes: of the objects.
        warm_up: frames to begin with.

    Attributes:
        masks: what it found, by frame.

    Raises:
        ModelError: the process fails, here and later.
    """

    def __init__(self, baseline: TorchBaseline, boxes: tuple[Box, ...], warm_up: int) -> None:
        self._baseline = baseline
        self._seconds: list[float] = []
        self._ratios: list[float] = []
        self.masks: dict[int, PackedMasks] = {}
        self._peak: int | None = None
        baseline.open(boxes)
        self._track(warm_up)

    def measure(self, frames: int, ours: Round) -> None:
        """Let torch track as many frames as ``ours`` has, with the same lead-in."""
        self._track(LEAD_IN_FRAMES)
        seconds = self._track(frames).seconds_per_frame
        self._seconds.append(seconds)
        self._ratios.append(seconds / ours.seconds_per_frame)

    def result(
        self, our_masks: Mapping[int, PackedMasks], exact: Mapping[int, PackedMasks]
    ) -> TorchResult:
        """The comparison.

        Args:
            our_masks: of at least as many frames.
            exact: torch's in float32, likewise.
        """
        is_exact = self._baseline.precision == "f32"
        return TorchResult(
            precision=self._baseline.precision,
            seconds_per_frame=statistics.median(self._seconds),
            speed_up=statistics.median(self._ratios),
            speed_up_range=(min(self._ratios), max(self._ratios)),
            our_mask_iou=self._mean_iou(our_masks),
            exact_mask_iou=None if is_exact else self._mean_iou(exact),
            peak_memory_bytes=self._peak,
        )

    def _mean_iou(self, others: Mapping[int, PackedMasks]) -> float:
        return statistics.fmean(
            iou
            for frame_idx, masks in self.masks.items()
            for iou in mask_ious(others[frame_idx], masks)
        )

    def _track(self, frames: int) -> TorchRound:
        done = self._baseline.track(frames)
        self._peak = done.peak_memory_bytes
        self.masks |= dict(enumerate(done.masks, done.first_frame))
        return done


def mask_ious(masks: PackedMasks, others: PackedMasks) -> list[float]:
    """Intersection over union of each of N masks with its counterpart; 1 where both are empty."""
    common = np.bitwise_count(masks & others).sum(axis=(1, 2))
    either = np.bitwise_count(masks | others).sum(axis=(1, 2))
    return [float(c / e) if e else 1.0 for c, e in zip(common, either, strict=True)]
