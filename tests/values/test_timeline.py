"""Timelines: what is known of each frame, also of a video that grows."""

import numpy as np

from sam2ov.values.timeline import FrameFacts, Timeline

FACTS = FrameFacts(object_score=2.0, iou=0.5, area=0.25, centre=(0.1, 0.9))


def test_what_is_recorded_is_known_and_what_is_forgotten_is_not() -> None:
    timeline = Timeline.empty(3)
    timeline.kept[1] = True
    timeline.record(1, FACTS)
    assert timeline.has_result.tolist() == [False, True, False]
    np.testing.assert_allclose(timeline.centre[1], FACTS.centre, rtol=1e-6)
    timeline.forget(1)
    assert not timeline.has_result.any()
    assert not timeline.kept.any()
    assert np.isnan(timeline.centre).all()


def test_growing_keeps_what_is_known_and_knows_nothing_of_what_is_new() -> None:
    grown, fresh = Timeline.empty(1), Timeline.empty(1000)
    for num_frames in range(1, 1001):
        grown.grow(num_frames)
        if num_frames % 7 == 0:
            grown.record(num_frames - 1, FACTS)
            fresh.record(num_frames - 1, FACTS)
    for name in vars(fresh):
        np.testing.assert_array_equal(getattr(grown, name), getattr(fresh, name), name)
        assert getattr(grown, name).dtype == getattr(fresh, name).dtype
    grown.grow(10)
    assert len(grown.has_result) == 1000, "a video does not shrink"


def test_growing_moves_little() -> None:
    timeline = Timeline.empty(1)
    moved = 0
    for num_frames in range(2, 5000):
        before = timeline.area.base
        timeline.grow(num_frames)
        moved += timeline.area.base is not before
    assert moved <= 13
