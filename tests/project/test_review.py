"""The review list: what stands out is found, what does not is left alone."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2ov.project.confidence import ObjectTrack, is_absent
from sam2ov.project.review import MAX_ITEMS, ReviewItem, find_review_items
from sam2ov.values.timeline import FrameFacts, Timeline
from sam2ov.zoo.calibration import Calibration, Curve

FPS = 25
NUM_FRAMES = 200


def walk(
    start: tuple[float, float] = (0.2, 0.5),
    step: tuple[float, float] = (0.002, 0.0),
    num_frames: int = NUM_FRAMES,
) -> Timeline:
    """A confident object that moves evenly, one per cent of the picture large."""
    timeline = Timeline.empty(num_frames)
    timeline.has_result[:] = True
    timeline.direction[:] = 1
    timeline.object_score[:] = 8
    timeline.iou[:] = 0.92
    timeline.area[:] = 0.01
    timeline.centre[:] = np.asarray(start) + np.arange(num_frames)[:, None] * np.asarray(step)
    return timeline


def vanish(timeline: Timeline, first: int, stop: int) -> Timeline:
    timeline.object_score[first:stop] = -8
    timeline.area[first:stop] = 0
    timeline.centre[first:stop] = np.nan
    return timeline


def find(*timelines: Timeline, prompted: tuple[int, ...] = (0,)) -> list[ReviewItem]:
    tracks = [ObjectTrack(number, t, prompted) for number, t in enumerate(timelines, 1)]
    return find_review_items(tracks, FPS)


def test_an_even_walk_needs_no_look() -> None:
    assert find(walk()) == []
    assert find(walk(), walk((0.2, 0.8))) == []


def test_nothing_known_is_nothing_to_review() -> None:
    assert find() == []
    assert find(Timeline.empty(NUM_FRAMES)) == []


def test_a_bad_mask_is_found_at_its_worst_frame() -> None:
    timeline = walk()
    timeline.iou[80:90] = 0.4
    timeline.iou[85] = 0.2
    (item,) = find(timeline)
    assert (item.frame_idx, item.reason, item.obj_ids) == (85, "unsure", (1,))


def test_an_open_question_of_presence_is_found() -> None:
    timeline = walk()
    timeline.object_score[120] = 0.2
    (item,) = find(timeline)
    assert (item.frame_idx, item.reason) == (120, "unsure")


def test_a_sure_absence_is_not_doubted() -> None:
    timeline = vanish(walk(), 0, 40)
    assert find(timeline) == [], "it has yet to appear"


@pytest.mark.parametrize("step", [0.0, 0.002, 0.02])
def test_a_leap_is_found_whatever_the_pace(step: float) -> None:
    timeline = walk((0.0, 0.2), (step / 4, 0.0))
    timeline.centre[100:, 1] += 0.4
    (item,) = find(timeline)
    assert (item.frame_idx, item.reason) == (100, "jumped")


def test_a_shaky_camera_is_no_leap() -> None:
    timeline = walk()
    timeline.centre += np.random.default_rng(0).normal(0, 0.01, (NUM_FRAMES, 2))
    assert find(timeline) == []


def test_a_sudden_growth_is_found() -> None:
    timeline = walk()
    timeline.area[60:] *= 5
    (item,) = find(timeline)
    assert (item.frame_idx, item.reason) == (60, "resized")


def test_coming_closer_is_no_growth() -> None:
    timeline = walk()
    timeline.area[:] = 0.002 * 1.02 ** np.arange(NUM_FRAMES)
    assert find(timeline) == []


def test_coming_back_is_told_with_the_length_of_the_absence() -> None:
    (item,) = find(vanish(walk(), 50, 62))
    assert (item.frame_idx, item.reason, item.num_frames) == (62, "returned", 12)


def test_a_loss_in_mid_picture_is_worse_than_leaving_it() -> None:
    (lost,) = find(vanish(walk(), 150, NUM_FRAMES))
    assert (lost.frame_idx, lost.reason) == (150, "lost")
    (left,) = find(vanish(walk((0.4, 0.5), (0.0038, 0)), 152, NUM_FRAMES))
    assert left.reason == "lost"
    assert left.severity < lost.severity


def test_two_on_one_spot_are_found() -> None:
    one, other = walk((0.1, 0.5), (0.004, 0)), walk((0.9, 0.5), (-0.004, 0))
    other.centre[98:103] = one.centre[98:103]
    found = [item for item in find(one, other) if item.reason == "merged"]
    assert [item.obj_ids for item in found] == [(1, 2)]
    assert 98 <= found[0].frame_idx < 103


def test_an_exchange_is_found() -> None:
    one, other = walk((0.3, 0.3)), walk((0.3, 0.7))
    one.centre[90:], other.centre[90:] = other.centre[90:].copy(), one.centre[90:].copy()
    (item,) = find(one, other)
    assert (item.frame_idx, item.reason, item.obj_ids) == (90, "swapped", (1, 2))


def test_the_users_own_frames_and_stale_ones_are_left_out() -> None:
    timeline = walk()
    timeline.iou[85] = 0.2
    assert find(timeline, prompted=(0, 85)) == []
    timeline.stale[80:] = True
    assert find(timeline) == []


def test_absence_is_a_result_without_a_mask() -> None:
    timeline = vanish(walk(), 10, 20)
    timeline.forget(15)
    assert np.flatnonzero(is_absent(timeline)).tolist() == [10, 11, 12, 13, 14, 16, 17, 18, 19]


def noise(seed: int, num_frames: int) -> Timeline:
    random = np.random.default_rng(seed)
    timeline = walk(num_frames=num_frames)
    timeline.iou[:] = random.random(num_frames)
    timeline.object_score[:] = random.normal(2, 4, num_frames)
    timeline.area[:] = random.random(num_frames) * (timeline.object_score > 0)
    timeline.centre[:] = random.random((num_frames, 2))
    timeline.centre[timeline.area == 0] = np.nan
    timeline.has_result[:] = random.random(num_frames) < 0.9
    for frame_idx in np.flatnonzero(~timeline.has_result):
        timeline.forget(int(frame_idx))
    timeline.stale[:] = timeline.has_result & (random.random(num_frames) < 0.1)
    return timeline


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=4),
    st.integers(1, 150),
    st.sampled_from([5.0, 25.0, 59.94]),
)
def test_whatever_comes(seeds: list[int], num_frames: int, fps: float) -> None:
    timelines = [noise(seed, num_frames) for seed in seeds]
    tracks = [ObjectTrack(number, t, (0,)) for number, t in enumerate(timelines)]
    before: list[npt.NDArray[np.float32]] = [t.iou.copy() for t in timelines]
    items = find_review_items(tracks, fps, 16 / 9)
    assert len(items) <= MAX_ITEMS
    assert items == sorted(items, key=lambda item: -item.severity)
    for item in items:
        assert 0 <= item.severity <= 1
        for obj_id in item.obj_ids:
            timeline = timelines[obj_id]
            assert timeline.has_result[item.frame_idx]
            assert not timeline.stale[item.frame_idx]
            assert item.frame_idx != 0, "the user's own"
    for obj_id in range(len(tracks)):
        own = sorted(item.frame_idx for item in items if obj_id in item.obj_ids)
        assert all(b - a >= round(fps) for a, b in pairwise(own)), "peaks only"
    for timeline, iou in zip(timelines, before, strict=True):
        np.testing.assert_array_equal(timeline.iou, iou, "the engine's arrays are left alone")


@settings(max_examples=20, deadline=None)
@given(st.integers(30, 170), st.floats(0.3, 0.6))
def test_time_may_run_backwards(frame_idx: int, leap: float) -> None:
    """What stands out does so in both directions, one frame apart."""
    forwards = walk((0.3, 0.2), (0.001, 0))
    forwards.centre[frame_idx:, 1] += leap
    backwards = walk()
    backwards.centre[:] = forwards.centre[::-1]
    (one,), (other,) = find(forwards), find(backwards)
    assert one.frame_idx == NUM_FRAMES - other.frame_idx
    assert one.severity == pytest.approx(other.severity)


def test_a_cut_explains_what_happens_there() -> None:
    """Objects that are tracked across it are looked at once, and not because they jump as well."""
    path = np.linspace(0.2, 0.3, 40)
    path[20:] += 0.5
    timeline = Timeline.empty(40)
    for frame, x in enumerate(path):
        timeline.record(frame, FrameFacts(6.0, 0.9, 0.02, (float(x), 0.5)))
    tracks = [ObjectTrack(1, timeline, (0,))]
    assert [item.reason for item in find_review_items(tracks, FPS)] == ["jumped"]
    (item,) = find_review_items(tracks, FPS, cuts=(20,))
    assert (item.frame_idx, item.obj_ids, item.reason) == (20, (1,), "cut")
    assert find_review_items([ObjectTrack(1, timeline, (0, 20))], FPS, cuts=(20,)) == []
    short = Timeline.empty(40)
    for frame in range(20):
        short.record(frame, FrameFacts(6.0, 0.9, 0.02, (0.5, 0.5)))
    stopped = find_review_items([ObjectTrack(1, short, (0,))], FPS, cuts=(20,))
    assert stopped == []


GROWTH = Calibration(
    weights_sha256="0" * 64,
    present=Curve(bias=3, weights={"grown": -4}),
    absent=Curve(bias=3, weights={"left": 0}),
    frames=1,
)


def test_a_mask_that_has_slowly_flooded_the_street_is_told_once() -> None:
    """It is sure of itself and never leaps; a calibration may know what such growth means."""
    timeline = walk()
    timeline.area[100:150] = 0.01 * np.exp(0.05 * np.arange(50))
    timeline.area[150:] = timeline.area[149]
    track = ObjectTrack(1, timeline, (0,))
    (item,) = find_review_items([track], FPS)
    assert (item.reason, item.obj_ids) == ("grown", (1,))
    assert item.frame_idx >= 149
    assert 70 < item.num_frames < 80, "from three times the area on"
    assert item.severity > 0.8
    (item,) = find_review_items([track], FPS, calibration=GROWTH)
    assert (item.reason, item.obj_ids) == ("unsure", (1,))
    assert item.frame_idx >= 149
    assert 80 < item.num_frames <= 100
    assert item.severity > 0.9


def test_what_comes_a_little_closer_is_not_told() -> None:
    timeline = walk()
    timeline.area[:] = 0.01 * np.exp(np.linspace(0, 1, NUM_FRAMES))
    assert find(timeline) == []


def test_a_sure_walk_needs_no_look_with_a_calibration_either() -> None:
    assert find_review_items([ObjectTrack(1, walk(), (0,))], FPS, calibration=GROWTH) == []


def test_prompted_frames_are_not_doubted() -> None:
    timeline = walk()
    timeline.area[50:53] = 0.02
    items = find_review_items([ObjectTrack(1, timeline, (0, 50))], FPS, calibration=GROWTH)
    assert all(item.frame_idx != 50 for item in items)


def test_of_a_range_all_is_told_that_has_room() -> None:
    timelines = [walk((0.05, y)) for y in np.linspace(0.1, 0.9, 12)]
    for timeline in timelines:
        timeline.iou[5:150:26] = 0.1  # more than there is room for, and worse
        timeline.iou[180] = 0.5
    tracks = [ObjectTrack(number, t, (0,)) for number, t in enumerate(timelines, 1)]
    everywhere = find_review_items(tracks, FPS)
    assert len(everywhere) == MAX_ITEMS
    assert not any(item.frame_idx == 180 for item in everywhere)
    inside = find_review_items(tracks, FPS, frames=range(170, 190))
    assert sorted(item.obj_ids for item in inside) == [(number,) for number in range(1, 13)]
