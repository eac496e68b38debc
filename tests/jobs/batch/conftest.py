"""Small clips with prompts, and what makes batches of them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sam2ov.jobs import TrackingSettings
from sam2ov.jobs.batch import OutputWish
from sam2ov.jobs.batch.listing import Defaults
from tests.clips import make_scene, write_clip

NUM_FRAMES = 8
SIZE_HW = (96, 128)

MakeClip = Callable[..., Path]


@pytest.fixture(scope="session")
def drawn_clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three clips of two objects, each with a box on one of them beside it."""
    folder = tmp_path_factory.mktemp("drawn")
    made = []
    for seed in range(3):
        scene = make_scene(NUM_FRAMES, SIZE_HW, seed=seed)
        clip = write_clip(folder / f"clip{seed}", scene.frames)
        ys, xs = np.nonzero(scene.masks[0, 0])
        box = [float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)]
        told = {"objects": [{"id": 1, "prompts": [{"frame": 0, "box": box}]}]}
        clip.with_suffix(".json").write_text(json.dumps(told))
        made.append(clip)
    return made


@pytest.fixture
def clips(drawn_clips: list[Path], tmp_path: Path) -> Path:
    """A folder of the three clips with their prompts."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for clip in drawn_clips:
        for path in (clip, clip.with_suffix(".json")):
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def defaults() -> Defaults:
    """Masks and a video of each, tracked in float32."""
    wishes = (OutputWish.parse("masks"), OutputWish.parse("overlay:crf=30"))
    return Defaults(TrackingSettings(precision="f32"), wishes)
