"""A session whose masks are known to the pixel, and a clip that they lie on."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from sam2ov.export import ExportedObject, TrackedMasks
from sam2ov.masks import FloatArray
from sam2ov.palette import default_colour
from sam2ov.session import VideoSession
from tests.clips import Encoding, Scene, vfr_times, write_clip

OBJECTS = (
    ExportedObject(1, "dog", default_colour(1)),
    ExportedObject(7, "ball", default_colour(7)),
)
EMPTY = range(5, 8)
"""Frames without a result."""


@dataclass
class StoredLogits:
    """Stands in for a session: ``logits`` [T, N, H, W] at video size, objects 1 and 7."""

    logits: FloatArray
    obj_ids: tuple[int, ...] = (1, 7)

    @property
    def num_frames(self) -> int:
        return len(self.logits)

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.logits.shape[2], self.logits.shape[3]

    def logits_at(self, frame_idx: int, size_hw: tuple[int, int], obj_ids: list[int]) -> FloatArray:
        assert size_hw == self.size_hw
        return self.logits[frame_idx, [self.obj_ids.index(obj_id) for obj_id in obj_ids]]


@pytest.fixture(scope="session")
def logits(scene: Scene) -> FloatArray:
    """The scene's masks as logits, the second object grown so that they overlap."""
    grown = scene.masks.copy()
    for shift in range(1, 30):
        grown[:, 1, :, :-shift] |= scene.masks[:, 1, :, shift:]
    grown[:, :, :16, :64] = False  # the bar code stays readable
    made = np.where(grown, np.float32(3), np.float32(-3))
    made[:, 0] *= 2  # the first object is surer of itself
    made[EMPTY.start : EMPTY.stop] = -1024
    assert ((made[:, 0] > 0) & (made[:, 1] > 0)).sum() > 500
    made.setflags(write=False)
    return made


@pytest.fixture
def session(logits: FloatArray) -> VideoSession:
    return cast(VideoSession, StoredLogits(logits))


@pytest.fixture
def tracked(session: VideoSession) -> TrackedMasks:
    """Both objects on all frames, overlapping."""
    return TrackedMasks(session, OBJECTS)


@pytest.fixture(scope="session")
def clip(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene as a file with uneven frame times and sound."""
    encoding = Encoding(
        time_base=Fraction(1, 1000),
        times=vfr_times(len(scene.frames)),
        options={"g": "8", "bf": "2", "crf": "10"},
        audio="aac",
    )
    return write_clip(tmp_path_factory.mktemp("clip") / "clip", scene.frames, encoding)
