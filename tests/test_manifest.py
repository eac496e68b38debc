"""What a manifest may say: facts of a model, within bounds, that fit each other."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.networks import Compiler
from sam2ov.errors import ModelFolderError
from sam2ov.manifest import CONSTANTS_FILE, MANIFEST_FILE, NetworkName, read_manifest
from tests.fake_convert import write_model_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model_folder(tmp_path / "model")
    return tmp_path / "model"


def change(folder: Path, *path: str, to: Any) -> None:
    """Give an entry of the manifest another value."""
    content = json.loads((folder / MANIFEST_FILE).read_bytes())
    entry = content
    for key in path[:-1]:
        entry = entry[key]
    entry[path[-1]] = to
    (folder / MANIFEST_FILE).write_text(json.dumps(content))


def test_sizes_follow_from_the_strides(folder: Path) -> None:
    change(folder, "embedding_stride", to=32)
    change(folder, "mask_stride", to=8)
    manifest = read_manifest(folder)
    assert (manifest.embedding_size, manifest.low_res_size) == (32, 128)


def test_a_memory_may_have_other_tokens_than_the_embedding_has_cells(folder: Path) -> None:
    change(folder, "memory_tokens", to=512)
    change(folder, "family", to="edgetam")
    assert read_manifest(folder).memory_tokens == 512


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format_version",), 1),
        (("image_size",), 1 << 20),
        (("image_size",), -1024),
        (("embedding_stride",), 0),
        (("embedding_stride",), 24),
        (("mask_stride",), 3),
        (("hidden_dim",), 1 << 30),
        (("memory_tokens",), 1 << 30),
        (("num_maskmem",), 0),
        (("num_maskmem",), 10_000),
        (("max_obj_ptrs",), 1_000_000),
        (("switches", "memory_stride"), 0),
        (("switches", "max_conditioning_frames"), -2),
        (("name",), "../elsewhere"),
        (("name",), ".."),
        (("name",), "a\\b"),
        (("constants", "file"), "../constants.npz"),
        (("constants", "file"), "/etc/passwd"),
        (("networks", "image_encoder", "bin", "file"), "c:\\windows"),
        (("networks", "image_encoder", "xml", "file"), ".."),
    ],
)
def test_what_is_out_of_bounds_is_refused(
    folder: Path, path: tuple[str, ...], value: object
) -> None:
    change(folder, *path, to=value)
    with pytest.raises(ModelFolderError, match="is not a valid manifest"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("key", "value"), [("memory_tokens", 399), ("mem_dim", 32), ("hidden_dim", 64)]
)
def test_sizes_that_the_graphs_do_not_have_are_refused(
    micro_model: Path, tmp_path: Path, key: str, value: int
) -> None:
    copy = shutil.copytree(micro_model, tmp_path / "copy")
    change(copy, key, to=value)
    with pytest.raises(ModelFolderError, match="follow from the rest"):
        read_manifest(copy)


def test_which_networks_need_f32_is_the_manifests(
    micro_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact: list[NetworkName] = []
    compile_graph = Compiler.request

    def note(compiler: Compiler, graph: Any, name: NetworkName, *, needs_f32: bool) -> Any:
        if needs_f32:
            exact.append(name)
        return compile_graph(compiler, graph, name, needs_f32=needs_f32)

    monkeypatch.setattr(Compiler, "request", note)
    SAM2Model(micro_model)
    copy = shutil.copytree(micro_model, tmp_path / "copy")
    change(copy, "networks", "prompt_encoder", "needs_f32", to=False)
    change(copy, "networks", "mask_decoder", "needs_f32", to=True)
    SAM2Model(copy)
    assert exact == ["prompt_encoder", "mask_decoder"]


def test_constants_are_those_of_the_manifest(micro_model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(micro_model, tmp_path / "copy")
    change(copy, "switches", "pointer_tpos", to="none")
    with pytest.raises(ModelFolderError, match="obj_ptr_tpos_proj_bias"):
        SAM2Model(copy)
    with np.load(copy / CONSTANTS_FILE) as archive:
        constants = dict(archive)
    for name in ("obj_ptr_tpos_proj_weight", "obj_ptr_tpos_proj_bias"):
        del constants[name]
    np.savez(copy / CONSTANTS_FILE, allow_pickle=False, **constants)
    assert SAM2Model(copy).constants.obj_ptr_tpos_proj_bias is None
    constants["no_obj_ptr"] = constants["no_obj_ptr"][:5]
    np.savez(copy / CONSTANTS_FILE, allow_pickle=False, **constants)
    with pytest.raises(ModelFolderError, match=r"\(5,\)"):
        SAM2Model(copy)
