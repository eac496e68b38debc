"""Scripted interactions through sam2ov, compared with what the reference answered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sam2ov.upstream.sam2_video_predictor import SAM2VideoPredictor
from tests.reference.interactions import Script, play
from tests.reference.record import Answer


@dataclass
class Agreement:
    """How far the masks of the two sides agree over a script."""

    intersection: int = 0
    union: int = 0
    frames: int = 0
    worst_iou: float = 1.0
    largest_error: float = 0.0
    absent: int = 0
    present: int = 0

    @property
    def iou(self) -> float:
        """Over all frames and objects together."""
        return self.intersection / self.union if self.union else 1.0

    def add(self, expected: Answer, actual: Answer) -> None:
        """Take in one answer of each side."""
        assert actual.frame_idx == expected.frame_idx
        assert actual.obj_ids == expected.obj_ids
        assert actual.mask_logits.shape == expected.mask_logits.shape
        for theirs, ours in zip(expected.mask_logits, actual.mask_logits, strict=True):
            both = int(np.count_nonzero((theirs > 0) & (ours > 0)))
            either = int(np.count_nonzero((theirs > 0) | (ours > 0)))
            self.intersection += both
            self.union += either
            self.frames += 1
            self.worst_iou = min(self.worst_iou, both / either if either else 1.0)
            scale = float(np.abs(theirs).max())
            self.largest_error = max(self.largest_error, float(np.abs(theirs - ours).max()) / scale)
            absent = bool((theirs <= -1024).all())
            self.absent += absent
            self.present += not absent


def compare(
    expected: Sequence[Answer],
    predictor: SAM2VideoPredictor,
    frames: npt.NDArray[np.uint8],
    script: Script,
) -> Agreement:
    """Run a script through sam2ov and compare every answer with the reference's.

    Args:
        expected: the reference's answers to the same script on the same clip.
        predictor: ours, on the same weights.
        frames: the clip, RGB [T, H, W, 3].
        script: what the user does.
    """
    with predictor.init_state(frames) as state:
        answers = play(script, predictor, state, frames)
    agreement = Agreement()
    for theirs, ours in zip(expected, answers, strict=True):
        agreement.add(theirs, ours)
    return agreement
