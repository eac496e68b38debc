from pathlib import Path

import numpy as np
import pytest
import torch

from training import evaluate, export_checkpoint, model
from training.prompts import Kind
from training.scenes import make_clip
from training.unseen import write_frames


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> object:
    torch.manual_seed(0)
    network = model.build()
    model.initialise(network)
    path = tmp_path_factory.mktemp("weights") / "random.pt"
    export_checkpoint.write_pt(network.state_dict(), path)
    return evaluate.load_predictor(path)


@pytest.mark.filterwarnings("ignore:cannot import name '_C'")
@pytest.mark.parametrize("kind", ["mask", "box", "click"])
def test_follow_scores_every_later_frame(predictor: object, tmp_path: Path, kind: Kind) -> None:
    clip = make_clip(np.random.default_rng(0), 4, (48, 64), 2, "easy")
    write_frames(clip, tmp_path)
    ious = evaluate.follow(predictor, tmp_path, clip.masks, kind)
    assert ious.shape == (3, 2)
    assert np.nanmin(ious) >= 0
    assert np.nanmax(ious) <= 1
