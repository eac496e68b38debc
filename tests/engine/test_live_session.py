"""Sessions over frames that are still coming: as exact as others, and no larger after any time."""

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.engine.features import ArrayFrames, GrowingSource
from sam2ov.engine.live_frames import LiveFrames
from sam2ov.engine.live_session import LiveSession
from sam2ov.engine.model import ImageFeatures, SAM2Model
from sam2ov.engine.policy import MemorySettings
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import FrameDecodeError, PromptError
from sam2ov.values.masks import FloatArray
from tests.engine.test_bank import CLICK
from tests.fake_model import FakeModel

SIZE_HW = (48, 80)


def picture(number: int) -> npt.NDArray[np.uint8]:
    """A red square that goes to and fro; it is gone on some frames."""
    image = np.full((*SIZE_HW, 3), 60, np.uint8)
    if number % 50 < 45:
        left = abs(number % 64 - 32)
        image[8:40, left : left + 32] = (255, 0, 0)
    return image


@dataclass
class Remembering(FakeModel):
    """Keeps all memories that were attended to."""

    attended: list[bytes] = field(default_factory=list)

    def attend_memory(
        self,
        features: ImageFeatures,
        memory: FloatArray,
        memory_tpos: FloatArray,
        pointers: FloatArray,
        pointer_tpos: FloatArray,
    ) -> FloatArray:
        self.attended.append(memory.tobytes() + memory_tpos.tobytes() + pointers.tobytes())
        return super().attend_memory(features, memory, memory_tpos, pointers, pointer_tpos)


def tracker_of(model: FakeModel) -> Tracker:
    return Tracker(cast(SAM2Model, model))


def test_frames_are_held_for_a_while() -> None:
    frames = LiveFrames(SIZE_HW, 3)
    assert isinstance(frames, GrowingSource)
    assert frames.oldest == 0
    for number in range(5):
        assert frames.add(picture(number)) == number
    assert (frames.oldest, frames.num_frames) == (2, 5)
    assert not frames.holds(1)
    np.testing.assert_array_equal(frames.read(2), picture(2))
    with pytest.raises(FrameDecodeError, match="live frame 1 has been forgotten"):
        frames.read(1)
    with pytest.raises(PromptError, match=r"uint8 RGB \(48, 80, 3\)"):
        frames.add(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("policy", ["upstream", "distractor-aware"])
def test_masks_are_those_of_a_clip(policy: str) -> None:
    settings = MemorySettings(policy=policy)  # type: ignore[arg-type]
    length = 120
    clip = ArrayFrames(np.stack([picture(number) for number in range(length)]))
    with VideoSession(tracker_of(FakeModel(memory=settings)), clip) as session:
        session.add_points(0, 1, CLICK)
        expected = [step.mask_logits for step in session.propagate()]
    with LiveSession(tracker_of(FakeModel(memory=settings)), SIZE_HW, 8) as live:
        live.follow(picture(0))
        live.add_points(0, 1, CLICK)
        for number in range(1, length):
            found = live.follow(picture(number))
            np.testing.assert_array_equal(found.mask_logits, expected[number])


@pytest.mark.parametrize("policy", ["upstream", "distractor-aware"])
def test_forgetting_changes_no_choice(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is attended to is the same memories, whether what is old is forgotten or not."""

    def attended(between: int) -> tuple[list[bytes], LiveSession]:
        monkeypatch.setattr("sam2ov.engine.live_session._FRAMES_BETWEEN", between)
        monkeypatch.setattr("sam2ov.engine.live_session._RESULTS_KEPT", 310)
        model = Remembering(memory=MemorySettings(policy=policy))  # type: ignore[arg-type]
        live = LiveSession(tracker_of(model), SIZE_HW, 8)
        live.follow(picture(0))
        live.add_points(0, 1, CLICK)
        for number in range(1, 900):
            found = live.follow(picture(number))
            assert found.frame_idx == live.newest == number
            if number == 500:
                live.add_points(live.index_of(number), 1, CLICK)
        return model.attended, live

    forgetful, live = attended(100)
    assert live.num_frames < 600
    assert len(live.timeline(1).has_result) == live.num_frames
    assert live.oldest == 892
    live.close()
    remembering, live = attended(10_000)
    assert live.num_frames == 900
    live.close()
    assert forgetful == remembering


def test_nothing_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2ov.engine.live_session._FRAMES_BETWEEN", 64)
    monkeypatch.setattr("sam2ov.engine.live_session._RESULTS_KEPT", 32)
    sizes = []
    with LiveSession(tracker_of(FakeModel()), SIZE_HW, 4) as live:
        for number in range(1300):
            live.follow(picture(number))
            if number % 40 == 0:  # prompts that come and go
                live.add_points(live.num_frames - 1, 1, CLICK)
                live.add_points(live.num_frames - 1, 2 + number, CLICK)
            elif number % 40 == 30:
                live.remove_object(2 + number - 30)
            (rows,) = live._journal.fetch("SELECT COUNT(*) FROM result")
            (tensors,) = live._journal.fetch("SELECT COUNT(*) FROM tensor")
            sizes.append((live.num_frames, rows[0], tensors[0], len(live.prompts(1))))
    early, late = np.max(sizes[300:700], axis=0), np.max(sizes[900:], axis=0)
    assert (late <= 1.1 * early).all(), (early, late)


def test_without_objects_nothing_is_computed() -> None:
    model = FakeModel()
    with LiveSession(tracker_of(model), SIZE_HW, 4) as live:
        found = live.follow(picture(0))
        assert (found.obj_ids, len(found.mask_logits)) == ((), 0)
        assert not model.calls
