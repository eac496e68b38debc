"""What comes in a ``.safetensors`` or a folder of them: its weights or one clear line."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from convert.checkpoint import read_checkpoint
from sam2ov.errors import CheckpointError

DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)


def crafted(header: object, data: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def read(content: bytes, folder: Path) -> dict[str, Any]:
    path = folder / "crafted.safetensors"
    path.write_bytes(content)
    return dict(read_checkpoint(path).tensors)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_as_the_format_s_own_reader_has_it(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "matrix": (torch.randn(5, 7, generator=generator) * 50).to(dtype),
        "scalar": torch.tensor(1).to(dtype),
        "none": torch.zeros(0, 3, dtype=dtype),
    }
    save_file(tensors, tmp_path / "a.safetensors", {"format": "pt"})
    found = read_checkpoint(tmp_path / "a.safetensors").tensors
    theirs = load_file(tmp_path / "a.safetensors")
    assert found.keys() == theirs.keys()
    for key, tensor in theirs.items():
        expected = (tensor.float() if dtype.is_floating_point else tensor).numpy()
        assert found[key].dtype == expected.dtype
        assert found[key].shape == expected.shape
        assert np.array_equal(found[key], expected)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (crafted({"w": entry([2], 0, 8)}, bytes(7)), "longer or shorter than its tensors"),
        (crafted({"w": entry([2], 0, 8)}, bytes(9)), "longer or shorter than its tensors"),
        (crafted({"w": entry([2], 4, 12)}, bytes(12)), "there are gaps"),
        (crafted({"w": entry([2], 0, 8), "v": entry([2], 4, 12)}, bytes(12)), "overlap"),
        (crafted({"w": entry([3], 0, 8)}, bytes(8)), "entry w has another size than its shape"),
        (crafted({"w": entry([1 << 62, 1 << 62], 0, 8)}, bytes(8)), "another size"),
        (crafted({"w": entry([-2], 0, -8)}, bytes(8)), "entry w is malformed"),
        (crafted({"w": entry([2], 8, 0)}, bytes(8)), "another size"),
        (crafted({"w": entry([0, 1 << 62], 0, 0)}), "reaches outside"),
        (crafted({"w": entry([1] * 5000, 0, 4)}, bytes(4)), "entry w is malformed"),
        (crafted({"w": {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}}), "malformed"),
        (crafted({"w": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}), "malformed"),
        (crafted({"w": {"dtype": "F32", "shape": [2]}}), "malformed"),
        (crafted({"w": {"dtype": "F32", "shape": 2, "data_offsets": 8}}), "malformed"),
        (crafted({"w": [1]}), "malformed"),
        (crafted({"w\n\x1b": [1]}), r"entry w\\n\\x1b is malformed"),
        (crafted({"w": entry([8], 0, 8, "F8_E4M3")}, bytes(8)), "w as F8_E4M3, which is not read"),
        (crafted(b'{"w":[],"w":[]}'), "its JSON is malformed"),
        (crafted(b'{"w":' + b"[" * 100_000), "its JSON is malformed"),
        (crafted(b'{"w":' + b"9" * 5000 + b"}"), "its JSON is malformed"),
        (crafted(b"{\xff}"), "its JSON is malformed"),
        (crafted(b"{ "), "its JSON is malformed"),
        (struct.pack("<Q", 1 << 40) + b"{}", "its header claims 1,099,511,627,776 bytes"),
        (struct.pack("<Q", 100) + b"{}", "bytes that it does not have"),
        (b"<!DOCTYPE html><html></html>", "begins as neither"),
        (b"", "begins as neither"),
    ],
)
def test_malformed_files(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(CheckpointError, match=said) as caught:
        read(content, tmp_path)
    assert str(caught.value).isprintable()


def test_a_file_without_tensors_holds_no_weights(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no weights"):
        read(crafted({"__metadata__": {"format": "pt"}}), tmp_path)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_mutated_header_reads_or_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    header = {"a": entry([2, 3], 0, 24), "b": entry([4], 24, 32, "BF16"), "c": entry([], 32, 36)}
    content = bytearray(crafted(header, bytes(36)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 37))
        content[place] = data.draw(
            st.one_of(st.integers(0, 255), st.sampled_from(b'0123456789[]"'))
        )
    content = content[: data.draw(st.integers(len(content) - 8, len(content)))]
    try:
        found = read(bytes(content), tmp_path)
    except CheckpointError as error:
        if not str(error).isprintable():
            raise AssertionError("not one line") from error
    else:
        assert sum(values.size for values in found.values()) <= 36


def save_folder(folder: Path, parts: dict[str, dict[str, torch.Tensor]]) -> None:
    folder.mkdir(exist_ok=True)
    for name, tensors in parts.items():
        save_file(tensors, folder / name)
    files = {key: name for name, tensors in parts.items() for key in tensors}
    index = {"metadata": {"total_size": 1}, "weight_map": files}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")


def test_a_folder_in_parts(tmp_path: Path) -> None:
    save_folder(
        tmp_path,
        {
            "model-00001-of-00002.safetensors": {"a": torch.ones(2), "b": torch.zeros(3)},
            "model-00002-of-00002.safetensors": {"c": torch.full((4,), 2.0)},
        },
    )
    found = read_checkpoint(tmp_path)
    assert {key: float(values.mean()) for key, values in found.tensors.items()} == {
        "a": 1,
        "b": 0,
        "c": 2,
    }
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*model-00002-of-00002"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ({"weight_map": {"a": "../outside.safetensors"}}, "does not name files of the folder"),
        ({"weight_map": {"a": "/tmp/x.safetensors"}}, "does not name files of the folder"),
        ({"weight_map": {"a": "..\\x.safetensors\n"}}, "does not name files of the folder"),
        ({"weight_map": {"a": "config.json"}}, "does not name files of the folder"),
        ({"weight_map": {"a": 1}}, "does not name files of the folder"),
        ({"weight_map": []}, "does not name files of the folder"),
        ({}, "does not name files of the folder"),
        ([], "its JSON is no object"),
        ({"weight_map": {"b": "part.safetensors"}}, "holds other tensors than"),
    ],
)
def test_a_folder_whose_index_is_wrong(tmp_path: Path, index: object, said: str) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "part.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    with pytest.raises(CheckpointError, match=said):
        read_checkpoint(tmp_path)


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There is no checkpoint at .* neither model\.safe"):
        read_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(CheckpointError, match=r"does not begin as a \.safetensors does"):
        read_checkpoint(tmp_path)
