"""Planning: every object gets every frame it can have, once, in passes that objects share."""

from typing import cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.engine.features import ArrayFrames
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.plan import Direction, Segment, ToTrack, plan_tracking, track_segments
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.values.prompts import make_point_prompt
from tests.fake_model import FakeModel

SIZE_HW = (48, 80)
CLICK = make_point_prompt([[20, 20]], [1], None, SIZE_HW)


def plan(
    prompted: dict[int, list[int]], frames: range, direction: Direction
) -> tuple[Segment, ...]:
    return plan_tracking({i: ToTrack(own, frames) for i, own in prompted.items()}, direction)


def backwards(first: int, last: int) -> range:
    return range(first, last - 1, -1)


@given(
    data=st.data(),
    frames=st.integers(0, 5).flatmap(lambda a: st.integers(a + 1, 14).map(lambda b: range(a, b))),
    direction=st.sampled_from(["forward", "backward", "both"]),
)
def test_every_object_gets_every_frame_it_can_have_once(
    data: st.DataObject, frames: range, direction: Direction
) -> None:
    inside = st.integers(frames.start, frames.stop - 1)
    per_object = st.lists(inside, min_size=1, max_size=3, unique=True).map(sorted)
    prompted = data.draw(st.dictionaries(st.integers(1, 5), per_object, min_size=1))
    ahead: dict[int, list[int]] = {obj_id: [] for obj_id in prompted}
    back: dict[int, list[int]] = {obj_id: [] for obj_id in prompted}
    for segment in plan(prompted, frames, direction):
        for obj_id in segment.obj_ids:
            (ahead if segment.frames.step > 0 else back)[obj_id] += segment.frames
    for obj_id, own in prompted.items():
        first, last = own[0], own[-1]
        expected = {
            "forward": (range(first, frames.stop), range(0)),
            "backward": (range(0), backwards(last, frames.start)),
            "both": (range(first, frames.stop), backwards(first - 1, frames.start)),
        }[direction]
        assert (ahead[obj_id], back[obj_id]) == tuple(map(list, expected))


def test_objects_join_where_they_are_prompted() -> None:
    assert plan({1: [5], 2: [0], 3: [4, 9]}, range(12), "both") == (
        Segment(range(4), (2,)),
        Segment(range(4, 5), (2, 3)),
        Segment(range(5, 12), (1, 2, 3)),
        Segment(backwards(4, 4), (1,)),
        Segment(backwards(3, 0), (1, 3)),
    )


def test_objects_leave_where_nothing_more_is_wanted() -> None:
    objects = {1: ToTrack([0], range(1, 4)), 2: ToTrack([2], range(3, 8))}
    assert plan_tracking(objects, "forward") == (
        Segment(range(1, 3), (1,)),
        Segment(range(3, 4), (1, 2)),
        Segment(range(4, 8), (2,)),
    )


def test_the_prompted_frame_nearest_to_the_user_is_the_start() -> None:
    objects = {1: ToTrack([2, 7], [f for f in range(12) if f not in (2, 7)])}
    assert plan_tracking(objects, "forward", 8) == (Segment(range(8, 12), (1,)),)
    assert plan_tracking(objects, "forward", 6) == (Segment(range(3, 12), (1,)),)
    assert plan_tracking(objects, "backward", 6) == (Segment(backwards(6, 0), (1,)),)
    assert plan_tracking(objects, "both", 7) == (
        Segment(range(8, 12), (1,)),
        Segment(backwards(6, 0), (1,)),
    )


def test_nothing_wanted_is_nothing_to_do() -> None:
    assert plan_tracking({}, "both") == ()
    assert plan_tracking({1: ToTrack([3], [])}, "both") == ()


def test_a_frame_is_embedded_once_whatever_the_objects() -> None:
    model = FakeModel()
    frames = np.zeros((12, *SIZE_HW, 3), np.uint8)
    frames[:, 8:40, 8:40] = (255, 0, 0)
    with VideoSession(Tracker(cast(SAM2Model, model)), ArrayFrames(frames)) as session:
        prompted = {1: [0], 2: [3], 3: [6]}
        for obj_id, own in prompted.items():
            session.add_points(own[0], obj_id, CLICK)
        segments = plan(prompted, range(12), "both")
        seen = [frame.frame_idx for frame in track_segments(session, segments)]
        assert seen == [*range(12), *range(5, -1, -1)]
        # The features' cache holds all twelve tiny frames.
        assert model.calls["encode_image"] == 12
        session.remove_object(1)
        again = [frame.obj_ids for frame in track_segments(session, segments)]
        assert set(again) == {(2,), (3,), (2, 3)}, "who has been removed is left out"
