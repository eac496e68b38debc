"""The bundled weights: whole, small, and able to follow a boxed object."""

from pathlib import Path

import numpy as np
import pytest

from training import evaluate, export_checkpoint
from training.model import CONFIG
from training.scenes import make_clip
from training.unseen import write_frames

WEIGHTS = CONFIG.parent / "checkpoint" / "micro.safetensors"


def test_size() -> None:
    assert WEIGHTS.stat().st_size <= export_checkpoint.MAX_BYTES


@pytest.mark.filterwarnings("ignore:cannot import name '_C'")
def test_follows_a_boxed_object_through_easy_clips(tmp_path: Path) -> None:
    """Mean IoU of at least 0.5 over 6 drawn clips of seeds that nothing else uses."""
    predictor = evaluate.load_predictor(WEIGHTS)
    ious = []
    for index in range(6):
        clip = make_clip(np.random.default_rng(3_000_000 + index), 8, (240, 426), 1, "easy")
        folder = tmp_path / str(index)
        folder.mkdir()
        write_frames(clip, folder)
        ious.append(np.nanmean(evaluate.follow(predictor, folder, clip.masks, "box")))
    assert np.mean(ious) >= 0.5
