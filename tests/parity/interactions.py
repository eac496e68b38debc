"""Scripted interactions, run through sam2 in torch and through sam2ov on the same weights.

A script is a function over a ``Pair``; every answer of the two sides is compared as it comes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from sam2ov.upstream.video_predictor import SAM2VideoPredictor
from sam2ov.values.masks import BoolArray, FloatArray
from tools.torch_predictor import init_state


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
    answers: list[tuple[int, list[int]]] = field(default_factory=list)

    @property
    def iou(self) -> float:
        """Over all frames and objects together."""
        return self.intersection / self.union if self.union else 1.0

    def add(self, expected: FloatArray, actual: FloatArray) -> None:
        """Take in mask logits [N, 1, H, W] of one frame."""
        assert actual.dtype == np.float32
        assert actual.shape == expected.shape
        for theirs, ours in zip(expected, actual, strict=True):
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


class Pair:
    """The reference and ours, side by side on one clip."""

    def __init__(
        self, expected: Any, actual: SAM2VideoPredictor, frames: npt.NDArray[np.uint8]
    ) -> None:
        self.expected, self.actual = expected, actual
        self.num_frames = len(frames)
        self.size_hw = frames.shape[1:3]
        self.expected_state = init_state(expected, frames)
        self.actual_state = actual.init_state(frames)
        self.agreement = Agreement()

    def xy(self, x: float, y: float) -> list[float]:
        """A point from fractions of the frame."""
        height, width = self.size_hw
        return [x * width, y * height]

    def at(self, part: float) -> int:
        """A frame index from a fraction of the clip's length."""
        return round(part * (self.num_frames - 1))

    def points(
        self, frame: int, obj: int, *clicks: tuple[float, float, int], **kwargs: Any
    ) -> None:
        """Click at fractions (x, y) with a label each."""
        points = [self.xy(x, y) for x, y, _ in clicks]
        labels = [label for _, _, label in clicks]
        self._both("add_new_points_or_box", frame, obj, points=points, labels=labels, **kwargs)

    def box(self, frame: int, obj: int, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draw a box at fractions of the frame."""
        self._both("add_new_points_or_box", frame, obj, box=self.xy(x0, y0) + self.xy(x1, y1))

    def mask(self, frame: int, obj: int, mask: BoolArray) -> None:
        """Give a mask [H, W]."""
        self._both("add_new_mask", frame, obj, mask=mask)

    def clear(self, frame: int, obj: int) -> None:
        """Clear a frame."""
        self._both("clear_all_prompts_in_frame", frame, obj)

    def remove(self, obj: int) -> None:
        """Remove an object."""
        ids, updated = self.expected.remove_object(self.expected_state, obj)
        our_ids, our_updated = self.actual.remove_object(self.actual_state, obj)
        assert our_ids == list(ids)
        assert sorted(f for f, _ in our_updated) == sorted(f for f, _ in updated)
        theirs = dict(updated)
        for frame, masks in our_updated:
            self.agreement.add(theirs[frame].numpy(), masks)

    def reset(self) -> None:
        """Remove everything."""
        self.expected.reset_state(self.expected_state)
        self.actual.reset_state(self.actual_state)

    def track(self, **kwargs: Any) -> None:
        """Propagate."""
        theirs = self.expected.propagate_in_video(self.expected_state, **kwargs)
        ours = self.actual.propagate_in_video(self.actual_state, **kwargs)
        for expected, actual in zip(theirs, ours, strict=True):
            self._compare(expected, actual)

    def _both(self, method: str, *args: Any, **kwargs: Any) -> None:
        expected = getattr(self.expected, method)(self.expected_state, *args, **kwargs)
        actual = getattr(self.actual, method)(self.actual_state, *args, **kwargs)
        self._compare(expected, actual)

    def _compare(self, expected: Any, actual: Any) -> None:
        frame, obj_ids, masks = expected
        assert (actual[0], actual[1]) == (frame, list(obj_ids))
        self.agreement.answers.append((frame, list(obj_ids)))
        self.agreement.add(masks.numpy() if isinstance(masks, torch.Tensor) else masks, actual[2])


def first_click(pair: Pair) -> None:
    """One click, tracked to the end."""
    pair.points(0, 1, (0.3, 0.4, 1))
    pair.track()


def box(pair: Pair) -> None:
    """A box, tracked to the end; then a box on another frame."""
    pair.box(0, 1, 0.15, 0.15, 0.5, 0.65)
    pair.track()
    pair.box(pair.at(0.6), 1, 0.3, 0.3, 0.7, 0.8)
    pair.track(start_frame_idx=pair.at(0.5))


def three_clicks(pair: Pair) -> None:
    """Clicks one after another on one frame, each refining the answer before."""
    pair.points(0, 1, (0.3, 0.4, 1))
    pair.points(0, 1, (0.33, 0.45, 1), clear_old_points=False)
    pair.points(0, 1, (0.7, 0.8, 0), clear_old_points=False)
    pair.track()


def replaced_clicks(pair: Pair) -> None:
    """Three clicks in one go that replace an earlier one."""
    pair.points(0, 1, (0.6, 0.6, 1))
    pair.points(0, 1, (0.3, 0.4, 1), (0.35, 0.42, 1), (0.8, 0.1, 0))
    pair.track()


def mask_prompt(pair: Pair) -> None:
    """A disc given as a mask, then tracked; a later empty mask says that the object is gone."""
    height, width = pair.size_hw
    y, x = np.mgrid[:height, :width]
    disc = np.hypot(x - 0.7 * width, y - 0.65 * height) < 0.2 * height
    pair.mask(0, 1, disc)
    pair.track()
    pair.mask(pair.at(0.4), 1, np.zeros_like(disc))
    pair.track(start_frame_idx=pair.at(0.2))


def correction(pair: Pair) -> None:
    """Clicks on tracked frames, twice on one of them, then tracked again from there."""
    middle, later = pair.at(0.5), pair.at(0.8)
    pair.points(0, 1, (0.3, 0.4, 1))
    pair.track()
    pair.points(middle, 1, (0.6, 0.6, 1))
    pair.points(middle, 1, (0.2, 0.2, 0), clear_old_points=False)
    pair.track(start_frame_idx=middle)
    pair.points(middle, 1, (0.65, 0.65, 1), clear_old_points=False)
    pair.points(later, 1, (0.5, 0.5, 1))
    pair.track()


def second_object(pair: Pair) -> None:
    """An object added on a later frame after tracking; the first is tracked along."""
    pair.points(0, 7, (0.3, 0.4, 1))
    pair.track()
    pair.box(pair.at(0.4), 3, 0.4, 0.4, 0.75, 0.9)
    pair.track()
    pair.points(pair.at(0.2), 3, (0.7, 0.6, 1))
    pair.track(start_frame_idx=pair.at(0.2))


def reverse(pair: Pair) -> None:
    """Backwards from the last frame, then a correction on a frame tracked backwards."""
    last = pair.num_frames - 1
    pair.points(last, 1, (0.45, 0.65, 1))
    pair.box(last // 2, 2, 0.3, 0.3, 0.7, 0.8)
    pair.track(reverse=True, start_frame_idx=last)
    pair.points(pair.at(0.2), 1, (0.6, 0.6, 1))
    pair.track(reverse=True, start_frame_idx=last)
    pair.track(start_frame_idx=pair.at(0.2))


def removal(pair: Pair) -> None:
    """Removing one of three objects before and after tracking."""
    pair.points(0, 1, (0.3, 0.4, 1))
    pair.points(0, 2, (0.7, 0.65, 1))
    pair.points(pair.at(0.4), 3, (0.5, 0.2, 1))
    pair.remove(2)
    pair.track()
    pair.points(pair.at(0.5), 4, (0.5, 0.5, 1))
    pair.remove(1)
    pair.track(start_frame_idx=pair.at(0.4))


def clearing(pair: Pair) -> None:
    """Clearing a committed frame, an uncommitted one, and prompting the cleared one again."""
    middle, later = pair.at(0.6), pair.at(0.8)
    pair.points(0, 1, (0.3, 0.4, 1))
    pair.points(middle, 1, (0.6, 0.6, 1))
    pair.track()
    pair.clear(middle, 1)
    pair.track(start_frame_idx=pair.at(0.4))
    pair.points(later, 1, (0.4, 0.4, 1))
    pair.clear(later, 1)
    pair.points(middle, 1, (0.5, 0.7, 1), (0.1, 0.1, 0))
    pair.track(start_frame_idx=pair.at(0.5))


def reset(pair: Pair) -> None:
    """Starting over."""
    pair.points(0, 1, (0.3, 0.4, 1))
    pair.track(max_frame_num_to_track=2)
    pair.reset()
    pair.box(pair.at(0.2), 5, 0.5, 0.4, 0.9, 0.9)
    pair.track()


def resume(pair: Pair) -> None:
    """Tracking resumes in the middle, where the neighbours' memories were dropped long ago."""
    pair.points(0, 1, (0.3, 0.4, 1))
    pair.track()
    pair.track(start_frame_idx=pair.at(0.6), max_frame_num_to_track=3)
    pair.points(pair.at(0.8), 1, (0.65, 0.6, 1))
    pair.track(start_frame_idx=pair.at(0.4), max_frame_num_to_track=4)


Script = Callable[[Pair], None]

SCRIPTS: Final[tuple[Script, ...]] = (
    first_click,
    box,
    three_clicks,
    replaced_clicks,
    mask_prompt,
    correction,
    second_object,
    reverse,
    removal,
    clearing,
    reset,
    resume,
)


def everything(pair: Pair) -> None:
    """The kinds of interaction in one short script, for models that take seconds a frame."""
    middle = pair.at(0.5)
    pair.points(0, 1, (0.3, 0.4, 1))
    pair.box(0, 2, 0.5, 0.45, 0.9, 0.85)
    pair.track()
    pair.points(middle, 1, (0.6, 0.6, 1), (0.2, 0.2, 0))
    pair.track(start_frame_idx=middle, reverse=True)
    pair.remove(2)
    height, width = pair.size_hw
    y, x = np.mgrid[:height, :width]
    pair.mask(middle, 3, np.hypot(x - 0.5 * width, y - 0.5 * height) < 0.2 * height)
    pair.track(start_frame_idx=middle, max_frame_num_to_track=1)
