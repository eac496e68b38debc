"""Memory banks: bounded however much is corrected, and guided by a policy."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.engine import policies as policies_module
from sam2ov.engine.features import ArrayFrames
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.policy import (
    BankSelection,
    Candidates,
    MemorySettings,
    ObjectFrames,
    PolicyName,
    SpatialSlot,
    UpstreamPolicy,
)
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.manifest import Manifest
from sam2ov.store.journal import Journal
from sam2ov.values.prompts import MaskPrompt, make_point_prompt
from tests.fake_model import FakeModel

SIZE_HW = (48, 80)
CLICK = make_point_prompt([[10, 10]], [1], None, SIZE_HW)
FRAMES = np.zeros((100, *SIZE_HW, 3), np.uint8)
FRAMES[:, 8:40, 8:40] = (255, 0, 0)


def make_session(model: FakeModel, journal: Journal | None = None) -> VideoSession:
    return VideoSession(Tracker(cast(SAM2Model, model)), ArrayFrames(FRAMES), journal)


def memories_held(session: VideoSession) -> int:
    (target,) = session._objects.values()
    return len(target._bank._memories)


@pytest.mark.parametrize("corrected", [1, 8, 60])
def test_a_frame_costs_the_same_however_many_were_corrected(corrected: int) -> None:
    model = FakeModel()
    with make_session(model) as session:
        for frame_idx in range(corrected):
            session.add_points(frame_idx, 1, CLICK)
        list(session.propagate(0, 79))
        model.banks.clear()
        encoded = model.calls["encode_memory"]
        list(session.propagate(80, 9))
        memories = min(corrected, 8) + 6
        assert set(model.banks) == {(1, memories, min(corrected, 8) + 15)}
        assert model.calls["encode_memory"] == encoded + 10, "nothing is encoded again"
        assert memories_held(session) <= 8 + 7


def test_memories_that_made_room_are_encoded_again_when_tracking_comes_by() -> None:
    model = FakeModel()
    with make_session(model) as session:
        for frame_idx in range(0, 90, 3):
            session.add_points(frame_idx, 1, CLICK)
        list(session.propagate())
        assert memories_held(session) <= 8 + 7
        # 30 answers and 70 tracked frames, each encoded once; going on needs none twice.
        assert model.calls["encode_memory"] <= 100 + 30


def test_given_masks_leave_no_logits_behind() -> None:
    """Answers are in the store; a session holds those of the latest few frames only."""
    mask = MaskPrompt.of(np.ones(SIZE_HW, np.bool_))
    with make_session(FakeModel()) as session:
        for frame_idx in range(60):
            session.add_mask(frame_idx, 1, mask)
        (target,) = session._objects.values()
        assert len(target._exact) <= 8
        before = [session.mask_logits(frame_idx) for frame_idx in range(60)]
        list(session.propagate(59, 0))
        after = [session.mask_logits(frame_idx) for frame_idx in range(60)]
        np.testing.assert_allclose(before, after, rtol=1e-3)


class Growing:
    """A camera: ``num_frames`` have come so far."""

    def __init__(self, num_frames: int) -> None:
        self.num_frames = num_frames
        self.size_hw = SIZE_HW
        self.is_growing = True

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        assert frame_idx < self.num_frames
        picture: npt.NDArray[np.uint8] = FRAMES[frame_idx % len(FRAMES)]
        return picture

    def holds(self, frame_idx: int) -> bool:
        return frame_idx < self.num_frames

    def close(self) -> None:
        self.is_growing = False


def test_a_session_follows_a_video_that_grows() -> None:
    model, camera = FakeModel(), Growing(1)
    with VideoSession(Tracker(cast(SAM2Model, model)), camera) as session:
        session.add_points(0, 1, CLICK)
        seen = [step.frame_idx for step in session.propagate()]
        for _ in range(400):
            camera.num_frames += 1
            newest = camera.num_frames - 1
            seen += [step.frame_idx for step in session.propagate(newest)]
        assert seen == list(range(401))
        assert session.num_frames == 401
        assert session.timeline(1).has_result.all()
        assert len(session.timeline(1).has_result) == 401
        session.add_points(400, 1, CLICK)
        camera.num_frames += 1
        assert len(session.timeline(1).has_result) == 402
        assert [step.frame_idx for step in session.propagate(401)] == [401]
        assert len(model.banks) == 401 + 1


def test_a_run_takes_up_frames_that_come_meanwhile() -> None:
    camera = Growing(2)
    with VideoSession(Tracker(cast(SAM2Model, FakeModel())), camera) as session:
        session.add_points(0, 1, CLICK)
        seen = []
        for step in session.propagate():
            seen.append(step.frame_idx)
            camera.num_frames = min(camera.num_frames + 1, 50)
        assert seen == list(range(50))


@dataclass
class Scripted(UpstreamPolicy):
    """Keeps frames whose candidates say so, and attends to all of them."""

    manifest: Manifest
    settings: MemorySettings
    told: list[tuple[int, float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.manifest, self.settings)

    def keeps(self, frame_idx: int, candidates: Candidates, frames: ObjectFrames) -> bool:
        assert frames.has_result(frame_idx)
        assert candidates.mask_logits.shape[0] == len(candidates.ious) == 4
        self.told.append((frame_idx, float(candidates.ious.max()), candidates.chosen))
        return frame_idx % 10 == 5

    def select(self, frame_idx: int, frames: ObjectFrames, *, reverse: bool) -> BankSelection:
        chosen = super().select(frame_idx, frames, reverse=reverse)
        kept = np.flatnonzero(frames.timeline.kept).tolist()
        spatial = [SpatialSlot(frame, 6) for frame in kept if frame != frame_idx]
        return BankSelection((*chosen.spatial[:1], *spatial), chosen.pointers)


def test_what_a_policy_decided_is_undone_and_loaded_with_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = cast(PolicyName, "scripted")
    monkeypatch.setattr(policies_module, "POLICIES", {name: Scripted})
    model = FakeModel(memory=MemorySettings(policy=name))
    with Journal(tmp_path / "journal.sqlite") as journal:
        with make_session(model, journal) as session:
            with journal.step("click"):
                session.add_points(0, 1, CLICK)
            with journal.step("track"):
                list(session.propagate(0, 30))
            kept = session.timeline(1).kept.copy()
            assert np.flatnonzero(kept).tolist() == [5, 15, 25]
            assert model.banks[-1][1] == 1 + 3
            policy = session._tracker.policy
            assert isinstance(policy, Scripted)
            frame_idx, best, chosen = policy.told[0]
            assert (frame_idx, chosen) == (1, 2)
            assert best == pytest.approx(0.9)
            prompts = session.prompts(1)
            with journal.step("track on"):
                list(session.propagate(31, 30))
            assert session.timeline(1).kept.sum() == 6
            journal.undo()
            session.load(1, prompts)
            np.testing.assert_array_equal(session.timeline(1).kept, kept)
        with make_session(model, journal) as session:
            session.load(1, prompts)
            np.testing.assert_array_equal(session.timeline(1).kept, kept)
