"""The distractor-aware memory, rule by rule, on scripted candidates."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.engine.distractor_policy import MOST_DISTRACTOR_FRAMES, DistractorAwarePolicy
from sam2ov.engine.policy import BankSelection, Candidates, MemorySettings, ObjectFrames
from sam2ov.store.journal import Journal
from sam2ov.values.masks import BoolArray, FloatArray
from sam2ov.values.timeline import Timeline
from tests.engine.test_bank import CLICK, make_session
from tests.fake_model import FakeModel, make_manifest

LENGTH = 400


def policy(frames: int | None = None, **switches: object) -> DistractorAwarePolicy:
    return DistractorAwarePolicy(make_manifest(**switches), MemorySettings(frames=frames))


def known(
    prompted: Sequence[int] = (0,),
    seen: Iterable[int] = (),
    kept: Iterable[int] = (),
    absent: Iterable[int] = (),
    stale: Iterable[int] = (),
    *,
    reverse: bool = False,
    area: float = 0.1,
) -> ObjectFrames:
    timeline = Timeline.empty(LENGTH)
    for frame in (*prompted, *seen, *kept, *absent):
        timeline.has_result[frame] = True
        timeline.area[frame] = area
    for frame in (*seen, *kept, *absent):
        timeline.direction[frame] = -1 if reverse else 1
    timeline.kept[[*kept]] = True
    timeline.area[[*absent]] = 0
    timeline.stale[[*stale]] = True
    return ObjectFrames(list(prompted), timeline, LENGTH)


def spatial(selection: BankSelection) -> list[tuple[int, int]]:
    return [(slot.frame_idx, slot.slot) for slot in selection.spatial]


def special(selection: BankSelection) -> list[int]:
    return [slot.frame_idx for slot in selection.spatial if slot.slot == 6]


def recent(selection: BankSelection) -> list[int]:
    """Newest first."""
    return [
        slot.frame_idx for slot in sorted(selection.spatial, key=lambda s: s.slot) if slot.slot < 6
    ]


# ---- What is attended to


def test_the_last_frame_and_multiples_of_five() -> None:
    selection = policy().select(48, known(seen=range(1, 48)), reverse=False)
    assert spatial(selection) == [(0, 6), (25, 5), (30, 4), (35, 3), (40, 2), (45, 1), (47, 0)]


def test_going_back_in_time_is_the_same_mirrored() -> None:
    frames = known([399], seen=range(353, 399), reverse=True)
    selection = policy().select(352, frames, reverse=True)
    assert special(selection) == [399]
    assert recent(selection) == [353, 355, 360, 365, 370, 375]


def test_frames_without_the_object_are_stepped_over() -> None:
    gone = [45, *range(31, 39)]
    frames = known(seen=[f for f in range(1, 45) if f not in gone], absent=[*gone, 46, 47])
    selection = policy().select(48, frames, reverse=False)
    assert recent(selection) == [44, 40, 30, 25, 20, 15]
    pointers = [slot.frame_idx for slot in selection.pointers]
    assert pointers == [0, 44, 43, 42, 41, 40, 39]


def test_after_a_long_absence_the_last_sight_is_there_still() -> None:
    frames = known(seen=range(1, 30), absent=range(30, 300))
    selection = policy().select(300, frames, reverse=False)
    assert recent(selection) == [29, 25, 20, 15, 10, 5]


def test_right_after_the_prompt_only_the_prompt_is_seen() -> None:
    selection = policy().select(1, known(), reverse=False)
    assert spatial(selection) == [(0, 6)]
    assert [slot.distance for slot in selection.pointers] == [1]


def test_kept_frames_take_up_to_three_places_of_the_others() -> None:
    kept = [12, 20, 31, 39, 47]
    frames = known(seen=set(range(1, 60)) - set(kept), kept=kept)
    selection = policy().select(60, frames, reverse=False)
    assert special(selection) == [0, 31, 39, 47]
    assert recent(selection) == [59, 55, 50]
    early = policy().select(14, frames, reverse=False)
    assert special(early) == [0, 12], "what lies ahead is not known yet"


def test_the_frame_before_is_never_one_of_them() -> None:
    frames = known(seen=set(range(1, 60)) - {20, 59}, kept=[20, 59])
    assert special(policy().select(60, frames, reverse=False)) == [0, 20]
    assert recent(policy().select(60, frames, reverse=False))[0] == 59


def test_corrections_come_before_frames_that_were_found() -> None:
    kept = [40, 47, 52]
    frames = known([0, 10, 25], seen=set(range(1, 60)) - {10, 25, *kept}, kept=kept)
    selection = policy().select(60, frames, reverse=False)
    assert special(selection) == [0, 10, 25, 52], "the nearest that was found has its place"
    many = known([30, 5, 10, 15, 20, 25], seen=range(31, 60))
    assert special(policy().select(60, many, reverse=False))[-1] == 30
    assert 30 in special(policy().select(33, many, reverse=False)), "the first one, always"


def test_what_is_stale_or_was_tracked_the_other_way_does_not_count() -> None:
    frames = known(seen=set(range(1, 60)) - {20, 30}, kept=[20, 30], stale=[30])
    assert special(policy().select(60, frames, reverse=False)) == [0, 20]
    frames.timeline.direction[20] = -1
    assert special(policy().select(60, frames, reverse=False)) == [0]


def test_fewer_memories() -> None:
    kept = [12, 20, 31]
    frames = known(seen=set(range(1, 60)) - set(kept), kept=kept)
    assert spatial(policy(3).select(60, frames, reverse=False)) == [(0, 6), (20, 6), (31, 6)]
    assert spatial(policy(1).select(60, frames, reverse=False)) == [(0, 6)]


@given(
    frame=st.integers(1, LENGTH - 2),
    prompted=st.lists(st.integers(0, LENGTH - 1), min_size=1, max_size=12, unique=True),
    kept=st.sets(st.integers(0, LENGTH - 1), max_size=40),
    absent=st.sets(st.integers(0, LENGTH - 1), max_size=200),
    reverse=st.booleans(),
)
def test_what_holds_always(
    frame: int, prompted: list[int], kept: set[int], absent: set[int], reverse: bool
) -> None:
    prompted = [each for each in prompted if each != frame] or [0 if frame else 1]
    kept, absent = kept - set(prompted), absent - set(prompted) - kept
    seen = set(range(LENGTH)) - set(prompted) - kept - absent - {frame}
    frames = known(prompted, seen, kept - {frame}, absent - {frame}, reverse=reverse)
    selection = policy().select(frame, frames, reverse=reverse)
    attended = [slot.frame_idx for slot in selection.spatial]
    assert len(set(attended)) == len(attended) <= 7 <= policy().capacity
    assert frame not in attended
    assert prompted[0] in special(selection)
    assert len(special(selection)) <= MOST_DISTRACTOR_FRAMES
    step = -1 if reverse else 1
    assert all((frame - each) * step > 0 for each in recent(selection))
    assert not absent & set(attended)
    assert not absent & {slot.frame_idx for slot in selection.pointers}
    slots = [slot.slot for slot in selection.spatial if slot.slot < 6]
    assert sorted(slots) == list(range(len(slots)))


# ---- What is kept


def box(x: int, y: int, width: int, height: int) -> BoolArray:
    mask = np.zeros((64, 64), np.bool_)
    mask[y : y + height, x : x + width] = True
    return mask


OBJECT = box(10, 10, 12, 12)
OTHER = box(40, 40, 12, 12)


def candidates(
    second: BoolArray, third: BoolArray = OBJECT, iou: float = 0.9, score: float = 5.0
) -> Candidates:
    masks = np.stack([OBJECT, OBJECT, second, third])
    logits: FloatArray = np.where(masks, np.float32(4), np.float32(-4))
    ious = np.array([0.99, iou, iou - 0.1, iou - 0.2], np.float32)
    return Candidates(logits, ious, score, chosen=1)


def keeps(
    given_candidates: Candidates, frame: int = 50, frames: ObjectFrames | None = None
) -> bool:
    frames = frames or known(seen=range(1, frame + 1))
    return policy().keeps(frame, given_candidates, frames)


def test_a_frame_with_a_distractor_is_kept() -> None:
    assert keeps(candidates(OTHER | OBJECT))
    assert keeps(candidates(OTHER))
    assert not keeps(candidates(OBJECT)), "there is nothing else"
    assert keeps(candidates(OBJECT, OTHER)), "the third mask counts, too"


def test_what_lies_close_to_the_object_is_no_distractor() -> None:
    # Boxes of 12×12 in 12×16 (0.75) and 12×18 (0.67).
    assert not keeps(candidates(OBJECT | box(10, 22, 12, 4)))
    assert keeps(candidates(OBJECT | box(10, 22, 12, 6)))


def test_only_the_largest_part_beside_the_object_counts() -> None:
    specks = box(60, 60, 2, 2) | box(22, 10, 1, 12)
    assert not keeps(candidates(OBJECT | specks)), "the larger part is the strip beside it"
    assert keeps(candidates(OBJECT | box(60, 60, 4, 4) | box(22, 10, 1, 12)))


def test_the_network_has_to_be_sure() -> None:
    assert not keeps(candidates(OTHER, iou=0.79))
    assert keeps(candidates(OTHER, iou=0.81))
    assert not keeps(candidates(OTHER, score=-1.0))


@pytest.mark.parametrize(
    ("share", "is_kept"), [(0.79, False), (0.81, True), (1.19, True), (1.21, False)]
)
def test_the_size_has_to_be_that_of_before(share: float, is_kept: bool) -> None:
    frames = known(seen=range(1, 51))
    frames.timeline.area[50] *= share
    assert keeps(candidates(OTHER), frames=frames) is is_kept


def test_sizes_are_those_of_the_last_ten_with_the_object() -> None:
    frames = known(seen=range(1, 38), absent=range(38, 50))
    frames.timeline.area[1:28] = 0.5
    frames.timeline.has_result[50] = True
    frames.timeline.direction[50] = 1
    frames.timeline.area[50] = 0.1
    assert keeps(candidates(OTHER), frames=frames)
    frames.timeline.area[28:38] = 0.5
    assert not keeps(candidates(OTHER), frames=frames)


def test_the_first_tracked_frame_is_not_kept() -> None:
    assert not keeps(candidates(OTHER), 1, known(seen=[1]))
    assert keeps(candidates(OTHER), 2, known(seen=[1, 2]))


def test_frames_lie_more_than_five_apart() -> None:
    def frames(last: int, *, reverse: bool = False) -> ObjectFrames:
        return known([0], set(range(1, 61)) - {last}, [last], reverse=reverse)

    assert not keeps(candidates(OTHER), frames=frames(45))
    assert keeps(candidates(OTHER), frames=frames(44))
    assert not keeps(candidates(OTHER), frames=frames(55, reverse=True))
    assert keeps(candidates(OTHER), frames=frames(56, reverse=True))
    assert keeps(candidates(OTHER), frames=frames(52)), "what lies ahead is tracked again"


# ---- In a session


def test_taking_up_again_undo_and_reload_give_the_same(tmp_path: Path) -> None:
    settings = MemorySettings(policy="distractor-aware")

    def banks(model: FakeModel, frames: range) -> list[object]:
        return list(model.banks[-len(frames) :])

    model = FakeModel(memory=settings)
    with Journal(tmp_path / "journal.sqlite") as journal:
        with make_session(model, journal) as session:
            assert isinstance(session._tracker.policy, DistractorAwarePolicy)
            with journal.step("click"):
                session.add_points(0, 1, CLICK)
            with journal.step("track"):
                list(session.propagate(0, 40))
            whole = session.mask_logits(40).copy()
            kept = session.timeline(1).kept.copy()
            at_end = banks(model, range(30, 41))
            prompts = session.prompts(1)
            with journal.step("again"):
                list(session.propagate(30, 10))
            assert banks(model, range(30, 41)) == at_end
            np.testing.assert_array_equal(session.mask_logits(40), whole)
            journal.undo()
            session.load(1, prompts)
            np.testing.assert_array_equal(session.timeline(1).kept, kept)
        with make_session(FakeModel(memory=settings), journal) as session:
            session.load(1, prompts)
            np.testing.assert_array_equal(session.timeline(1).kept, kept)
            list(session.propagate(30, 10))
            np.testing.assert_allclose(session.mask_logits(40), whole, rtol=2e-3, atol=2e-2)
