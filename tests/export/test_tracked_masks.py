"""Which masks are exported."""

from dataclasses import replace

import numpy as np
import pytest

from sam2ov.errors import ExportError
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.clean_up import CleanUp
from sam2ov.values.masks import BoolArray, FloatArray
from sam2ov.values.objects import ClipObject
from tests.export.conftest import EMPTY, OBJECTS, StoredLogits


def masks_of(tracked: TrackedMasks, frame_idx: int) -> BoolArray:
    """[N, H, W]."""
    return np.stack([tracked.mask(frame_idx, target) for target in tracked.objects])


def test_masks_are_where_logits_are_positive(tracked: TrackedMasks, logits: FloatArray) -> None:
    for frame_idx in tracked.frames:
        np.testing.assert_array_equal(masks_of(tracked, frame_idx), logits[frame_idx] > 0)


def test_frames_without_results_are_empty(tracked: TrackedMasks) -> None:
    assert not any(masks_of(tracked, frame_idx).any() for frame_idx in EMPTY)
    assert not tracked.label_map(EMPTY.start).any()
    assert masks_of(tracked, EMPTY.start - 1).any()


def test_the_surer_object_wins_where_masks_overlap(
    stored: StoredLogits, logits: FloatArray
) -> None:
    apart = TrackedMasks(stored, OBJECTS, non_overlapping=True)
    first, second = masks_of(apart, 0)
    expected = logits[0] > 0
    np.testing.assert_array_equal(first, expected[0])
    np.testing.assert_array_equal(second, expected[1] & ~expected[0])
    labels = apart.label_map(0)
    np.testing.assert_array_equal(labels, np.where(first, 1, np.where(second, 2, 0)))
    # In the other order the numbers change, but not the winner.
    turned = TrackedMasks(stored, OBJECTS[::-1]).label_map(0)
    np.testing.assert_array_equal(turned, np.where(first, 2, np.where(second, 1, 0)))


@pytest.mark.parametrize(
    ("objects", "frames", "message"),
    [
        ((), None, "Between 1 and 255 objects"),
        ((ClipObject(3, "cat", "#010203"),), None, r"Objects \[3\] have no prompts"),
        (OBJECTS, range(20, 25), "cannot be exported from 24 frames"),
        (OBJECTS, range(0), "cannot be exported from 24 frames"),
        (OBJECTS, range(0, 8, 2), "cannot be exported from 24 frames"),
    ],
)
def test_what_is_not_there_cannot_be_exported(
    stored: StoredLogits, objects: tuple[ClipObject, ...], frames: range | None, message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        TrackedMasks(stored, objects, frames)


def test_masks_are_cleaned_up_and_mattes_are_soft(stored: StoredLogits, logits: FloatArray) -> None:
    before = logits.copy()
    wanted = CleanUp(grow=3, feather=6, close_gaps=len(EMPTY))
    first = replace(OBJECTS[0], clean_up=wanted)
    tracked = TrackedMasks(stored, (first, OBJECTS[1]))
    raw = logits[0, 0] > 0
    assert (tracked.mask(0, first) >= raw).all()
    assert tracked.mask(0, first).sum() > raw.sum()
    np.testing.assert_array_equal(tracked.mask(0, OBJECTS[1]), logits[0, 1] > 0)
    assert tracked.mask(EMPTY.start, first).any(), "the gap is closed"
    matte = tracked.matte(0, first)
    np.testing.assert_array_equal(matte > 0.5, tracked.mask(0, first))
    assert len(np.unique(matte)) > 5
    np.testing.assert_array_equal(tracked.matte(0, OBJECTS[1]), logits[0, 1] > 0)
    np.testing.assert_array_equal(logits, before)
