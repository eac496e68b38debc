"""Upstream's yaml to an architecture: what is read, and what is refused by name."""

import copy
from pathlib import Path
from typing import Any

import pytest
import sam2
import yaml

from convert.architecture import Hiera
from convert.config_file import architecture_of, read_config_file
from convert.official import OFFICIAL
from convert.shapes import expected_shapes
from sam2ov.errors import ConversionError
from tests.parity.small import SMALL_CONFIG
from tools.torch_predictor import build_predictor

SMALL_TRUNK = "image_encoder.trunk"
SAM2 = [name for name, each in OFFICIAL.items() if each.family in ("sam2", "sam2.1")]


def upstreams_file(name: str) -> Path:
    return Path(sam2.__path__[0]) / "configs" / name.split("_", 1)[0] / f"{name}.yaml"


def changed(key: str, value: Any) -> dict[str, Any]:
    """The small configuration with one entry set."""
    config = copy.deepcopy(yaml.safe_load(SMALL_CONFIG.read_text())["model"])
    *path, leaf = key.split(".")
    section = config
    for part in path:
        section = section[part]
    section[leaf] = value
    assert isinstance(config, dict)
    return config


@pytest.mark.parametrize("name", SAM2)
def test_the_official_models_are_what_upstreams_files_say(name: str) -> None:
    assert read_config_file(upstreams_file(name)) == OFFICIAL[name]


@pytest.mark.parametrize("config", [SMALL_CONFIG, "sam2_hiera_t", "sam2.1_hiera_b+"])
def test_an_architecture_has_the_tensors_of_upstreams_model(config: str | Path) -> None:
    architecture = OFFICIAL[config] if isinstance(config, str) else read_config_file(config)
    model = build_predictor(config)
    shapes = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    assert expected_shapes(architecture) == shapes


def test_the_blocks_of_a_trunk_are_upstreams() -> None:
    for name in SAM2[:4]:
        trunk, module = OFFICIAL[name].trunk, build_predictor(name).image_encoder.trunk
        assert isinstance(trunk, Hiera)
        for block, upstream in zip(trunk.blocks(), module.blocks, strict=True):
            assert (block.dim, block.dim_out) == (upstream.dim, upstream.dim_out)
            assert block.heads == upstream.attn.num_heads
            assert block.window == upstream.window_size
            assert block.pools == bool(upstream.q_stride)


def test_the_values_of_constructors_are_upstreams() -> None:
    """What a configuration leaves out, upstream's constructors decide."""
    config = changed("max_obj_ptrs_in_encoder", 5)
    for key in ("num_maskmem", "multimask_min_pt_num", "multimask_max_pt_num"):
        del config[key]
    architecture = architecture_of(config, "small")
    assert architecture.num_maskmem == 7
    assert architecture.max_obj_ptrs == 5
    assert architecture.switches.multimask_min_points == 1
    assert architecture.switches.multimask_max_points == 1


@pytest.mark.parametrize("text", ["model: [unclosed", "- a\n- list", "trainer: {}", "model: ${x}"])
def test_malformed_yaml(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConversionError, match=r"mine\.yaml"):
        read_config_file(path)


def test_a_file_that_nests_too_deeply_or_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("model: " + "[" * 20_000)
    with pytest.raises(ConversionError, match="no readable configuration"):
        read_config_file(path)
    path.write_text("#" * (1 << 20) + "\nmodel: {}")
    with pytest.raises(ConversionError, match="too large"):
        read_config_file(path)


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("_target_", "sam2.sam2_image_predictor.SAM2ImagePredictor"),
        ("image_encoder.trunk._target_", "os.system"),
        ("image_encoder.trunk._target_", "sam2.modeling.sam2_base.torch.load"),
        ("memory_encoder.fuser.layer._target_", "sam2.build_sam.build_sam2"),
        ("memory_encoder.fuser.layer._target_", None),
    ],
)
def test_a_configuration_cannot_name_anything_but_the_model(key: str, target: Any) -> None:
    with pytest.raises(ConversionError, match=r"names .*, where sam2\..* is supported"):
        architecture_of(changed(key, target), "mine")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_encoder.neck.extra", {"_target_": "builtins.eval", "_args_": ["1"]}),
        (f"{SMALL_TRUNK}.no_such_argument", 1),
        ("no_such_switch", True),
    ],
)
def test_unknown_entries_are_named(key: str, value: Any) -> None:
    with pytest.raises(ConversionError, match=f"does not know: {key.split('.')[-1]}"):
        architecture_of(changed(key, value), "mine")


def test_a_configuration_cannot_load_files(tmp_path: Path) -> None:
    config = changed(f"{SMALL_TRUNK}.weights_path", str(tmp_path / "weights.pt"))
    with pytest.raises(ConversionError, match=r"trunk\.weights_path would load a file"):
        architecture_of(config, "mine")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (f"{SMALL_TRUNK}.stages", [1, 2]),
        (f"{SMALL_TRUNK}.stages", [1, 2, 3, 4.5]),
        (f"{SMALL_TRUNK}.embed_dim", 10**9),
        (f"{SMALL_TRUNK}.q_pool", 2),
        (f"{SMALL_TRUNK}.dim_mul", 1.5),
        (f"{SMALL_TRUNK}.window_pos_embed_bkg_spatial_size", [7, 14]),
        (f"{SMALL_TRUNK}.global_att_blocks", [1]),
        ("image_encoder.neck.backbone_channel_list", [1, 2, 3, 4]),
        ("image_encoder.neck.fpn_top_down_levels", [0, 1, 2, 3]),
        ("image_encoder.neck.fpn_interp_model", "bilinear"),
        ("image_encoder.scalp", 0),
        ("memory_attention.layer.pos_enc_at_attn", True),
        ("memory_attention.layer.cross_attention.num_heads", 2),
        ("memory_attention.layer.activation", "glu"),
        ("memory_encoder.in_dim", 256),
        ("memory_encoder.mask_downsampler.stride", 4),
        ("soft_no_obj_ptr", True),
        ("directly_add_no_mem_embed", False),
        ("use_high_res_features_in_sam", False),
        ("non_overlap_masks_for_mem_enc", True),
        ("proj_tpos_enc_in_obj_ptrs", False),
        ("num_maskmem", 0),
        ("multimask_output_in_sam", "yes"),
        ("sigmoid_scale_for_mem_enc", [20.0]),
    ],
)
def test_values_that_the_graphs_do_not_have_are_refused_by_name(key: str, value: Any) -> None:
    with pytest.raises(ConversionError, match=key.split(".")[-1]):
        architecture_of(changed(key, value), "mine")


@pytest.mark.parametrize("size", [0, -32, 100, 1000])
def test_image_size_must_fit_the_strides(size: int) -> None:
    with pytest.raises(ConversionError, match="positive multiple of 32"):
        architecture_of(changed("image_size", size), "mine")


def test_each_latent_of_edgetam_needs_a_window_of_its_own() -> None:
    assert OFFICIAL["edgetam"].at(512).memory_tokens == 512
    with pytest.raises(ConversionError, match="multiple of 256 for edgetam"):
        OFFICIAL["edgetam"].at(640)
