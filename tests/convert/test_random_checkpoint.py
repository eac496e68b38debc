"""Random weights of an architecture, for benchmarks."""

import os
from pathlib import Path

import torch

from convert.random_checkpoint import make_checkpoint
from tests.parity.small import SMALL_CONFIG

CONFIG = os.fspath(SMALL_CONFIG)


def test_random_weights_are_seeded(tmp_path: Path) -> None:
    make_checkpoint(CONFIG, tmp_path / "one.pt")
    make_checkpoint(CONFIG, tmp_path / "other.pt", seed=1)
    weights, others = (
        torch.load(path, weights_only=True)["model"]["memory_encoder.out_proj.weight"]
        for path in (tmp_path / "one.pt", tmp_path / "other.pt")
    )
    make_checkpoint(CONFIG, tmp_path / "again.pt")
    again = torch.load(tmp_path / "again.pt", weights_only=True)["model"]
    assert torch.equal(again["memory_encoder.out_proj.weight"], weights)
    assert not torch.equal(others, weights)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.pt", "one.pt", "other.pt"]
