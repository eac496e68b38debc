"""sam2 in torch on command: the same masks as sam2 by hand, in both precisions."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf

from sam2ov.workers.environment import module_environment
from tests.parity.small import SMALL_CONFIG
from tests.reference.clip import make_clip
from tests.reference.random_weights import build_reference
from tools.torch_baseline import TorchBaseline, load_baseline
from tools.torch_predictor import init_state, save_checkpoint

BOXES = [[20.0, 20.0, 80.0, 80.0], [90.0, 50.0, 140.0, 110.0]]
CONFIG = os.fspath(SMALL_CONFIG)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("random") / "small.pt"
    predictor = build_reference(CONFIG)
    with torch.no_grad():  # objects that are gone have empty masks, which are always alike
        predictor.sam_mask_decoder.pred_obj_score_head.layers[-1].bias += 30
    save_checkpoint(predictor, path)
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
    command = [sys.executable, "-P", "-m", "tools.torch_baseline", os.fspath(checkpoint)]
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


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "sam2.modeling.sam2_base.torch.load",
        "sam2.build_sam.build_sam2",
        "sam2.Nothing",
    ],
)
def test_a_configuration_names_networks_alone(
    target: str, checkpoint: Path, tmp_path: Path
) -> None:
    config = OmegaConf.load(SMALL_CONFIG)
    OmegaConf.update(config, "model.memory_encoder.fuser.layer._target_", target)
    OmegaConf.save(config, tmp_path / "evil.yaml")
    with pytest.raises(ValueError, match=f"{re.escape(target)}.*no part of sam2's model"):
        load_baseline(checkpoint, os.fspath(tmp_path / "evil.yaml"), 256, "bf16")


def test_a_configuration_loads_no_files(checkpoint: Path, tmp_path: Path) -> None:
    config = OmegaConf.load(SMALL_CONFIG)
    OmegaConf.update(config, "model.image_encoder.trunk.weights_path", "x.pt", force_add=True)
    OmegaConf.save(config, tmp_path / "evil.yaml")
    with pytest.raises(ValueError, match=r"would load another file, x\.pt"):
        load_baseline(checkpoint, os.fspath(tmp_path / "evil.yaml"), 256, "bf16")


def test_what_does_not_fit_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=r"does not fit the configuration: .* tensors"):
        load_baseline(checkpoint, "sam2.1_hiera_t", 256, "bf16")
    with pytest.raises(ValueError, match=r"no configuration 'sam3'.*sam2\.1_hiera_b\+"):
        load_baseline(checkpoint, "sam3", 256, "bf16")
