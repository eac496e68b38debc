"""Frames with the picture of the one before: the same masks, at no cost."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from sam2ov.engine.features import ArrayFrames
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.store.journal import Journal
from tests.engine.test_bank import CLICK
from tests.fake_model import FakeModel

LENGTH = 16


def on_twos() -> ArrayFrames:
    """A red square that moves every other frame."""
    frames = np.full((LENGTH, 48, 80, 3), 60, np.uint8)
    for number in range(LENGTH):
        left = 8 + 2 * (number // 2)
        frames[number, 8:40, left : left + 32] = (255, 0, 0)
    return ArrayFrames(frames)


def session(
    model: FakeModel, journal: Journal | None = None, *, holds: bool = True
) -> VideoSession:
    tracker = Tracker(cast(SAM2Model, model))
    return VideoSession(tracker, on_twos(), journal, holds_pictures=holds)


@pytest.mark.parametrize("reverse", [False, True])
def test_masks_are_taken_over(reverse: bool) -> None:
    model = FakeModel()
    with session(model) as held:
        held.add_points(LENGTH - 1 if reverse else 0, 1, CLICK)
        list(held.propagate(reverse=reverse))
        for first in range(0, LENGTH, 2):
            one, other = (held.mask_logits(frame, [1]) for frame in (first, first + 1))
            np.testing.assert_array_equal(one, other)
            assert (one > 0).any()
        assert held.timeline(1).has_result.all()
    assert model.calls["encode_image"] == LENGTH / 2
    assert model.calls["attend_memory"] == LENGTH / 2 - 1
    plain = FakeModel()
    with session(plain, holds=False) as tracked:
        tracked.add_points(0, 1, CLICK)
        list(tracked.propagate())
    assert plain.calls["encode_image"] == LENGTH
    assert plain.calls["attend_memory"] == LENGTH - 1


def test_prompted_frames_keep_their_own_answers() -> None:
    with session(FakeModel()) as held:
        held.add_points(0, 1, CLICK)
        held.add_points(5, 1, CLICK)
        list(held.propagate())
        assert held.result(5, 1) is not None
        timeline = held.timeline(1)
        assert timeline.direction[4] == timeline.direction[5] == 1
        tracked = held.result(4, 1)
        assert tracked is not None
        assert not tracked.prompted


def test_what_is_stale_is_not_taken_over() -> None:
    model = FakeModel()
    with session(model) as held:
        held.add_points(0, 1, CLICK)
        list(held.propagate())
        held.add_points(0, 1, CLICK)
        assert held.timeline(1).stale[4]
        before = model.calls["attend_memory"]
        list(held.propagate(5, 0))
        assert model.calls["attend_memory"] == before + 1, "tracked, not taken over from frame 4"


def test_reloading_and_going_on_is_as_if_nothing_had_been(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        with session(FakeModel(), journal) as held:
            held.add_points(0, 1, CLICK)
            list(held.propagate(0, 6))
            prompts = held.prompts(1)
            expected = held.mask_logits(6).copy()
        model = FakeModel()
        with session(model, journal) as again:
            again.load(1, prompts)
            list(again.propagate(7, 3))
            np.testing.assert_allclose(again.mask_logits(6), expected, rtol=2e-3, atol=2e-2)
            np.testing.assert_array_equal(again.mask_logits(8), again.mask_logits(9))
