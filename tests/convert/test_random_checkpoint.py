"""Random weights of an architecture, for benchmarks."""

import os
from pathlib import Path

import numpy as np

from convert.checkpoint import read_checkpoint
from convert.random_checkpoint import make_checkpoint
from tests.parity.small import SMALL_CONFIG

CONFIG = os.fspath(SMALL_CONFIG)
KEY = "memory_encoder.out_proj.weight"


def test_random_weights_are_seeded(tmp_path: Path) -> None:
    for seed, name in enumerate(("one", "other")):
        make_checkpoint(CONFIG, tmp_path / f"{name}.safetensors", seed)
    make_checkpoint(CONFIG, tmp_path / "again.safetensors")
    one, again, other = (
        read_checkpoint(tmp_path / f"{name}.safetensors").tensors[KEY]
        for name in ("one", "again", "other")
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert len(list(tmp_path.iterdir())) == 3
