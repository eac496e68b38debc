"""From a name to a mask in one step, with the real converter and without torch.

The hub is on 127.0.0.1, and its checkpoints have random weights: official ones were not run here.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sam2ov import SAM2VideoPredictor
from sam2ov.bench.model import RANDOM_CHECKPOINT
from sam2ov.manifest import read_manifest
from sam2ov.zoo.catalogue import resolve_model
from sam2ov.zoo.loading import load_model
from sam2ov.zoo.own import own_names
from sam2ov.zoo.published import PUBLISHED
from tests.hub_server import HubServer
from tests.zoo.conftest import ROOT

FRAMES = np.random.default_rng(3).integers(0, 256, (3, 48, 64, 3), np.uint8)

pytestmark = pytest.mark.usefixtures("cache", "without_int8")

BoolArray = NDArray[np.bool_]
Serve = Callable[[str, str], None]


@pytest.fixture
def without_int8(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quantising would take longer than all the rest."""
    monkeypatch.setattr("sam2ov.zoo.loading.is_installed", lambda: False)


@pytest.fixture
def serve(hub: HubServer, tmp_path: Path) -> Serve:
    """Puts a random checkpoint of a configuration on the hub: ``serve(config, path)``."""

    def put(config: str, path: str) -> None:
        out = tmp_path / "random.safetensors"
        command = [sys.executable, "-m", RANDOM_CHECKPOINT, config, os.fspath(out)]
        subprocess.run(command, check=True, cwd=ROOT)
        hub.files[path] = out.read_bytes()

    return put


def tracked(model: str) -> list[BoolArray]:
    """Masks bool [1, 1, 48, 64] of one object on all frames, at half the trained size."""
    predictor = SAM2VideoPredictor(load_model(model, preset="fast"))
    with predictor.init_state(FRAMES) as state:
        predictor.add_new_points_or_box(state, frame_idx=0, obj_id=1, points=[[30, 20]], labels=[1])
        return [logits > 0 for _, _, logits in predictor.propagate_in_video(state)]


@pytest.mark.parametrize("name", ["sam2.1-hiera-tiny", "edgetam"])
def test_a_name(name: str, serve: Serve, hub: HubServer) -> None:
    published = PUBLISHED[name]
    serve(published.config, f"{published.repo_id}/{published.checkpoint}")
    masks = tracked(name)
    assert [mask.shape for mask in masks] == 3 * [(1, 1, 48, 64)]
    assert all(mask.any() for mask in masks)


def test_a_file_of_the_hub_whose_name_decides(serve: Serve, hub: HubServer) -> None:
    serve("efficienttam_ti_2", "me/birds/efficienttam_ti_2.pt")
    masks = tracked("hf:me/birds/efficienttam_ti_2.pt")
    assert all(mask.any() for mask in masks)
    (name,) = own_names()
    manifest = read_manifest(resolve_model(name))
    assert (manifest.source.config, manifest.image_sizes) == ("efficienttam_ti_2", (1024, 512))
