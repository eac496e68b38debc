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

    Raises:
        ModelError: the process fails, here and later.
    """

    def __init__(self, baseline: TorchBaseline, boxes: tuple[Box, ...], warm_up: int) -> None:
        self._baseline = baseline
        self._seconds: list[float] = []
        self._ratios: list[float] = []
        self._masks: dict[int, PackedMasks] = {}
        self._peak: int | None = None
        baseline.open(boxes)
        self._track(warm_up)

    def measure(self, frames: int, ours: Round) -> None:
        """Let torch track as many frames as ``ours`` has, with the same lead-in."""
        self._track(LEAD_IN_FRAMES)
        seconds = self._track(frames).seconds_per_frame
        self._seconds.append(seconds)
        self._ratios.append(seconds / ours.seconds_per_frame)

    def result(self, our_masks: Mapping[int, PackedMasks]) -> TorchResult:
        """The comparison; ``our_masks`` are those of at least as many frames."""
        ious = [
            iou
            for frame_idx, masks in self._masks.items()
            for iou in mask_ious(our_masks[frame_idx], masks)
        ]
        return TorchResult(
            precision=self._baseline.precision,
            seconds_per_frame=statistics.median(self._seconds),
            speed_up=statistics.median(self._ratios),
            speed_up_range=(min(self._ratios), max(self._ratios)),
            mask_iou=statistics.fmean(ious) if ious else None,
            peak_memory_bytes=self._peak,
        )

    def _track(self, frames: int) -> TorchRound:
        done = self._baseline.track(frames, with_masks=self._baseline.precision == "f32")
        self._peak = done.peak_memory_bytes
        if done.masks is not None:
            self._masks |= dict(enumerate(done.masks, done.first_frame))
        return done


def mask_ious(masks: PackedMasks, others: PackedMasks) -> list[float]:
    """Intersection over union of each of N masks with its counterpart; 1 where both are empty."""
    common = np.bitwise_count(masks & others).sum(axis=(1, 2))
    either = np.bitwise_count(masks | others).sum(axis=(1, 2))
    return [float(c / e) if e else 1.0 for c, e in zip(common, either, strict=True)]
