"""transformers' checkpoints under upstream's names: what transformers saves, upstream computes."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from convert.checkpoint import read_checkpoint
from sam2ov.errors import CheckpointError
from tests.parity.comparison import relative_error
from tests.reference.transformers_model import SHARED
from tools.torch_predictor import build_predictor

IMAGES = "shared_image_embedding.positional_embedding"


def saved(family: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "tests.reference.transformers_model", family, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def sam2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved("sam2", tmp_path_factory.mktemp("sam2"))


@pytest.fixture(scope="module")
def edgetam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved("edgetam", tmp_path_factory.mktemp("edgetam"))


def theirs(model: Any, given: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What sam2's model makes of the inputs of ``answers.npz``."""
    levels = model.image_encoder(given["in_image"])["backbone_fpn"]
    prompts = model.sam_prompt_encoder
    points = (given["in_points"], given["in_labels"])
    sparse, dense = prompts(points=points, boxes=None, masks=given["in_mask"])
    position = prompts.get_dense_pe()
    masks, ious, tokens, presence = model.sam_mask_decoder(
        image_embeddings=given["in_embedding"],
        image_pe=position,
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=True,
        repeat_image=False,
        high_res_features=[given["in_high_res_0"], given["in_high_res_1"]],
    )
    memory = model.memory_encoder(
        given["in_embedding"], given["in_mask_for_memory"], skip_mask_sigmoid=True
    )
    current = given["in_embedding"].flatten(2).permute(2, 0, 1)
    conditioned = model.memory_attention(
        curr=[current],
        curr_pos=[torch.zeros_like(current)],
        memory=given["in_memory"],
        memory_pos=given["in_memory_position"],
        num_obj_ptr_tokens=4,
    )
    return {f"out_level_{index}": level for index, level in enumerate(levels)} | {
        "out_sparse": sparse,
        "out_dense": dense,
        "out_position": position,
        "out_masks": masks,
        "out_ious": ious,
        "out_tokens": tokens,
        "out_presence": presence,
        "out_memory": memory["vision_features"],
        "out_conditioned": conditioned,
        "out_pointer": model.obj_ptr_proj(given["in_pointer"]),
    }


@pytest.mark.slow
def test_upstream_computes_what_transformers_does(sam2: Path) -> None:
    read = read_checkpoint(sam2)
    predictor = build_predictor("sam2.1_hiera_t")
    # Strictly: every key of upstream's is there, no other, and with its shape.
    predictor.load_state_dict({k: torch.from_numpy(v) for k, v in read.tensors.items()})
    with np.load(sam2 / "answers.npz") as answers, torch.no_grad():
        given = {key: torch.from_numpy(answers[key]) for key in answers if key.startswith("in_")}
        found = theirs(predictor, given)
        assert found.keys() | given.keys() == set(answers)
        for key, values in found.items():
            assert relative_error(values.numpy(), answers[key]).worst < 1e-4, key


def test_every_tensor_is_there_once(sam2: Path) -> None:
    read = read_checkpoint(sam2)
    stored = load_file(sam2 / "model.safetensors")
    assert read.notes == ()
    sums = sorted(float(tensor.double().sum()) for key, tensor in stored.items() if key != IMAGES)
    points = [f"sam_prompt_encoder.point_embeddings.{index}.weight" for index in range(4)]
    found = [float(v.sum(dtype=np.float64)) for k, v in read.tensors.items() if k not in points]
    found.append(sum(float(read.tensors[key].sum(dtype=np.float64)) for key in points))
    assert np.allclose(sorted(found), sums)
    for index, key in enumerate(points):
        row = stored["prompt_encoder.point_embed.weight"][index : index + 1]
        assert np.array_equal(read.tensors[key], row.numpy())


def test_the_file_of_a_folder_is_read_alone(sam2: Path, tmp_path: Path) -> None:
    """What lies beside it is not asked, and may be of something else."""
    alone = tmp_path / "other.safetensors"
    alone.symlink_to(sam2 / "model.safetensors")
    (tmp_path / "config.json").write_text("no configuration")
    assert read_checkpoint(alone).shapes == read_checkpoint(sam2).shapes


def test_edgetam_s_names(edgetam: Path) -> None:
    read = read_checkpoint(edgetam)
    stored = load_file(edgetam / "model.safetensors")
    layer = (
        *(f"attn.{name}" for name in ("norm_x.weight", "norm_x.bias")),
        *(f"attn.{name}" for name in ("norm_latents.weight", "norm_latents.bias")),
        *("self_attn.norm.weight", "self_attn.norm.bias"),
        *(
            f"{at}.{to}.weight"
            for at in ("attn", "self_attn")
            for to in ("to_q", "to_kv", "to_out")
        ),
        *(f"{ff}.{n}" for ff in ("ff", "self_ff") for n in ("0.weight", "0.bias")),
        *(f"{ff}.{n}" for ff in ("ff", "self_ff") for n in ("1.weight", "3.weight")),
    )
    expected = {f"layers.{index}.{name}" for index in range(2) for name in layer}
    expected |= {"latents", "latents_2d", "norm.weight", "norm.bias"}
    start = "spatial_perceiver."
    assert {key.removeprefix(start) for key in read.shapes if key.startswith(start)} == expected
    pairs = (("attn", "cross_attention"), ("self_attn", "self_attention"))
    for ours, their in pairs:
        parts = [
            stored[f"spatial_perceiver.layers.1.{their}.{part}.weight"]
            for part in ("k_proj", "v_proj")
        ]
        joined = read.tensors[f"spatial_perceiver.layers.1.{ours}.to_kv.weight"]
        assert np.array_equal(joined, torch.cat(parts).numpy())
    # Outside of the perceiver and the trunk, EdgeTAM's names are SAM 2's.
    predictor = build_predictor("sam2.1_hiera_t").state_dict()
    absent = ("no_obj_embed_spatial", "obj_ptr_tpos_proj.weight", "obj_ptr_tpos_proj.bias")
    deeper = ("memory_attention.layers.2.", "memory_attention.layers.3.")
    common = {
        key
        for key in predictor
        if not key.startswith(("image_encoder.trunk.", *deeper)) and key not in absent
    }
    others = ("image_encoder.trunk.", start)
    assert {key for key in read.shapes if not key.startswith(others)} == common


def renamed(tmp_path: Path, **tensors: torch.Tensor) -> Mapping[str, tuple[int, ...]]:
    tensors["vision_encoder.backbone.pos_embed"] = torch.ones(1)
    save_file(tensors, tmp_path / "a.safetensors")
    shapes = dict(read_checkpoint(tmp_path / "a.safetensors").shapes)
    del shapes["image_encoder.trunk.pos_embed"]
    return shapes


def test_edgetam_s_trunk_keeps_the_names_of_timm(tmp_path: Path) -> None:
    key = "stages_0.blocks.0.token_mixer.conv.bn.running_mean"
    tensors = {f"vision_encoder.backbone.timm_model.{key}": torch.ones(2)}
    assert list(renamed(tmp_path, **tensors)) == [f"image_encoder.trunk.body.{key}"]


@pytest.mark.parametrize(
    "key", ["memory_encoder.fuser.layers.1.weight", "memory_encoder.memory_fuser.layers.1.weight"]
)
def test_a_scale_of_the_fuser_under_an_old_name(tmp_path: Path, key: str) -> None:
    gamma = "memory_encoder.fuser.layers.1.gamma"
    save_file({key: torch.ones(2)}, tmp_path / "upstream.safetensors")
    if ".fuser." in key:
        assert list(read_checkpoint(tmp_path / "upstream.safetensors").tensors) == [gamma]
    assert list(renamed(tmp_path, **{key: torch.ones(2)})) == [gamma]


def test_a_single_copy_of_the_frequencies_is_enough(tmp_path: Path) -> None:
    ours = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
    for kept in (SHARED, IMAGES):
        assert renamed(tmp_path, **{kept: torch.ones(2, 8)}) == {ours: (2, 8)}
    assert renamed(tmp_path, **{SHARED: torch.ones(2), IMAGES: torch.ones(2)}) == {ours: (2,)}
    with pytest.raises(CheckpointError, match="other frequencies for points"):
        renamed(tmp_path, **{SHARED: torch.ones(2), IMAGES: torch.zeros(2)})


def test_mlps_of_another_depth(tmp_path: Path) -> None:
    parts = ("proj_in", "layers.0", "layers.1", "proj_out")
    tensors = {f"object_pointer_proj.{part}.bias": torch.ones(1) for part in parts}
    tensors |= {f"object_pointer_proj.{part}.weight": torch.ones(1, 1) for part in parts}
    names = {f"obj_ptr_proj.layers.{n}.{kind}" for n in range(4) for kind in ("weight", "bias")}
    assert renamed(tmp_path, **tensors).keys() == names


@pytest.mark.parametrize(
    "key",
    [
        "spatial_perceiver.layers.0.cross_attention.k_proj.weight",
        "prompt_encoder.point_embed.weight",
        "memory_encoder.mask_downsampler.layers.99999.conv.weight",
        f"mask_decoder.layers.{'9' * 5000}.weight",
        "mask_decoder.a.b",
    ],
)
def test_what_no_rule_knows_keeps_its_name_for_the_check_of_keys(tmp_path: Path, key: str) -> None:
    assert list(renamed(tmp_path, **{key: torch.ones(3)}).values()) == [(3,)]


def test_two_keys_for_one(tmp_path: Path) -> None:
    tensors = {"no_memory_embedding": torch.ones(1), "no_mem_embed": torch.ones(1)}
    with pytest.raises(CheckpointError, match="has no_mem_embed twice"):
        renamed(tmp_path, **tensors)
