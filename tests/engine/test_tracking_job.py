"""Tracking a prompt file: every object on every frame it can have (on stand-in networks)."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.engine.features import ArrayFrames
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.engine.tracking_job import (
    Direction,
    ObjectCounts,
    Segment,
    count_frames,
    plan_segments,
    track_prompts,
)
from sam2ov.errors import PromptError
from sam2ov.mask_files.prompt_file import (
    FramePrompt,
    ObjectPrompts,
    Point,
    PromptFile,
    VideoFacts,
    from_prompt,
)
from sam2ov.progress import Progress
from sam2ov.values.prompts import MaskPrompt, PointPrompt
from tests.fake_model import FakeModel

NUM_FRAMES = 12
GONE = range(7, 9)


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def session(model: FakeModel) -> Iterator[VideoSession]:
    """A red square on 12 frames of 80×48 that is gone on frames 7 and 8."""
    frames = np.full((NUM_FRAMES, 48, 80, 3), 60, np.uint8)
    frames[:, 8:40, 8:40] = (255, 0, 0)
    frames[GONE.start : GONE.stop] = 60
    with VideoSession(Tracker(cast(SAM2Model, model)), ArrayFrames(frames)) as made:
        yield made


def clicked(*objects: tuple[int, list[int]]) -> PromptFile:
    """A prompt file with one click on each of the given frames of each object."""
    return PromptFile(
        objects=tuple(
            ObjectPrompts(
                id=obj_id,
                prompts=tuple(FramePrompt(frame=f, points=(Point(x=20, y=20),)) for f in frames),
            )
            for obj_id, frames in objects
        )
    )


@given(
    data=st.data(),
    frames=st.integers(0, 5).flatmap(lambda a: st.integers(a + 1, 14).map(lambda b: range(a, b))),
    direction=st.sampled_from(["forward", "backward", "both"]),
)
def test_every_object_gets_every_frame_it_can_have_once(
    data: st.DataObject, frames: range, direction: Direction
) -> None:
    inside = st.integers(frames.start, frames.stop - 1)
    per_object = st.lists(inside, min_size=1, max_size=3, unique=True)
    prompted = data.draw(st.dictionaries(st.integers(1, 5), per_object, min_size=1))
    covered: dict[tuple[int, bool], list[int]] = {}
    for segment in plan_segments(prompted, frames, direction):
        assert not (segment.reverse and segment.first == 0), "the session would skip it"
        step = -1 if segment.reverse else 1
        for frame in range(segment.first, segment.last + step, step):
            for obj_id in segment.obj_ids:
                covered.setdefault((obj_id, segment.reverse), []).append(frame)
    for obj_id, own in prompted.items():
        ahead = covered.get((obj_id, False), [])
        back = covered.get((obj_id, True), [])
        first, last = min(own), max(own)
        if direction != "backward":
            assert ahead == list(range(first, frames.stop))
        if direction == "both":
            assert back == ([] if first == frames.start else [*range(first, frames.start - 1, -1)])
        if direction == "backward":
            expected = list(range(last, frames.start - 1, -1))
            assert (back, ahead) == (([], expected) if last == frames.start else (expected, []))


def test_objects_join_where_they_are_prompted() -> None:
    assert plan_segments({1: [5], 2: [0], 3: [4, 9]}, range(12), "both") == (
        Segment(5, 5, reverse=True, obj_ids=(1,)),
        Segment(4, 0, reverse=True, obj_ids=(1, 3)),
        Segment(0, 3, reverse=False, obj_ids=(2,)),
        Segment(4, 4, reverse=False, obj_ids=(2, 3)),
        Segment(5, 11, reverse=False, obj_ids=(1, 2, 3)),
    )


def test_both_directions_leave_no_frame_out(session: VideoSession) -> None:
    outcome = track_prompts(session, clicked((1, [5]), (2, [0, 9]), (7, [11])))
    assert outcome.completed
    assert outcome.steps == (11 + 1) + NUM_FRAMES, "backwards from 11, forwards from 0"
    assert outcome.seconds > 0
    assert session.obj_ids == (1, 2, 7)
    assert count_frames(session, range(NUM_FRAMES)) == (
        ObjectCounts(1, prompted=1, tracked=12, absent=2),
        ObjectCounts(2, prompted=2, tracked=12, absent=2),
        ObjectCounts(7, prompted=1, tracked=12, absent=2),
    )


@pytest.mark.parametrize(
    ("direction", "tracked"),
    [("forward", range(4, 12)), ("backward", range(10)), ("both", range(12))],
)
def test_a_direction_says_what_is_tracked(
    session: VideoSession, direction: Direction, tracked: range
) -> None:
    track_prompts(session, clicked((1, [4, 9])), direction=direction)
    assert np.flatnonzero(session.timeline(1).has_result).tolist() == list(tracked)


def test_an_object_on_the_first_frame_alone_has_its_mask_there(session: VideoSession) -> None:
    track_prompts(session, clicked((1, [0]), (2, [3])), direction="backward")
    assert np.flatnonzero(session.timeline(1).has_result).tolist() == [0]
    assert np.flatnonzero(session.timeline(2).has_result).tolist() == [0, 1, 2, 3]


def test_a_frame_is_embedded_once_a_direction_whatever_the_objects(
    session: VideoSession, model: FakeModel
) -> None:
    track_prompts(session, clicked((1, [0]), (2, [3]), (3, [6])), direction="forward")
    # The features' cache holds all twelve tiny frames.
    assert model.calls["encode_image"] == NUM_FRAMES
    assert session.obj_ids == (1, 2, 3)


def test_prompts_outside_the_range_are_remembered_but_not_enough(
    session: VideoSession, model: FakeModel
) -> None:
    track_prompts(session, clicked((1, [1, 6])), frames=range(5, 10))
    assert np.flatnonzero(session.timeline(1).has_result).tolist() == [1, 5, 6, 7, 8, 9]
    assert model.banks[0][1] == 2, "frame 5 attends to both prompted frames"
    assert count_frames(session, range(5, 10)) == (ObjectCounts(1, 1, 5, 2),)
    with pytest.raises(PromptError, match="Object 2 is prompted on frame 1, 2 only, outside"):
        track_prompts(session, clicked((2, [1, 2])), frames=range(5, 10))


def test_clicks_and_box_of_a_frame_are_one_prompt(session: VideoSession, model: FakeModel) -> None:
    entry = FramePrompt(
        frame=2, points=(Point(x=20, y=20), Point(x=60, y=20, label=0)), box=(8, 8, 40, 40)
    )
    prompts = PromptFile(objects=(ObjectPrompts(id=1, prompts=(entry,)),))
    track_prompts(session, prompts)
    applied = session.prompts(1)[2]
    assert isinstance(applied, PointPrompt)
    assert applied.labels.tolist() == [2, 3, 1, 0]
    assert applied.points_xy_video.tolist() == [[8, 8], [40, 40], [20, 20], [60, 20]]
    assert model.feedback[0] is None
    assert len([f for f in model.feedback if f is not None]) == 0


def test_a_mask_is_a_prompt(session: VideoSession) -> None:
    mask = np.zeros((48, 80), np.bool_)
    mask[10:30, 10:30] = True
    entry = from_prompt(3, MaskPrompt(mask))
    track_prompts(session, PromptFile(objects=(ObjectPrompts(id=1, prompts=(entry,)),)))
    applied = session.prompts(1)[3]
    assert isinstance(applied, MaskPrompt)
    np.testing.assert_array_equal(applied.mask, mask)


def test_progress_and_cancellation_keep_what_is_tracked(session: VideoSession) -> None:
    seen: list[Progress] = []
    outcome = track_prompts(
        session,
        clicked((1, [0])),
        progress=seen.append,
        cancel=lambda: len(seen) >= 4,
    )
    assert [(p.stage, p.done, p.total) for p in seen] == [
        ("Segmenting prompts", 1, 1),
        ("Tracking", 1, 12),
        ("Tracking", 2, 12),
        ("Tracking", 3, 12),
    ]
    assert (outcome.completed, outcome.steps) == (False, 3)
    assert np.flatnonzero(session.timeline(1).has_result).tolist() == [0, 1, 2]
    assert list(session.propagate()), "the session is not left locked or broken"


def test_a_cancellation_before_the_first_frame_tracks_nothing(session: VideoSession) -> None:
    outcome = track_prompts(session, clicked((1, [0])), cancel=lambda: True)
    assert (outcome.completed, outcome.steps, session.obj_ids) == (False, 0, ())


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (clicked((3, [12])), "Object 3 is prompted on frame 12, but the video ends with frame 11"),
        (
            PromptFile(
                objects=(
                    ObjectPrompts(
                        id=2, prompts=(FramePrompt(frame=4, points=(Point(x=81, y=4),)),)
                    ),
                )
            ),
            r"Object 2: \(81, 4\) on frame 4 is outside the picture, which is 80×48",
        ),
        (
            clicked((1, [0])).model_copy(
                update={"video": VideoFacts(file="a.mp4", num_frames=9, width=80, height=48)}
            ),
            "made for a.mp4, 9 frames of 80×48; this video has 12 frames of 80×48",
        ),
    ],
)
def test_prompts_that_do_not_fit_are_rejected_before_anything_is_done(
    session: VideoSession, model: FakeModel, prompts: PromptFile, message: str
) -> None:
    with pytest.raises(PromptError, match=message):
        track_prompts(session, prompts)
    assert session.obj_ids == ()
    assert model.calls == {}
