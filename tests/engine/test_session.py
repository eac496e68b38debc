"""Sessions: what is kept, what is invalidated, what is recomputed, what is bounded."""

import gc
import threading
import tracemalloc
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.engine.features import ArrayFrames
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import PromptError, TrackingError
from sam2ov.store.journal import Journal
from sam2ov.values.masks import FloatArray
from sam2ov.values.prompts import MaskPrompt, PointPrompt, make_point_prompt
from tests.click_model import ClickModel
from tests.fake_model import FakeModel

SIZE_HW = (48, 80)
CLICK = make_point_prompt([[10, 10]], [1], None, SIZE_HW)


class RedSquare:
    """A red square that is in the picture on frames outside ``gone``; counts what is read."""

    def __init__(self, num_frames: int, gone: range = range(0)) -> None:
        self.num_frames = num_frames
        self.size_hw = SIZE_HW
        self.gone = gone
        self.reads: list[int] = []
        self.closed = False

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        self.reads.append(frame_idx)
        frame = np.full((*SIZE_HW, 3), 60, np.uint8)
        if frame_idx not in self.gone:
            frame[8:40, 8:40] = (255, 0, 0)
        return frame

    def close(self) -> None:
        self.closed = True


def make_session(
    frames: RedSquare, model: FakeModel | None = None, folder: Path | None = None
) -> VideoSession:
    tracker = Tracker(cast(SAM2Model, model or FakeModel()))
    return VideoSession(tracker, frames, Journal.temporary(folder))


def tracked(session: VideoSession, **kwargs: Any) -> list[int]:
    return [step.frame_idx for step in session.propagate(**kwargs)]


def test_tracking_covers_the_video_once() -> None:
    frames = RedSquare(12)
    with make_session(frames) as session:
        session.add_points(3, 1, CLICK)
        assert tracked(session) == list(range(3, 12))
        assert tracked(session, reverse=True) == [3, 2, 1, 0]
        assert session.timeline(1).has_result.all()
        assert frames.reads.count(5) == 1, "a frame is decoded and embedded once"


def test_ranges_include_their_start() -> None:
    with make_session(RedSquare(12)) as session:
        session.add_points(3, 1, CLICK)
        session.add_points(9, 1, CLICK)
        assert tracked(session, start_frame_idx=5, max_frame_num_to_track=2) == [5, 6, 7]
        assert tracked(session, start_frame_idx=2, reverse=True, max_frame_num_to_track=1) == [2, 1]
        assert tracked(session, start_frame_idx=0, reverse=True) == [0]
        assert tracked(session, max_frame_num_to_track=0) == [3]


def test_absence_is_reported_and_recovered_from() -> None:
    with make_session(RedSquare(12, gone=range(4, 7))) as session:
        session.add_points(0, 1, CLICK)
        absent = [step.frame_idx for step in session.propagate() if (step.mask_logits <= 0).all()]
        assert absent == [4, 5, 6]
        assert (session.mask_logits(5) == -1024).all()
        result = session.result(5, 1)
        assert result is not None
        np.testing.assert_array_equal(result.pointer, np.full(8, -1, np.float32))
        assert (session.timeline(1).object_score[4:7] < 0).all()
        assert (session.timeline(1).object_score[7:] > 0).all()


def test_a_click_on_an_untracked_frame_uses_no_memory() -> None:
    model = FakeModel()
    with make_session(RedSquare(8), model) as session:
        session.add_points(0, 1, CLICK)
        session.add_points(5, 1, CLICK)
        assert "attend_memory" not in model.calls
        assert model.feedback == [None, None]


def test_a_correction_uses_memories_and_the_earlier_answer() -> None:
    model = FakeModel()
    with make_session(RedSquare(8), model) as session:
        session.add_points(0, 1, CLICK)
        tracked(session)
        model.banks.clear()
        model.feedback.clear()
        session.add_points(5, 1, CLICK)
        assert model.banks == [(1, 5, 5)]
        assert model.feedback[0] is not None
        assert np.abs(model.feedback[0]).max() <= 32


def test_clicks_add_up_or_replace() -> None:
    with make_session(RedSquare(4)) as session:
        session.add_points(0, 1, CLICK)
        session.add_points(0, 1, CLICK, clear_old_points=False)
        added = session.prompts(1)[0]
        assert isinstance(added, PointPrompt)
        assert len(added.labels) == 2
        session.add_points(0, 1, CLICK)
        replaced = session.prompts(1)[0]
        assert isinstance(replaced, PointPrompt)
        assert len(replaced.labels) == 1
        session.add_mask(0, 1, MaskPrompt.of(np.ones(SIZE_HW, np.bool_)))
        assert isinstance(session.prompts(1)[0], MaskPrompt)


def test_a_correction_survives_tracking_again() -> None:
    with make_session(RedSquare(12)) as session:
        session.add_points(0, 1, CLICK)
        tracked(session)
        left = np.zeros(SIZE_HW, np.bool_)
        left[:, :20] = True
        session.add_mask(6, 1, MaskPrompt.of(left))
        corrected = session.mask_logits(6)
        steps = {step.frame_idx: step.mask_logits for step in session.propagate()}
        np.testing.assert_allclose(steps[6], corrected, rtol=1e-3)
        np.testing.assert_allclose(session.mask_logits(6), corrected, rtol=1e-3)


def test_editing_makes_only_that_objects_results_stale() -> None:
    with make_session(RedSquare(10)) as session:
        for obj_id in (1, 2):
            session.add_points(0, obj_id, CLICK)
        tracked(session)
        session.add_points(5, 1, CLICK)
        assert session.timeline(1).stale.tolist() == [i > 5 for i in range(10)]
        assert not session.timeline(2).stale.any()
        assert session.mask_logits(7).max() > 0, "stale results can still be looked at"
        tracked(session, start_frame_idx=5, obj_ids=[1])
        assert session.timeline(1).stale.tolist() == [False] * 10
        tracked(session, start_frame_idx=5, reverse=True, obj_ids=[1])
        assert not session.timeline(1).stale.any()


def test_objects_are_batched_and_tracked_alone_on_request() -> None:
    model = FakeModel()
    with make_session(RedSquare(6), model) as session:
        for obj_id in (1, 2, 3):
            session.add_points(0, obj_id, CLICK)
        tracked(session)
        assert model.banks == [(3, n, n) for n in (1, 2, 3, 4, 5)]
        model.banks.clear()
        assert [step.obj_ids for step in session.propagate(obj_ids=[2])] == [(2,)] * 6
        assert {batch for batch, _, _ in model.banks} == {1}


def test_many_objects_go_through_the_networks_a_few_at_a_time() -> None:
    """What the networks need in between does not grow with the number of objects."""
    model = FakeModel()
    with make_session(RedSquare(3), model) as session:
        for obj_id in range(1, 41):
            session.add_points(0, obj_id, CLICK)
        steps = list(session.propagate())
        assert [step.obj_ids for step in steps] == [tuple(range(1, 41))] * 3
        assert [batch for batch, _, _ in model.banks] == [16, 16, 8] * 2
        assert all((step.mask_logits[:, 5, 5] > 0).all() for step in steps)


def test_more_objects_than_fit_are_refused_before_they_are_prompted() -> None:
    with make_session(RedSquare(3)) as session:
        tracker = session._tracker
        capacity, manifest = tracker.policy.capacity, tracker.manifest
        memory = 4 * capacity * manifest.memory_tokens * manifest.mem_dim
        assert tracker.most_objects * memory <= 4 << 30
        tracker.most_objects = 2
        for obj_id in (1, 2):
            session.add_points(0, obj_id, CLICK)
        with pytest.raises(PromptError, match=r"^2 objects are tracked together already"):
            session.add_points(0, 3, CLICK)
        session.add_points(1, 2, CLICK)
        session.remove_object(1)
        session.add_points(0, 3, CLICK)
        assert session.obj_ids == (2, 3)


def test_an_object_added_later_joins_on_every_frame() -> None:
    with make_session(RedSquare(6)) as session:
        session.add_points(0, 1, CLICK)
        tracked(session)
        session.add_points(4, 9, CLICK)
        steps = list(session.propagate())
        assert [step.frame_idx for step in steps] == list(range(6))
        assert {step.obj_ids for step in steps} == {(1, 9)}
        assert all((step.mask_logits[1] > 0).any() for step in steps)


def test_removing_an_object_keeps_the_others() -> None:
    with make_session(RedSquare(6)) as session:
        for obj_id in (1, 2):
            session.add_points(0, obj_id, CLICK)
        tracked(session)
        session.remove_object(1)
        assert session.obj_ids == (2,)
        assert session.timeline(2).has_result.all()
        with pytest.raises(PromptError, match="no object 1"):
            session.timeline(1)
        session.add_points(3, 1, CLICK)
        assert session.timeline(1).has_result.sum() == 0, "a new object starts with nothing"


def test_an_object_removed_while_tracking_drops_out() -> None:
    with make_session(RedSquare(6)) as session:
        for obj_id in (1, 2):
            session.add_points(0, obj_id, CLICK)
        steps = session.propagate()
        assert next(steps).obj_ids == (1, 2)
        session.remove_object(1)
        assert next(steps).obj_ids == (2,)
        session.reset()
        assert list(steps) == []


def test_clearing_a_frame_downgrades_it() -> None:
    model = FakeModel()
    with make_session(RedSquare(8), model) as session:
        session.add_points(0, 1, CLICK)
        session.add_points(4, 1, CLICK)
        tracked(session)
        session.clear_frame(4, 1)
        assert list(session.prompts(1)) == [0]
        model.banks.clear()
        tracked(session, start_frame_idx=5, max_frame_num_to_track=0)
        assert model.banks == [(1, 5, 5)], "one conditioning frame, frames 1 to 4 as neighbours"


def test_clearing_an_answer_brings_the_tracked_mask_back() -> None:
    with make_session(RedSquare(8)) as session:
        session.add_points(0, 1, CLICK)
        tracked(session)
        before = session.mask_logits(4)
        session.add_mask(4, 1, MaskPrompt.of(np.zeros(SIZE_HW, np.bool_)))
        assert (session.mask_logits(4) < 0).all()
        session.clear_frame(4, 1)
        np.testing.assert_array_equal(session.mask_logits(4), before)


def test_replaying_fewer_prompts_undoes_the_last() -> None:
    model = FakeModel()
    with make_session(RedSquare(8), model) as session:
        session.replay(0, 1, [CLICK, CLICK])
        prompt = session.prompts(1)[0]
        assert isinstance(prompt, PointPrompt)
        assert len(prompt.labels) == 2
        tracked(session)
        model.feedback.clear()
        session.replay(0, 1, [CLICK])
        assert model.feedback == [None], "the committed answer must not be fed back"
        assert model.banks[-1][0] == 1
        tracked(session)
        assert session.timeline(1).has_result.all()


def test_undoing_a_correction_brings_the_tracked_mask_back() -> None:
    with make_session(RedSquare(8)) as session:
        session.add_points(0, 1, CLICK)
        tracked(session)
        before = session.mask_logits(4)
        session.add_mask(4, 1, MaskPrompt.of(np.zeros(SIZE_HW, np.bool_)))
        tracked(session)
        assert (session.mask_logits(4) < 0).all()
        session.replay(4, 1, [])
        np.testing.assert_array_equal(session.mask_logits(4), before)
        assert list(session.prompts(1)) == [0]
        assert session.timeline(1).object_score[4] > 0
        assert len(tracked(session)) == 8


def test_undoing_the_only_prompt_leaves_nothing_on_its_frame() -> None:
    with make_session(RedSquare(4)) as session:
        session.add_points(2, 1, CLICK)
        tracked(session)
        session.replay(2, 1, [])
        assert (session.mask_logits(2) == -1024).all()
        assert session.timeline(1).has_result.tolist() == [False, False, False, True]
        assert session.timeline(1).stale.tolist() == [False, False, False, True]
        with pytest.raises(TrackingError, match="no prompts"):
            tracked(session)


def test_a_cleared_frame_can_be_tracked_over() -> None:
    with make_session(RedSquare(8)) as session:
        session.add_points(0, 1, CLICK)
        session.add_mask(4, 1, MaskPrompt.of(np.zeros(SIZE_HW, np.bool_)))
        tracked(session)
        session.clear_frame(4, 1)
        assert (session.mask_logits(4) < 0).all()
        tracked(session)
        assert (session.mask_logits(4) > 0).any()
        result = session.result(4, 1)
        assert result is not None
        assert not result.prompted


def test_nothing_to_track_is_a_runtime_error() -> None:
    with make_session(RedSquare(4)) as session:
        with pytest.raises(TrackingError, match="nothing to track"):
            tracked(session)
        session.add_points(0, 1, CLICK)
        session.clear_frame(0, 1)
        with pytest.raises(TrackingError, match="object 1 has no prompts") as caught:
            tracked(session)
        assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize("frame_idx", [-1, 4, 1000])
def test_frames_outside_the_video_are_refused(frame_idx: int) -> None:
    with make_session(RedSquare(4)) as session:
        with pytest.raises(PromptError, match="frames 0 to 3"):
            session.add_points(frame_idx, 1, CLICK)
        assert session.obj_ids == ()
        with pytest.raises(PromptError, match="frames 0 to 3"):
            session.mask_logits(frame_idx)


def test_prompted_frames_are_remembered_thresholded_and_tracked_ones_are_not() -> None:
    model = FakeModel()
    with make_session(RedSquare(3), model) as session:
        session.add_points(0, 1, CLICK)
        tracked(session)
        assert model.binarized == [1.0, 0.0, 0.0]


def test_resuming_far_away_encodes_the_neighbours_again() -> None:
    model = FakeModel()
    frames = RedSquare(300)
    with make_session(frames, model) as session:
        session.add_points(0, 1, CLICK)
        tracked(session)
        encoded = model.calls["encode_memory"]
        model.banks.clear()
        tracked(session, start_frame_idx=150, max_frame_num_to_track=0)
        assert model.banks == [(1, 7, 16)]
        assert model.calls["encode_memory"] == encoded + 6 + 1


def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    def grown(num_frames: int) -> int:
        session = make_session(RedSquare(num_frames), folder=tmp_path)
        with session:
            for obj_id in (1, 2):
                session.add_points(0, obj_id, CLICK)
            for step in session.propagate():
                if step.frame_idx == 100:
                    gc.collect()
                    base, _ = tracemalloc.get_traced_memory()
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - base

    tracemalloc.start()
    try:
        # The feature cache fills up to its budget; a tiny one reaches it at once.
        grown(150)
        short, long = grown(400), grown(1600)
    finally:
        tracemalloc.stop()
    features_and_reads = 1200 * 5000  # what the fake features and the list of reads take at most
    assert long - short < features_and_reads


def test_closing_releases_video_and_files(tmp_path: Path) -> None:
    frames = RedSquare(4)
    session = make_session(frames, folder=tmp_path)
    session.add_points(0, 1, CLICK)
    tracked(session)
    assert list(tmp_path.iterdir())
    session.close()
    assert frames.closed
    assert not list(tmp_path.iterdir())


def test_a_click_does_not_wait_for_a_whole_propagation() -> None:
    with make_session(RedSquare(200)) as session:
        session.add_points(0, 1, CLICK)
        steps = session.propagate()
        next(steps)
        clicked = threading.Event()

        def click() -> None:
            session.add_points(100, 2, CLICK)
            clicked.set()

        threading.Thread(target=click).start()
        assert clicked.wait(10), "a suspended propagation must not hold the lock"
        assert len(list(steps)) == 199


def test_frames_in_memory_are_checked() -> None:
    with pytest.raises(PromptError, match=r"\[T, H, W, 3\]"):
        ArrayFrames(np.zeros((4, 8, 8), np.uint8))
    with pytest.raises(PromptError, match="float32"):
        ArrayFrames(np.zeros((4, 8, 8, 3), np.float32))


def stored_masks(session: VideoSession, obj_id: int) -> list[FloatArray]:
    return [session.mask_logits(i, [obj_id])[0] for i in range(session.num_frames)]


def test_a_session_goes_on_where_another_stopped(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    tracker = Tracker(cast(SAM2Model, FakeModel()))
    with (
        Journal(path) as journal,
        VideoSession(tracker, RedSquare(10, gone=range(6, 8)), journal) as session,
    ):
        session.add_points(2, 1, CLICK)
        tracked(session)
        session.add_points(8, 1, CLICK)  # not tracked from yet
        before, prompts = session.timeline(1), session.prompts(1)
        masks = stored_masks(session, 1)
    with (
        Journal(path) as journal,
        VideoSession(tracker, RedSquare(10, gone=range(6, 8)), journal) as session,
    ):
        session.load(1, prompts)
        after = session.timeline(1)
        for name in vars(before):
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name), name)
        np.testing.assert_allclose(stored_masks(session, 1), masks, rtol=5e-4)
        assert tracked(session, start_frame_idx=8) == [8, 9]
        assert not session.timeline(1).stale.any()


def test_undo_restores_masks_and_what_is_outdated(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    tracker = Tracker(cast(SAM2Model, FakeModel()))
    with VideoSession(tracker, RedSquare(8), journal) as session:
        with journal.step("click"):
            session.add_points(0, 1, CLICK)
        with journal.step("track"):
            tracked(session)
        prompts, masks = session.prompts(1), stored_masks(session, 1)
        with journal.step("correct"):
            session.add_points(4, 1, CLICK)
        stale = session.timeline(1).stale.tolist()
        assert stale == [i > 4 for i in range(8)]
        with journal.step("track again"):
            tracked(session, start_frame_idx=4)
        assert not session.timeline(1).stale.any()
        assert journal.undo().obj_ids == {1}
        session.load(1, {**prompts, 4: CLICK})
        assert session.timeline(1).stale.tolist() == stale
        journal.undo()
        session.load(1, prompts)
        assert not session.timeline(1).stale.any()
        np.testing.assert_allclose(stored_masks(session, 1), masks, rtol=5e-4)
        journal.undo()
        journal.undo()
        session.load(1, {})
        assert session.obj_ids == ()


def test_a_preview_is_the_answer_and_changes_nothing() -> None:
    model = ClickModel()
    with make_session(RedSquare(6), model) as session:
        assert session.preview_points(2, 1, CLICK) is None, "nothing is embedded for it"
        session.prepare_frame(2)
        seen = session.preview_points(2, 1, CLICK)
        assert session.obj_ids == ()
        assert seen is not None
        session.add_points(2, 1, CLICK)
        assert np.array_equal(seen, session.mask_logits(2)[0])
        more = make_point_prompt([[30, 30]], [1], None, SIZE_HW)
        seen, before = session.preview_points(2, 1, more), session.mask_logits(2)
        assert np.array_equal(before, session.mask_logits(2))
        session.add_points(2, 1, more, clear_old_points=False)
        assert seen is not None
        assert np.array_equal(seen, session.mask_logits(2)[0])
        assert not np.array_equal(seen, before[0])


def test_a_preview_of_a_correction_runs_the_decoder_alone() -> None:
    model = ClickModel()
    with make_session(RedSquare(6), model) as session:
        session.add_points(0, 1, CLICK)
        tracked(session)
        assert session.preview_points(4, 1, CLICK) is None, "its memories are not attended to"
        session.prepare_frame(4, 1)
        model.calls.clear()
        seen = session.preview_points(4, 1, CLICK)
        assert set(model.calls) == {"encode_prompts", "decode_masks"}
        assert seen is not None
        session.add_points(4, 1, CLICK)
        assert "attend_memory" not in model.calls, "the click is quicker for it"
        assert np.array_equal(seen, session.mask_logits(4)[0])
        assert session.preview_points(3, 1, CLICK) is None
        session.prepare_frame(3, 2)
        assert session.preview_points(3, 1, CLICK) is None, "it was prepared for another object"
