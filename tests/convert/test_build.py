from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from convert.build import (
    OFFICIAL_CONFIGS,
    build_model,
    config_path,
    guess_config,
    read_config,
)
from convert.support import check_supported
from sam2ov.errors import CheckpointError, ConversionError
from tests.parity.small import SMALL_CONFIG
from tools.torch_predictor import build_predictor

SMALL_TRUNK = "image_encoder.trunk"


def changed(key: str, value: Any) -> dict[str, Any]:
    """The small configuration with one entry set."""
    config = OmegaConf.create(read_config(SMALL_CONFIG))
    OmegaConf.update(config, key, value, force_add=True)
    return {str(k): v for k, v in OmegaConf.to_container(config).items()}


@pytest.mark.parametrize(
    "name",
    [
        "sam2.1_hiera_t",
        "sam2.1_hiera_t.yaml",
        "configs/sam2.1/sam2.1_hiera_t.yaml",
        config_path("sam2.1_hiera_t"),
    ],
)
def test_names_of_an_official_configuration(name: str | Path) -> None:
    config = read_config(name)
    assert config["image_encoder"]["trunk"]["embed_dim"] == 96
    assert config["no_obj_embed_spatial"] is True


def test_official_names_are_upstreams() -> None:
    assert all(config_path(name).is_file() for name in OFFICIAL_CONFIGS)


def test_unknown_configuration() -> None:
    with pytest.raises(ConversionError, match=r"no configuration 'sam3'.*sam2\.1_hiera_b\+"):
        read_config("sam3")


@pytest.mark.parametrize("text", ["model: [unclosed", "- a\n- list", "trainer: {}", "model: ${x}"])
def test_malformed_yaml(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConversionError, match=r"mine\.yaml"):
        read_config(path)


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("image_encoder.trunk._target_", "os.system"),
        # Upstream's modules import others: a prefix is no protection.
        ("image_encoder.trunk._target_", "sam2.modeling.sam2_base.torch.load"),
        ("memory_encoder.fuser.layer._target_", "sam2.build_sam.build_sam2"),
        ("image_encoder.neck.extra", {"_target_": "builtins.eval", "_args_": ["1"]}),
        ("image_encoder.trunk.stages", [{"_target_": "os.getpid"}]),
    ],
)
def test_a_configuration_cannot_name_anything_but_the_model(key: str, target: Any) -> None:
    with pytest.raises(ConversionError, match=r"no part of sam2's model\. It was not loaded"):
        build_model(changed(key, target))


def test_a_configuration_cannot_replace_the_model_itself() -> None:
    with pytest.raises(ConversionError, match=r"only sam2\.modeling\.sam2_base\.SAM2Base can be"):
        build_model(changed("_target_", "training.model.sam2.SAM2Train"))


def test_a_configuration_cannot_load_files(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"trunk\.weights_path would load a file"):
        build_model(changed(f"{SMALL_TRUNK}.weights_path", str(tmp_path / "weights.pt")))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (f"{SMALL_TRUNK}.no_such_argument", 1),
        (f"{SMALL_TRUNK}.stages", [1, 2]),
        ("image_encoder.neck.backbone_channel_list", [1, 2, 3, 4]),
    ],
)
def test_inconsistent_configuration(key: str, value: Any) -> None:
    with pytest.raises(ConversionError, match="does not make a model"):
        build_model(changed(key, value))


@pytest.mark.parametrize("size", [0, -32, 100, 1000, "1024"])
def test_image_size_must_fit_the_strides(size: Any) -> None:
    with pytest.raises(ConversionError, match="positive multiple of 32"):
        build_model(changed("image_size", size))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("soft_no_obj_ptr", True),
        ("directly_add_no_mem_embed", False),
        ("use_high_res_features_in_sam", False),
        ("non_overlap_masks_for_mem_enc", True),
        ("proj_tpos_enc_in_obj_ptrs", False),
        ("image_encoder.neck.fpn_top_down_levels", [0, 1, 2, 3]),
        ("image_encoder.neck.fpn_interp_model", "bilinear"),
        ("image_encoder.scalp", 0),
        (f"{SMALL_TRUNK}.q_pool", 2),
        ("memory_attention.layer.pos_enc_at_attn", True),
        ("memory_attention.layer.cross_attention.num_heads", 2),
        ("memory_attention.layer.activation", "glu"),
    ],
)
def test_switches_that_the_graphs_do_not_have_are_refused_by_name(key: str, value: Any) -> None:
    model = build_model(changed(key, value))
    with pytest.raises(ConversionError, match=key.split(".")[-1]):
        check_supported(model)


def test_upstreams_postprocessing_is_on() -> None:
    model = build_model(read_config(SMALL_CONFIG))
    expected = build_predictor(SMALL_CONFIG)
    assert model.binarize_mask_from_pts_for_mem_enc
    assert expected.binarize_mask_from_pts_for_mem_enc
    for switch in ("via_stability", "stability_delta", "stability_thresh"):
        name = f"dynamic_multimask_{switch}"
        assert getattr(model.sam_mask_decoder, name) == getattr(expected.sam_mask_decoder, name)


@pytest.mark.parametrize("name", ["sam2_hiera_t", "sam2.1_hiera_t", "sam2.1_hiera_b+"])
def test_the_configuration_is_found_from_the_checkpoint(name: str) -> None:
    assert guess_config(build_model(read_config(name)).state_dict()) == name


@pytest.mark.parametrize("name", OFFICIAL_CONFIGS)
def test_the_guess_tells_all_official_configurations_apart(name: str) -> None:
    trunk = read_config(name)["image_encoder"]["trunk"]
    keys = [f"image_encoder.trunk.blocks.{i}.norm1.weight" for i in range(sum(_stages(trunk)))]
    keys += ["no_obj_embed_spatial"] * name.startswith("sam2.1")
    state_dict = dict.fromkeys(keys, torch.empty(0))
    width = trunk.get("embed_dim", 96)
    state_dict["image_encoder.trunk.patch_embed.proj.weight"] = torch.empty(width, 3, 7, 7)
    assert guess_config(state_dict) == name


def _stages(trunk: dict[str, Any]) -> list[int]:
    return list(trunk.get("stages", [2, 3, 16, 3]))


def test_a_checkpoint_of_no_official_size_asks_for_its_configuration() -> None:
    model = build_model(read_config(SMALL_CONFIG))
    with pytest.raises(CheckpointError, match=r"fits none of the official.*--config"):
        guess_config(model.state_dict())
