import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from convert.checkpoint import check_fits, load_state_dict
from sam2ov.errors import CheckpointError
from tests.convert.conftest import Small


class _Payload:
    """What a malicious checkpoint holds: unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._folder),)


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    proof = tmp_path / "it-ran"
    torch.save({"model": {"weight": _Payload(proof)}}, tmp_path / "new.pt")
    torch.save(
        {"model": {"weight": _Payload(proof)}},
        tmp_path / "old.pt",
        _use_new_zipfile_serialization=False,
    )
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(_Payload(proof), protocol=2))
    for name in ("new.pt", "old.pt", "bare.pt"):
        with pytest.raises(CheckpointError, match="refused: loading it would run code"):
            load_state_dict(tmp_path / name)
    assert not proof.exists()
    pickle.loads((tmp_path / "bare.pt").read_bytes())
    assert proof.exists(), "the payload is harmless, so this test proves nothing"


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.5, 0.999])
def test_truncated_checkpoint(small: Small, tmp_path: Path, kept: float) -> None:
    content = small.checkpoint.read_bytes()
    path = tmp_path / "cut.pt"
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(CheckpointError, match="truncated, damaged, or no checkpoint"):
        load_state_dict(path)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        load_state_dict(tmp_path / "absent.pt")
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        load_state_dict(tmp_path)
    for name in ("page.pt", "page.safetensors"):
        (tmp_path / name).write_bytes(b"<!DOCTYPE html>")
        with pytest.raises(CheckpointError, match="truncated, damaged, or no checkpoint"):
            load_state_dict(tmp_path / name)


def test_content_that_is_no_weights(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save([torch.zeros(2)], path)
    with pytest.raises(CheckpointError, match=r"holds no weights.*found list"):
        load_state_dict(path)
    torch.save({"model": {}}, path)
    with pytest.raises(CheckpointError, match="holds no weights"):
        load_state_dict(path)
    torch.save({"epoch": 3, "weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="'epoch' is a int"):
        load_state_dict(path)
    torch.save({"model": {"weight": torch.tensor([1.0, float("nan")])}}, path)
    with pytest.raises(CheckpointError, match="'weight' has values that are not finite"):
        load_state_dict(path)


def test_all_formats_give_the_same_weights(small: Small, tmp_path: Path) -> None:
    expected = {key: tensor.clone() for key, tensor in small.state_dict.items()}
    torch.save(expected, tmp_path / "bare.pt")
    torch.save(
        {"model": expected, "epoch": 40, "optimizer": {"lr": 1e-4}}, tmp_path / "training.pt"
    )
    save_file(expected, tmp_path / "weights.safetensors")
    for path in (small.checkpoint, *sorted(tmp_path.iterdir())):
        found = load_state_dict(path)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], tensor) for key, tensor in expected.items())


def test_a_checkpoint_of_another_architecture_is_named_key_by_key(small: Small) -> None:
    state_dict = dict(small.state_dict)
    del state_dict["no_mem_embed"]
    state_dict["image_encoder.extra"] = torch.zeros(1)
    state_dict["maskmem_tpos_enc"] = torch.zeros(4, 1, 1, 32)
    with pytest.raises(CheckpointError) as caught:
        check_fits(small.predictor, state_dict, "mine")
    message = str(caught.value)
    assert "does not fit the configuration mine" in message
    assert "1 missing (no_mem_embed)" in message
    assert "1 unexpected (image_encoder.extra)" in message
    assert "maskmem_tpos_enc (4, 1, 1, 32) instead of (7, 1, 1, 32)" in message
