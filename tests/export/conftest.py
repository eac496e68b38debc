"""A session whose masks are known to the pixel, and a clip that they lie on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2ov.export import FORMATS, ExportSettings
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.masks import FloatArray, MaskSource
from sam2ov.values.objects import ClipObject
from sam2ov.values.palette import default_colour, to_hex
from sam2ov.video import FrameReader, open_video
from tests.clips import Encoding, Scene, vfr_times, write_clip

Write = Callable[..., list[Path]]
"""``write(format, path, …)``: see the fixture."""

OBJECTS = (
    ClipObject(1, "dog", to_hex(default_colour(1))),
    ClipObject(7, "ball", to_hex(default_colour(7))),
)
EMPTY = range(5, 8)
"""Frames without a result."""


@dataclass
class StoredLogits:
    """Where masks come from: ``logits`` [T, N, H, W] at video size, objects 1 and 7."""

    logits: FloatArray
    obj_ids: tuple[int, ...] = (1, 7)

    @property
    def num_frames(self) -> int:
        return len(self.logits)

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.logits.shape[2], self.logits.shape[3]

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        assert size_hw == self.size_hw
        return self.logits[frame_idx, [self.obj_ids.index(i) for i in obj_ids or self.obj_ids]]


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
def stored(logits: FloatArray) -> StoredLogits:
    return StoredLogits(logits)


@pytest.fixture
def tracked(stored: StoredLogits) -> TrackedMasks:
    """Both objects on all frames, overlapping."""
    return TrackedMasks(stored, OBJECTS)


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


@pytest.fixture
def reader(clip: Path) -> Iterator[FrameReader]:
    with open_video(clip) as opened:
        yield opened


def settings_of(name: str, options: dict[str, object], common: dict[str, Any]) -> ExportSettings:
    return ExportSettings(**common, options=FORMATS[name].parse_options(options))


@pytest.fixture
def write(stored: StoredLogits, reader: FrameReader) -> Write:
    """Writes masks of the clip in a format; ``common`` are fields of ``ExportSettings``."""

    def written(
        name: str,
        path: Path,
        *,
        masks: MaskSource = stored,
        objects: Sequence[ClipObject] = OBJECTS,
        frames: range | None = None,
        clip_name: str = "my clip.mp4",
        options: dict[str, object] | None = None,
        progress: Any = None,
        cancel: Any = None,
        **common: Any,
    ) -> list[Path]:
        tracked = TrackedMasks(masks, objects, frames)
        source = ExportSource.of(clip_name, reader, tracked)
        settings = settings_of(name, options or {}, common)
        return run_export(FORMATS[name], [source], path, settings, progress=progress, cancel=cancel)

    return written
