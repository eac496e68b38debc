"""Model folders: what is in them, and that they appear whole or not at all."""

import gzip
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from convert import convert_checkpoint
from sam2ov.errors import CheckpointError, ConversionError
from sam2ov.manifest import (
    NETWORK_NAMES,
    Manifest,
    NetworkName,
    read_manifest,
    sha256_of,
    verify_files,
)
from tests.convert.conftest import Small
from tests.parity.comparison import CompiledFolder
from tests.parity.small import SMALL_CONFIG
from tests.reference.cases import ALL_SIZES, network_cases
from tools.torch_predictor import build_predictor


def contents(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in folder.iterdir()}


def test_the_manifest_describes_the_model(small: Small) -> None:
    manifest, predictor = small.manifest, small.predictor
    assert read_manifest(small.folder) == manifest
    verify_files(small.folder, manifest)
    assert {path.name for path in small.folder.iterdir()} == {
        "manifest.json",
        *(spec.file for spec in manifest.files()),
    }
    assert (manifest.name, manifest.family, manifest.weights) == ("ir", "sam2.1", "f32")
    assert (manifest.image_size, manifest.hidden_dim, manifest.mem_dim) == (256, 64, 32)
    assert (manifest.num_maskmem, manifest.max_obj_ptrs) == (7, 16)
    assert manifest.source.checkpoint == "small.pt"
    assert manifest.source.sha256 == sha256_of(small.checkpoint)
    assert manifest.source.config == "small"
    assert manifest.switches.pointer_tpos == "projected"
    assert manifest.switches.memory_stride == predictor.memory_temporal_stride_for_eval
    assert manifest.switches.multimask_max_points == predictor.multimask_max_pt_num


def test_the_manifest_names_every_tensor_with_its_varying_dimensions(small: Small) -> None:
    def shapes(network: NetworkName) -> dict[str, tuple[str, tuple[int, ...]]]:
        spec = small.manifest.networks[network]
        return {t.name: (t.dtype, t.shape) for t in (*spec.inputs, *spec.outputs)}

    assert tuple(small.manifest.networks) == NETWORK_NAMES
    assert shapes("image_encoder") == {
        "image": ("u8", (1, 256, 256, 3)),
        "embedding": ("f32", (1, 64, 16, 16)),
        "high_res_0": ("f32", (1, 8, 64, 64)),
        "high_res_1": ("f32", (1, 16, 32, 32)),
    }
    assert shapes("prompt_encoder") == {
        "points": ("f32", (-1, -1, 2)),
        "labels": ("i32", (-1, -1)),
        "mask_logits": ("f32", (-1, 1, 64, 64)),
        "has_mask": ("f32", (-1,)),
        "sparse": ("f32", (-1, -1, 64)),
        "dense": ("f32", (-1, 64, 16, 16)),
    }
    assert shapes("mask_decoder") == {
        "embedding": ("f32", (-1, 64, 16, 16)),
        "high_res_0": ("f32", (1, 8, 64, 64)),
        "high_res_1": ("f32", (1, 16, 32, 32)),
        "sparse": ("f32", (-1, -1, 64)),
        "dense": ("f32", (-1, 64, 16, 16)),
        "mask_logits": ("f32", (-1, 4, 64, 64)),
        "ious": ("f32", (-1, 4)),
        "pointers": ("f32", (-1, 4, 64)),
        "object_score": ("f32", (-1, 1)),
    }
    assert shapes("memory_attention") == {
        "embedding": ("f32", (1, 64, 16, 16)),
        "memory": ("f32", (-1, -1, 256, 32)),
        "memory_tpos": ("f32", (-1, -1, 32)),
        "pointers": ("f32", (-1, -1, 64)),
        "pointer_tpos": ("f32", (-1, -1, 32)),
        "conditioned": ("f32", (-1, 64, 16, 16)),
    }
    assert shapes("memory_encoder") == {
        "embedding": ("f32", (1, 64, 16, 16)),
        "mask_logits": ("f32", (-1, 1, 64, 64)),
        "binarize": ("f32", (-1,)),
        "object_score": ("f32", (-1, 1)),
        "memory": ("f32", (-1, 256, 32)),
    }


def test_equal_checkpoints_give_equal_files(small: Small, tmp_path: Path) -> None:
    # In one process, after other conversions: OpenVINO's running numbers must not show.
    shutil.copy(small.checkpoint, tmp_path / "small.pt")
    convert_checkpoint(tmp_path / "small.pt", tmp_path / "ir", SMALL_CONFIG, weights="f32")
    assert contents(tmp_path / "ir") == contents(small.folder)


def test_nothing_of_this_machine_is_written(small: Small) -> None:
    for path in small.folder.glob("*.xml.gz"):
        text = gzip.decompress(path.read_bytes()).decode()
        assert str(small.folder) not in text
        assert str(Path.cwd()) not in text


def test_half_precision_halves_the_files_and_keeps_the_results(
    small: Small, tmp_path: Path
) -> None:
    manifest = convert_checkpoint(small.checkpoint, tmp_path / "half", SMALL_CONFIG)
    assert manifest.weights == "f16"

    def weights_size(folder: Path) -> int:
        return (folder / "weights.bin").stat().st_size

    assert weights_size(tmp_path / "half") < 0.56 * weights_size(small.folder)
    networks = CompiledFolder(tmp_path / "half", manifest)
    for case in network_cases(small.predictor, ALL_SIZES[:1]):
        for output, error in networks.errors(case).items():
            assert error.rms < 3e-3, (case.network, output)
            # Coordinates and few-valued vectors stay exact.
            assert case.network != "prompt_encoder" or output != "sparse" or error.worst < 2e-6


def test_another_image_size(small: Small, tmp_path: Path) -> None:
    manifest = convert_checkpoint(
        small.checkpoint, tmp_path / "large", SMALL_CONFIG, image_sizes=[320], weights="f32"
    )
    assert (manifest.image_size, manifest.embedding_size, manifest.low_res_size) == (320, 20, 80)
    predictor = build_predictor(SMALL_CONFIG, 320)
    predictor.load_state_dict(small.state_dict)
    networks = CompiledFolder(tmp_path / "large", manifest)
    for case in network_cases(predictor, ALL_SIZES[:1]):
        assert max(error.worst for error in networks.errors(case).values()) < 2e-5


def test_sizes_share_their_weights_and_are_as_if_converted_alone(
    small: Small, tmp_path: Path
) -> None:
    def convert(name: str, *sizes: int) -> Manifest:
        out = tmp_path / name
        return convert_checkpoint(small.checkpoint, out, SMALL_CONFIG, sizes, "f32", "small")

    both = convert("both", 128, 256)
    assert both.image_sizes == (128, 256)
    assert both.image_size == 256, "what the configuration was trained at"
    grown = (tmp_path / "both" / "weights.bin").stat().st_size
    assert grown < 1.2 * (small.folder / "weights.bin").stat().st_size
    for size in both.image_sizes:
        alone = convert(f"at-{size}", size)
        assert alone.image_size == size
        found, expected = (
            CompiledFolder(tmp_path / "both", both.at(size)),
            CompiledFolder(tmp_path / f"at-{size}", alone),
        )
        predictor = build_predictor(SMALL_CONFIG, size)
        predictor.load_state_dict(small.state_dict)
        for case in network_cases(predictor, ALL_SIZES[:1]):
            theirs = expected.outputs(case)
            for output, values in found.outputs(case).items():
                np.testing.assert_array_equal(values, theirs[output])


@pytest.mark.parametrize(
    ("sizes", "message"), [((128, 128), "once"), ((128, 100), "multiple of 32")]
)
def test_sizes_that_do_not_go_are_refused(
    small: Small, tmp_path: Path, sizes: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ConversionError, match=message):
        convert_checkpoint(small.checkpoint, tmp_path / "ir", SMALL_CONFIG, sizes)
    assert list(tmp_path.iterdir()) == []


def test_a_fine_tuned_checkpoint_with_its_own_configuration(small: Small, tmp_path: Path) -> None:
    """A training checkpoint, and a yaml beside it that differs from the one of the start."""
    config = OmegaConf.load(SMALL_CONFIG)
    config.model.num_maskmem = 3
    config.model.sigmoid_scale_for_mem_enc = 10.0
    config.model.image_size = 128
    OmegaConf.save(config, tmp_path / "mine.yaml")
    state_dict = dict(small.state_dict)
    state_dict["maskmem_tpos_enc"] = state_dict["maskmem_tpos_enc"][:3]
    training = {"model": state_dict, "epoch": 7, "optimizer": {"state": {}, "lr": 1e-5}}
    torch.save(training, tmp_path / "mine.pt")
    manifest = convert_checkpoint(
        tmp_path / "mine.pt", tmp_path / "mine", tmp_path / "mine.yaml", weights="f32"
    )
    assert (manifest.num_maskmem, manifest.image_size) == (3, 128)
    with np.load(tmp_path / "mine" / manifest.constants.file) as constants:
        assert constants["maskmem_tpos_enc"].shape == (3, 32)
    predictor = build_predictor(tmp_path / "mine.yaml")
    predictor.load_state_dict(state_dict)
    networks = CompiledFolder(tmp_path / "mine", manifest)
    for case in network_cases(predictor, ALL_SIZES[:1]):
        assert max(error.worst for error in networks.errors(case).values()) < 2e-5


def test_a_small_model_is_not_halved_further(small: Small, tmp_path: Path) -> None:
    manifest = convert_checkpoint(small.checkpoint, tmp_path / "ir", SMALL_CONFIG, halved=True)
    assert manifest.image_sizes == small.manifest.image_sizes


def test_progress_goes_from_none_to_all(small: Small, tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    convert_checkpoint(
        small.checkpoint,
        tmp_path / "ir",
        SMALL_CONFIG,
        progress=lambda stage, done, total: calls.append((stage, done, total)),
    )
    stages = [*NETWORK_NAMES, "constants", "done"]
    assert calls == [(stage, done, 6) for done, stage in enumerate(stages)]


def test_a_model_folder_is_replaced(small: Small, tmp_path: Path) -> None:
    shutil.copytree(small.folder, tmp_path / "ir")
    manifest = convert_checkpoint(small.checkpoint, tmp_path / "ir", SMALL_CONFIG, weights="f16")
    assert read_manifest(tmp_path / "ir") == manifest
    verify_files(tmp_path / "ir", manifest)
    assert [path.name for path in tmp_path.iterdir()] == ["ir"]


def test_a_folder_of_something_else_is_left_alone(small: Small, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(ConversionError, match=r"photos exists and is no model folder"):
        convert_checkpoint(small.checkpoint, tmp_path / "photos", SMALL_CONFIG)
    assert contents(tmp_path / "photos").keys() == {"cat.jpg"}
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_an_error_leaves_nothing(small: Small, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not fit the configuration sam2_hiera_t"):
        convert_checkpoint(small.checkpoint, tmp_path / "ir", "sam2_hiera_t")

    def fail(stage: str, done: int, total: int) -> None:
        if stage == "memory_encoder":
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        convert_checkpoint(small.checkpoint, tmp_path / "ir", SMALL_CONFIG, progress=fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL does not exist on Windows")
def test_a_killed_conversion_leaves_no_folder_and_spoils_none(small: Small, tmp_path: Path) -> None:
    shutil.copytree(small.folder, tmp_path / "old")
    for name in ("new", "old"):
        command = [sys.executable, "-m", "convert", str(small.checkpoint)]
        command += ["--out", str(tmp_path / name), "--config", str(SMALL_CONFIG)]
        with subprocess.Popen(
            [*command, "--progress", "json"], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if '"memory_attention"' in line:
                    process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "new").exists()
    assert contents(tmp_path / "old") == contents(small.folder)
