"""Which masks are exported, and how often somebody is told."""

import numpy as np
import pytest

from sam2ov.errors import CancelledError, ExportError
from sam2ov.export import ExportedObject, TrackedMasks
from sam2ov.masks import FloatArray
from sam2ov.progress import Progress
from sam2ov.session import VideoSession
from tests.export.conftest import EMPTY, OBJECTS


def test_masks_are_where_logits_are_positive(tracked: TrackedMasks, logits: FloatArray) -> None:
    for frame_idx in tracked.frames:
        masks = np.stack(list(tracked.masks(frame_idx)))
        np.testing.assert_array_equal(masks, logits[frame_idx] > 0)
        np.testing.assert_array_equal(tracked.union(frame_idx), masks.any(axis=0))


def test_frames_without_results_are_empty(tracked: TrackedMasks) -> None:
    assert not any(tracked.union(frame_idx).any() for frame_idx in EMPTY)
    assert not tracked.label_map(EMPTY.start).any()
    assert tracked.union(EMPTY.start - 1).any()


def test_the_surer_object_wins_where_masks_overlap(
    session: VideoSession, logits: FloatArray
) -> None:
    apart = TrackedMasks(session, OBJECTS, non_overlapping=True)
    first, second = apart.masks(0)
    expected = logits[0] > 0
    np.testing.assert_array_equal(first, expected[0])
    np.testing.assert_array_equal(second, expected[1] & ~expected[0])
    labels = apart.label_map(0)
    np.testing.assert_array_equal(labels, np.where(first, 1, np.where(second, 2, 0)))
    # In the other order the numbers change, but not the winner.
    turned = TrackedMasks(session, OBJECTS[::-1]).label_map(0)
    np.testing.assert_array_equal(turned, np.where(first, 2, np.where(second, 1, 0)))


def test_progress_is_told_of_every_frame(session: VideoSession) -> None:
    seen: list[Progress] = []
    chosen = TrackedMasks(session, OBJECTS[:1], range(4, 7))
    assert list(chosen.steps("Writing", seen.append, None)) == [4, 5, 6]
    assert seen == [Progress("Writing", done, 3, "steps") for done in (1, 2, 3)]


def test_cancelling_ends_before_the_next_frame(tracked: TrackedMasks) -> None:
    seen: list[int] = []
    steps = tracked.steps("Writing a", None, lambda: len(seen) == 3)
    with pytest.raises(CancelledError, match="Writing a was cancelled"):
        seen.extend(steps)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("objects", "frames", "message"),
    [
        ((), None, "Between 1 and 255 objects"),
        ((ExportedObject(3, "cat", (1, 2, 3)),), None, r"Objects \[3\] have no prompts"),
        (OBJECTS, range(20, 25), "cannot be exported from 24 frames"),
        (OBJECTS, range(0), "cannot be exported from 24 frames"),
        (OBJECTS, range(0, 8, 2), "cannot be exported from 24 frames"),
    ],
)
def test_what_is_not_there_cannot_be_exported(
    session: VideoSession, objects: tuple[ExportedObject, ...], frames: range | None, message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        TrackedMasks(session, objects, frames)
