"""What a manifest may say: facts of a model, within bounds, that fit each other."""

import json
import random
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2ov.engine.model import SAM2Model, _read_constants
from sam2ov.engine.networks import Compiler
from sam2ov.errors import ModelFolderError
from sam2ov.manifest import CONSTANTS_FILE, MANIFEST_FILE, NetworkName, read_manifest
from tests.fake_convert import write_model_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model_folder(tmp_path / "model")
    return tmp_path / "model"


def change(folder: Path, *path: str | int, to: Any) -> None:
    """Give an entry of the manifest another value."""
    content = json.loads((folder / MANIFEST_FILE).read_bytes())
    entry: Any = content
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
    change(folder, "sizes", 0, "memory_tokens", to=512)
    change(folder, "family", to="edgetam")
    assert read_manifest(folder).memory_tokens == 512


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("image_size",), 1 << 20),
        (("image_size",), -1024),
        (("embedding_stride",), 0),
        (("embedding_stride",), 24),
        (("mask_stride",), 3),
        (("hidden_dim",), 1 << 30),
        (("sizes", 0, "memory_tokens"), 1 << 30),
        (("sizes", 0, "image_size"), 1 << 20),
        (("sizes",), []),
        (("image_size",), 512),
        (("num_maskmem",), 0),
        (("num_maskmem",), 10_000),
        (("max_obj_ptrs",), 1_000_000),
        (("switches", "memory_stride"), 0),
        (("switches", "max_conditioning_frames"), -2),
        (("name",), "../elsewhere"),
        (("name",), ".."),
        (("name",), "a\\b"),
        (("name",), "a\x1b[31mb"),
        (("name",), "a\u202eb"),
        (("switches", "multimask_min_points"), 1 << 40),
        (("switches", "dynamic_multimask_delta"), 1e400),
        (("constants", "file"), "../constants.npz"),
        (("constants", "file"), "/etc/passwd"),
        (("weights_file", "file"), "c:\\windows"),
        (("sizes", 0, "networks", "image_encoder", "graph", "file"), ".."),
    ],
)
def test_what_is_out_of_bounds_is_refused(
    folder: Path, path: tuple[str | int, ...], value: object
) -> None:
    change(folder, *path, to=value)
    with pytest.raises(ModelFolderError, match="is not a valid manifest"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("path", "value"),
    [(("sizes", 1, "memory_tokens"), 399), (("mem_dim",), 32), (("hidden_dim",), 64)],
)
def test_sizes_that_the_graphs_do_not_have_are_refused(
    micro_model: Path, tmp_path: Path, path: tuple[str | int, ...], value: int
) -> None:
    copy = shutil.copytree(micro_model, tmp_path / "copy")
    change(copy, *path, to=value)
    with pytest.raises(ModelFolderError, match="follow from the rest"):
        read_manifest(copy)


def test_a_folder_has_several_sizes_and_speaks_of_one(tmp_path: Path) -> None:
    write_model_folder(tmp_path / "model", image_sizes=(512, 1024))
    manifest = read_manifest(tmp_path / "model")
    assert (manifest.image_sizes, manifest.image_size) == ((512, 1024), 512)
    large = manifest.at(1024)
    assert (large.image_size, large.embedding_size, large.memory_tokens) == (1024, 64, 4096)
    assert large.networks["mask_decoder"].graph.file == "mask_decoder-1024.xml.gz"
    assert large.at(512) == manifest
    assert len(manifest.files()) == 2 * 5 + 2
    with pytest.raises(ModelFolderError, match=r"for 768 px.*--image-size 512,1024,768"):
        manifest.at(768)


def test_each_size_is_there_once(tmp_path: Path) -> None:
    write_model_folder(tmp_path / "model", image_sizes=(512, 1024))
    change(tmp_path / "model", "sizes", 1, "image_size", to=512)
    with pytest.raises(ModelFolderError, match="each once"):
        read_manifest(tmp_path / "model")


def test_a_folder_of_another_format_says_so(folder: Path) -> None:
    (folder / MANIFEST_FILE).write_text('{"format_version": 2, "image_size": 1024}')
    with pytest.raises(ModelFolderError, match=r"the format 2 .* reads the format 3.*convert the"):
        read_manifest(folder)


def test_a_manifest_is_read_within_bounds(folder: Path) -> None:
    with (folder / MANIFEST_FILE).open("ab") as file:
        file.write(b" " * (1 << 22))
    read_manifest(folder)  # what is beyond is not looked at
    (folder / MANIFEST_FILE).write_bytes(b" " * (1 << 22) + b"{}")
    with pytest.raises(ModelFolderError, match="is not a valid manifest"):
        read_manifest(folder)


def test_a_network_that_a_size_lacks_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_model_folder(folder, image_sizes=(1024, 512))
    content = json.loads((folder / MANIFEST_FILE).read_bytes())
    del content["sizes"][1]["networks"]["mask_decoder"]
    (folder / MANIFEST_FILE).write_text(json.dumps(content))
    with pytest.raises(ModelFolderError, match="mask_decoder at 512 px"):
        read_manifest(folder)


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
    change(copy, "sizes", 0, "networks", "prompt_encoder", "needs_f32", to=False)
    change(copy, "sizes", 0, "networks", "mask_decoder", "needs_f32", to=True)
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


def test_constants_that_unpack_without_end_are_not_unpacked(
    micro_model: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(micro_model, tmp_path / "copy")
    with zipfile.ZipFile(copy / CONSTANTS_FILE, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.npy", bytes(50_000_000))
    with pytest.raises(ModelFolderError, match=r"constants\.npz is damaged \(it holds 50,"):
        SAM2Model(copy)


def test_damaged_constants_are_one_clear_line(micro_model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(micro_model, tmp_path / "copy")
    path = copy / CONSTANTS_FILE
    whole, rng = path.read_bytes(), random.Random(5)
    manifest = read_manifest(copy)
    said = []
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(rng.choice([1, 3])):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged[: rng.choice([len(damaged), rng.randrange(len(damaged))])])
        try:
            _read_constants(copy, manifest)
        except ModelFolderError as error:
            said.append(str(error))
    assert len(said) > 200
    assert all("constants.npz is damaged" in message for message in said)
    assert max(map(len, said)) < 600
