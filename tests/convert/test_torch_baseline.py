"""sam2 in torch on command: the same masks as sam2 by hand, in both precisions."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf

from convert.random_checkpoint import make_checkpoint
from convert.reference import build_reference, init_state, make_clip
from convert.torch_baseline import TorchBaseline, load_baseline
from sam2ov.errors import CheckpointError, ConversionError
from sam2ov.zoo.child_process import module_environment
from tests.parity.small import SMALL_CONFIG

BOXES = [[20.0, 20.0, 80.0, 80.0], [90.0, 50.0, 140.0, 110.0]]
CONFIG = os.fspath(SMALL_CONFIG)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("random") / "small.pt"
    make_checkpoint(CONFIG, path)
    return path


@pytest.fixture(scope="module")
def clip() -> NDArray[np.uint8]:
    return make_clip(5, 120, 160, seed=3)


@pytest.fixture(scope="module")
def clip_file(clip: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "frames.npy"
    np.save(path, clip)
    return path


def tracked(baseline: TorchBaseline, clip_file: Path, folder: Path) -> NDArray[np.bool_]:
    """Masks [5, 2, H, W], in two goes."""
    baseline.open(clip_file, BOXES)
    parts = []
    for first, frames in ((0, 2), (2, 3)):
        done = baseline.track(frames, folder / "masks.npy")
        assert done["first_frame"] == first
        assert done["seconds"] > 0
        parts.append(np.load(folder / "masks.npy"))
    return np.unpackbits(np.concatenate(parts), axis=-1, count=160).astype(bool)


@pytest.fixture(scope="module")
def expected(checkpoint: Path, clip: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Masks by upstream's usual calls."""
    predictor = build_reference(SMALL_CONFIG, checkpoint=checkpoint)
    with torch.inference_mode():
        state = init_state(predictor, clip)
        for obj_id, box in enumerate(BOXES, 1):
            predictor.add_new_points_or_box(state, 0, obj_id, box=np.array(box))
        masks = [(m[:, 0] > 0).numpy() for _, _, m in predictor.propagate_in_video(state)]
    return np.stack(masks)


def test_float32(
    checkpoint: Path, clip_file: Path, expected: NDArray[np.bool_], tmp_path: Path
) -> None:
    baseline = load_baseline(checkpoint, CONFIG, 256, "f32")
    for _ in range(2):  # a clip can be begun anew
        np.testing.assert_array_equal(tracked(baseline, clip_file, tmp_path), expected)
    shares = expected.mean(axis=(2, 3))
    assert shares.min() > 0.02, "every object is found on every frame"
    assert shares.max() < 0.98


def test_bfloat16_and_the_protocol(
    checkpoint: Path, clip_file: Path, expected: NDArray[np.bool_], tmp_path: Path
) -> None:
    """In a process of its own, whose memories are not those of the float32 reference."""
    command = [sys.executable, "-P", "-m", "convert.torch_baseline", os.fspath(checkpoint)]
    command += ["--config", CONFIG, "--image-size", "256", "--precision", "bf16", "--threads", "1"]
    masks = tmp_path / "masks.npy"
    messages: list[dict[str, Any]] = [
        {"command": "open", "frames": os.fspath(clip_file), "boxes": BOXES},
        {"command": "track", "frames": 2, "masks": os.fspath(tmp_path / "first.npy")},
        {"command": "track", "frames": 3, "masks": os.fspath(masks)},
        {"command": "fly"},
    ]
    done = subprocess.run(
        command,
        input="".join(json.dumps(message) + "\n" for message in messages),
        capture_output=True,
        text=True,
        check=False,
        env=module_environment(),
    )
    ready, opened, first, second, refused = map(json.loads, done.stdout.splitlines())
    assert ready == {"torch": torch.__version__, "threads": 1}
    assert opened == {}
    assert (first["first_frame"], second["first_frame"]) == (0, 2)
    assert second["peak_memory_bytes"] is None or second["peak_memory_bytes"] > 1 << 27
    assert refused == {"error": "ValueError", "message": "there is no command 'fly'"}
    assert done.returncode == 1
    found = np.unpackbits(np.load(masks), axis=-1, count=160).astype(bool)
    agreement = (found == expected[2:]).mean()
    assert 0.9 < agreement < 1, "rounded, not wrong"


def test_what_the_converter_refuses_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    config = OmegaConf.load(SMALL_CONFIG)
    OmegaConf.update(config, "model.memory_encoder._target_", "os.system")
    OmegaConf.save(config, tmp_path / "evil.yaml")
    with pytest.raises(ConversionError, match=r"os\.system.*was not loaded"):
        load_baseline(checkpoint, os.fspath(tmp_path / "evil.yaml"), 256, "bf16")
    with pytest.raises(CheckpointError, match="does not fit the configuration"):
        load_baseline(checkpoint, "sam2.1_hiera_t", 256, "bf16")


def test_random_weights_are_seeded(checkpoint: Path, tmp_path: Path) -> None:
    make_checkpoint(CONFIG, tmp_path / "other.pt", seed=1)
    weights, others = (
        torch.load(path, weights_only=True)["model"]["memory_encoder.out_proj.weight"]
        for path in (checkpoint, tmp_path / "other.pt")
    )
    make_checkpoint(CONFIG, tmp_path / "again.pt")
    again = torch.load(tmp_path / "again.pt", weights_only=True)["model"]
    assert torch.equal(again["memory_encoder.out_proj.weight"], weights)
    assert not torch.equal(others, weights)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.pt", "other.pt"]
