"""Checkpoints in all formats, under all names: the same weights, and notes about the rest."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from convert.checkpoint import read_checkpoint
from sam2ov.errors import CheckpointError
from tests.convert.conftest import Small


def assert_same(path: Path, expected: Mapping[str, torch.Tensor]) -> None:
    found = read_checkpoint(path)
    assert found.path == path
    assert found.tensors.keys() == found.shapes.keys() == expected.keys()
    for key, tensor in expected.items():
        values = found.tensors[key]
        assert values.dtype == np.float32
        assert values.flags.c_contiguous
        assert values.shape == found.shapes[key]
        assert np.array_equal(values, tensor.float().numpy())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_every_tensor_is_as_torch_reads_it(
    small: Small, tmp_path: Path, dtype: torch.dtype
) -> None:
    path = tmp_path / "small.pt"
    torch.save({"model": {k: v.to(dtype) for k, v in small.state_dict.items()}}, path)
    assert_same(path, torch.load(path, weights_only=True)["model"])


def test_all_formats_give_the_same_weights(small: Small, tmp_path: Path) -> None:
    expected = {key: tensor.clone() for key, tensor in small.state_dict.items()}
    with_attributes = small.predictor.state_dict()  # an OrderedDict with _metadata
    torch.save(expected, tmp_path / "bare.pt")
    torch.save(with_attributes, tmp_path / "ordered.pt")
    torch.save({"model": expected, "epoch": 40, "optimizer": {"lr": 1e-4}}, tmp_path / "a.pt")
    torch.save({"state_dict": expected, "model": None}, tmp_path / "b.pt")
    torch.save({"model_state_dict": expected}, tmp_path / "c.pt")
    torch.save(dict(small.predictor.named_parameters()), tmp_path / "parameters.pt")
    parameters = {key for key, _ in small.predictor.named_parameters()}
    save_file(expected, tmp_path / "weights.safetensors")
    save_file(expected, tmp_path / "named.otherwise")
    for path in (small.checkpoint, *sorted(tmp_path.iterdir())):
        if path.name == "parameters.pt":
            assert_same(path, {key: expected[key] for key in parameters})
        else:
            assert_same(path, expected)


@pytest.mark.parametrize("prefix", ["module.", "model.", "module.model.", "net.sam2."])
def test_what_a_wrapper_puts_before_keys_is_taken_off(
    small: Small, tmp_path: Path, prefix: str
) -> None:
    expected = small.state_dict
    wrapped = {prefix + key: tensor for key, tensor in expected.items()}
    torch.save({"state_dict": wrapped}, tmp_path / "wrapped.pt")
    assert_same(tmp_path / "wrapped.pt", expected)
    assert read_checkpoint(tmp_path / "wrapped.pt").notes == ()
    wrapped["criterion.weight"] = torch.ones(2)
    torch.save({"state_dict": wrapped, "epoch": 3}, tmp_path / "wrapped.pt")
    assert_same(tmp_path / "wrapped.pt", expected)
    assert read_checkpoint(tmp_path / "wrapped.pt").notes == (
        "Left aside, because only weights are needed: epoch.",
        f"Left aside, as no part of the model '{prefix}': criterion.weight.",
    )


def test_a_file_with_two_models_is_refused(small: Small, tmp_path: Path) -> None:
    both = {p + k: v for k, v in small.state_dict.items() for p in ("model.", "ema.")}
    torch.save(both, tmp_path / "both.pt")
    with pytest.raises(CheckpointError, match=r"several models.*'ema\.', .*'model\.'"):
        read_checkpoint(tmp_path / "both.pt")


def test_counters_of_training_are_no_weights(tmp_path: Path) -> None:
    state_dict = torch.nn.BatchNorm2d(3).state_dict(prefix="image_encoder.trunk.bn.")
    torch.save({"model": state_dict}, tmp_path / "norm.pt")
    assert [key.split(".")[-1] for key in read_checkpoint(tmp_path / "norm.pt").tensors] == [
        "weight",
        "bias",
        "running_mean",
        "running_var",
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_values_that_are_not_finite_are_named(
    tmp_path: Path, value: float, dtype: torch.dtype
) -> None:
    weight = torch.tensor([1.0, value, 2.0], dtype=dtype)
    torch.save({"model": {"fine": torch.ones(2), "weight": weight}}, tmp_path / "a.pt")
    save_file({"fine": torch.ones(2), "weight": weight}, tmp_path / "b.safetensors")
    for name in ("a.pt", "b.safetensors"):
        tensors = read_checkpoint(tmp_path / name).tensors
        assert tensors["fine"].tolist() == [1, 1]
        with pytest.raises(CheckpointError, match="diverged: weight has values that are not fin"):
            tensors["weight"]


def test_float64_beyond_float32_is_not_finite(tmp_path: Path) -> None:
    torch.save({"w": torch.tensor([1e300], dtype=torch.float64)}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="not finite"):
        read_checkpoint(tmp_path / "a.pt").tensors["w"]


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        read_checkpoint(tmp_path / "absent.pt")
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        read_checkpoint(tmp_path)
    for name in ("page.pt", "page.safetensors"):
        (tmp_path / name).write_bytes(b"<!DOCTYPE html>")
        with pytest.raises(CheckpointError, match="truncated, damaged, or no checkpoint"):
            read_checkpoint(tmp_path / name)
