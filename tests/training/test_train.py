import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.photos import write_photos
from training import pictures, plot
from training.config import Config
from training.export_checkpoint import read_weights
from training.model import FIRST_CONFIG, PREDICTOR, build

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn photos with two objects each."""
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder)
    return folder


def test_pack_round_trip(photos: Path, tmp_path: Path) -> None:
    assert pictures.pack(photos, tmp_path / "pack.npz", long_side=60) == {"drawn": 22}
    training = pictures.load(tmp_path / "pack.npz")
    held_out = pictures.load(tmp_path / "pack.npz", held_out=True)
    assert (len(training.stills), len(held_out.stills)) == (20, 2)
    assert training.stills[0].rgb.shape == (45, 60, 3)
    assert set(np.unique(training.stills[0].labels)) == {0, 1, 2}
    sprite = training.cutout(np.random.default_rng(0))
    assert sprite.rgb.shape[:2] == sprite.alpha.shape


def command(photos: Path, out: Path) -> list[str]:
    line = f"-m training.train --data {photos} --out {out} --smoke"
    return [sys.executable, *line.split()]


def test_smoke_run_survives_a_kill(photos: Path, tmp_path: Path) -> None:
    """Killed as soon as a checkpoint is there, the second start goes on to the end."""
    with subprocess.Popen(command(photos, tmp_path), cwd=ROOT) as first:
        deadline = time.monotonic() + 200
        while not (tmp_path / "latest.pt").exists() and time.monotonic() < deadline:
            assert first.poll() is None
            time.sleep(0.02)
        os.kill(first.pid, signal.SIGKILL)
    subprocess.run(command(photos, tmp_path), cwd=ROOT, check=True, timeout=200)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[0]["event"] == "start"
    assert log[0]["versions"]["torch"] == torch.__version__
    resumed = next(line for line in log if line["event"] == "resumed")
    stages = len(Config().stages)
    assert 0 < resumed["step"] < 2 * stages
    assert log[-1]["event"] == "validation"
    assert log[-1]["step"] == 2 * stages
    assert torch.load(tmp_path / "latest.pt", weights_only=True)["position"]["stage"] == stages
    build(FIRST_CONFIG, target=PREDICTOR).load_state_dict(
        read_weights(tmp_path / "latest.pt"), strict=True
    )
    plot.draw(log, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
