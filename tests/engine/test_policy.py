"""Memory policies: upstream's two windows, and what becomes of many prompted frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.engine.bank import pointer_sine_encoding
from sam2ov.engine.policy import (
    BankSelection,
    MemorySettings,
    ObjectFrames,
    UpstreamPolicy,
)
from sam2ov.values.timeline import Timeline
from tests.fake_model import make_manifest


def select(
    frame_idx: int,
    conditioning: list[int],
    tracked: set[int],
    num_frames: int = 100,
    reverse: bool = False,
    memory_frames: int | None = None,
    is_growing: bool = False,
    **switches: object,
) -> BankSelection:
    policy = UpstreamPolicy(make_manifest(**switches), MemorySettings(frames=memory_frames))
    timeline = Timeline.empty(num_frames)
    timeline.has_result[[*conditioning, *tracked]] = True
    frames = ObjectFrames(conditioning, timeline, None if is_growing else num_frames)
    return policy.select(frame_idx, frames, reverse=reverse)


def spatial(selection: BankSelection) -> list[tuple[int, int]]:
    return [(slot.frame_idx, slot.slot) for slot in selection.spatial]


def pointers(selection: BankSelection) -> list[tuple[int, int]]:
    return [(slot.frame_idx, slot.distance) for slot in selection.pointers]


def test_right_after_the_prompt_only_the_prompt_is_seen() -> None:
    selection = select(1, [0], set())
    assert spatial(selection) == [(0, 6)]
    assert pointers(selection) == [(0, 1)]


def test_six_neighbours_and_fifteen_pointers() -> None:
    selection = select(50, [0], set(range(1, 50)))
    assert spatial(selection) == [(0, 6), (44, 5), (45, 4), (46, 3), (47, 2), (48, 1), (49, 0)]
    assert pointers(selection) == [(0, 50)] + [(50 - d, d) for d in range(1, 16)]


@pytest.mark.parametrize("reverse", [False, True])
def test_fewer_memories_are_those_of_the_nearest_in_their_trained_slots(reverse: bool) -> None:
    tracked = set(range(1, 99))
    everything = select(50, [0, 99], tracked, reverse=reverse)
    few = select(50, [0, 99], tracked, reverse=reverse, memory_frames=3)
    assert spatial(few) == spatial(everything)[:2] + spatial(everything)[-2:]
    assert pointers(few) == pointers(everything)
    prompts_only = select(50, [0, 99], tracked, reverse=reverse, memory_frames=1)
    assert spatial(prompts_only) == [(0, 6), (99, 6)]


def test_reverse_mirrors_the_windows() -> None:
    selection = select(50, [99], set(range(51, 99)), reverse=True)
    assert spatial(selection) == [(99, 6), (56, 5), (55, 4), (54, 3), (53, 2), (52, 1), (51, 0)]
    assert pointers(selection) == [(99, 49)] + [(50 + d, d) for d in range(1, 16)]


def test_conditioning_frames_of_the_future_give_memory_but_no_pointer() -> None:
    selection = select(5, [10], set())
    assert spatial(selection) == [(10, 6)]
    assert pointers(selection) == []


def test_sam2_takes_pointers_of_the_future_with_unsigned_distance() -> None:
    selection = select(5, [10], set(), past_pointers_only=False, signed_pointer_tpos=False)
    assert pointers(selection) == [(10, 5)]


def test_missing_neighbours_are_skipped() -> None:
    selection = select(20, [0], {14, 19})
    assert spatial(selection) == [(0, 6), (14, 5), (19, 0)]
    assert pointers(selection) == [(0, 20), (19, 1), (14, 6)]


def test_a_conditioning_frame_counts_once() -> None:
    selection = select(3, [0, 2], {0, 1, 2})
    assert spatial(selection) == [(0, 6), (2, 6), (1, 1)]
    assert pointers(selection) == [(0, 3), (2, 1), (1, 2)]


def test_short_videos_limit_the_pointers() -> None:
    selection = select(3, [0], {1, 2}, num_frames=4)
    assert pointers(selection) == [(0, 3), (2, 1), (1, 2)]


def test_a_limit_takes_the_closest_conditioning_frames() -> None:
    selection = select(50, [0, 10, 48, 90], {49}, max_conditioning_frames=2)
    assert spatial(selection)[:2] == [(48, 6), (90, 6)]
    assert spatial(selection)[2:] == [(49, 0)]
    far = select(12, [0, 10, 48, 90], {11}, max_conditioning_frames=3)
    assert [frame for frame, slot in spatial(far) if slot == 6] == [10, 48, 0]


def test_an_unattended_conditioning_frame_is_still_a_neighbour() -> None:
    selection = select(50, [49, 48, 51], set(), max_conditioning_frames=2)
    assert spatial(selection) == [(49, 6), (51, 6), (48, 1)]


def test_a_stride_skips_frames() -> None:
    selection = select(51, [0], set(range(1, 51)), memory_stride=5)
    assert [frame for frame, _ in spatial(selection)] == [0, 25, 30, 35, 40, 45, 50]


@given(
    st.integers(0, 39),
    st.sets(st.integers(0, 39), min_size=1, max_size=4),
    st.sets(st.integers(0, 39)),
    st.booleans(),
)
def test_the_bank_stays_within_its_bounds(
    frame_idx: int, conditioning: set[int], tracked: set[int], reverse: bool
) -> None:
    selection = select(frame_idx, sorted(conditioning), tracked, num_frames=40, reverse=reverse)
    assert len(selection.spatial) <= len(conditioning) + 6
    assert len(selection.pointers) <= len(conditioning) + 15
    for slot in selection.spatial:
        assert slot.frame_idx in conditioning | tracked
        assert 0 <= slot.slot <= 6
    frames = [slot.frame_idx for slot in selection.pointers]
    assert len(frames) == len(set(frames))
    sign = -1 if reverse else 1
    for pointer in selection.pointers:
        assert pointer.distance == sign * (frame_idx - pointer.frame_idx) >= 0


def test_up_to_eight_prompted_frames_are_all_attended_to() -> None:
    prompted = [40, 0, 3, 99, 7, 20, 80, 60]
    assert spatial(select(50, prompted, set()))[:8] == [(frame, 6) for frame in prompted]


@pytest.mark.parametrize("reverse", [False, True])
def test_of_more_the_first_and_the_nearest_in_time(reverse: bool) -> None:
    prompted = [*range(90, 9, -5), 2]
    selection = select(51, prompted, set(), reverse=reverse)
    attended = [2, 35, 40, 45, 50, 55, 60, 65]
    assert [frame for frame, slot in spatial(selection) if slot == 6] == attended
    past = [f for f in attended if (f > 51 if reverse else f < 51)]
    assert [frame for frame, _ in pointers(selection)][: len(past)] == past


@given(
    st.integers(0, 199),
    st.sets(st.integers(0, 199), min_size=9, max_size=120),
    st.sets(st.integers(0, 199)),
    st.booleans(),
)
def test_a_step_costs_the_same_however_many_frames_are_prompted(
    frame_idx: int, prompted: set[int], tracked: set[int], reverse: bool
) -> None:
    selection = select(frame_idx, sorted(prompted), tracked, num_frames=200, reverse=reverse)
    assert len(selection.spatial) <= 8 + 6
    assert len(selection.pointers) <= 8 + 15
    as_prompted = [slot.frame_idx for slot in selection.spatial if slot.slot == 6]
    assert min(prompted) in as_prompted
    assert len(as_prompted) == 8


def test_a_limit_of_the_model_comes_before_ours() -> None:
    selection = select(50, list(range(0, 100, 5)), set(), max_conditioning_frames=12)
    assert len([slot for slot in selection.spatial if slot.slot == 6]) == 12


def test_a_video_that_grows_counts_as_long() -> None:
    short = select(3, [0], {1, 2}, num_frames=4, is_growing=True)
    assert pointers(short) == [(0, 3), (2, 1), (1, 2)]
    long = select(20, [0], set(range(1, 20)), num_frames=21, is_growing=True)
    assert len(long.pointers) == 1 + 15


def test_sine_encoding_of_distances() -> None:
    encoding = pointer_sine_encoding((0, 15), 8, 15)
    assert encoding.shape == (2, 8)
    assert encoding[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert encoding[1, 0] == pytest.approx(np.sin(1))
    assert encoding[1, 2] == pytest.approx(np.sin(0.01), rel=1e-5)


def test_a_single_frame_has_a_finite_encoding() -> None:
    assert np.isfinite(pointer_sine_encoding((0,), 8, 0)).all()
