"""A small checkpoint and its model folder, made once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from convert import convert_checkpoint
from sam2ov.manifest import Manifest
from tests.parity.small import SMALL_CONFIG
from tests.reference.random_weights import randomize
from tools.torch_predictor import Predictor, build_predictor, save_checkpoint

torch.set_num_threads(1)  # see tests/parity/conftest.py


@dataclass(frozen=True, eq=False)
class Small:
    """The small configuration in all its forms."""

    predictor: Predictor
    checkpoint: Path
    folder: Path
    manifest: Manifest

    @property
    def state_dict(self) -> Mapping[str, torch.Tensor]:
        weights: Mapping[str, torch.Tensor] = self.predictor.state_dict()
        return weights


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    root = tmp_path_factory.mktemp("small")
    predictor = build_predictor(SMALL_CONFIG)
    randomize(predictor, seed=5)
    save_checkpoint(predictor, root / "small.pt")
    manifest = convert_checkpoint(root / "small.pt", root / "ir", SMALL_CONFIG, weights="f32")
    return Small(predictor, root / "small.pt", root / "ir", manifest)
