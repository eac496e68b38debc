"""Fixtures and settings of the parity tests."""

import pytest
import torch

from convert import convert_checkpoint
from sam2ov.engine.model import SAM2Model
from tests.parity.small import SMALL_CONFIG
from tests.reference.random_weights import build_reference
from tools.torch_predictor import Predictor, save_checkpoint

# Two torch threads wait for each other at every layer when anything else runs on the machine:
# on two busy cores a frame then takes six times as long as with one.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Predictor, SAM2Model]:
    """The small configuration on both sides."""
    folder = tmp_path_factory.mktemp("small")
    expected = build_reference(SMALL_CONFIG)
    save_checkpoint(expected, folder / "small.pt")
    out = folder / "ir"
    convert_checkpoint(folder / "small.pt", out, config=SMALL_CONFIG, weights="f32")
    return expected, SAM2Model(out, precision="f32")
