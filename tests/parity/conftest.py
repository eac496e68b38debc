"""Fixtures and settings of the parity tests."""

import pytest
import torch

from convert import convert_checkpoint, reference
from sam2ov.engine.model import SAM2Model
from tests.parity.small import SMALL_CONFIG

# Two torch threads wait for each other at every layer when anything else runs on the machine:
# on two busy cores a frame then takes six times as long as with one.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[reference.Predictor, SAM2Model]:
    """The small configuration on both sides."""
    folder = tmp_path_factory.mktemp("small")
    expected = reference.build_reference(SMALL_CONFIG)
    reference.save_checkpoint(expected, folder / "small.pt")
    out = folder / "ir"
    convert_checkpoint(folder / "small.pt", out, config=SMALL_CONFIG, weights="f32")
    return expected, SAM2Model(out, precision="f32")
