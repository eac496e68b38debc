"""Looking ahead changes when a frame is read, and nothing else."""

import threading
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.engine.features import ArrayFrames, FrameFeatures
from sam2ov.engine.model import SAM2Model
from sam2ov.errors import VideoError
from tests.fake_model import FakeModel

_WAIT_SECONDS = 20


class Watched(ArrayFrames):
    """Frames that tell which were read, and which of them ahead; one may be damaged."""

    def __init__(self, damaged: int | None = None) -> None:
        super().__init__(
            np.arange(10, dtype=np.uint8)[:, None, None, None]
            .repeat(8, 1)
            .repeat(8, 2)
            .repeat(3, 3)
        )
        self.readers: list[tuple[int, bool]] = []
        self.gate = threading.Event()
        self.gate.set()
        self._damaged = damaged

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        assert self.gate.wait(_WAIT_SECONDS)
        is_ahead = threading.current_thread().name.startswith("sam2ov-ahead")
        self.readers.append((frame_idx, is_ahead))
        if frame_idx == self._damaged:
            raise VideoError("This frame is damaged.")
        return super().read(frame_idx)


def _features(frames: Watched) -> tuple[FrameFeatures, FakeModel]:
    model = FakeModel()
    return FrameFeatures(cast(SAM2Model, model), frames), model


def test_a_frame_ahead_is_read_once_and_elsewhere() -> None:
    frames = Watched()
    features, model = _features(frames)
    features.look_ahead(3)
    ahead = features[3]
    np.testing.assert_array_equal(ahead.embedding, _features(Watched())[0][3].embedding)
    assert features[3] is ahead
    assert model.calls["encode_image"] == 1
    assert frames.readers == [(3, True)]
    features.close()


def test_a_frame_that_was_not_foreseen_is_read_at_once() -> None:
    frames = Watched()
    features, _ = _features(frames)
    features.look_ahead(3)
    assert features[7] is not features[3]
    assert sorted(frames.readers) == [(3, True), (7, False)]
    features.close()


def test_nothing_is_read_twice_for_being_asked_twice() -> None:
    frames = Watched()
    features, _ = _features(frames)
    features.look_ahead(3)
    features.look_ahead(3)
    features[3]
    features.look_ahead(3)  # is there already
    features.look_ahead(4)
    features[4]
    assert frames.readers == [(3, True), (4, True)]
    features.close()


def test_an_error_ahead_waits_for_who_needs_the_frame() -> None:
    features, _ = _features(Watched(damaged=3))
    features.look_ahead(3)
    assert features[4].embedding.size
    with pytest.raises(VideoError, match="damaged"):
        features[3]
    features.close()


def test_closing_waits_for_the_frame_that_is_being_read() -> None:
    frames = Watched()
    features, _ = _features(frames)
    frames.gate.clear()
    features.look_ahead(3)
    closing = threading.Thread(target=features.close)
    closing.start()
    assert not frames.readers
    frames.gate.set()
    closing.join(_WAIT_SECONDS)
    assert not closing.is_alive()
    assert frames.readers in ([], [(3, True)])
