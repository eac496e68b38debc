"""The architecture of a checkpoint from its keys and shapes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from convert.config_file import read_config_file
from convert.infer import find_architecture, named_architecture
from convert.official import OFFICIAL
from convert.shapes import Shape, expected_shapes
from sam2ov.errors import CheckpointError, ConversionError
from tests.parity.small import SMALL_CONFIG


def found(shapes: Mapping[str, Shape], name: str = "weights.pt") -> str:
    return find_architecture(None, shapes, name).name


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_published_model_is_found_by_its_tensors_and_at_most_its_file(name: str) -> None:
    shapes = expected_shapes(OFFICIAL[name])
    assert found(shapes, f"{name}.pt") == name
    if not name.startswith("efficienttam"):
        assert found(shapes) == name


def test_models_that_differ_in_no_tensor_are_asked_about() -> None:
    shapes = expected_shapes(OFFICIAL["efficienttam_ti_2"])
    with pytest.raises(CheckpointError, match=r"any of efficienttam_ti, efficienttam_ti_1, .*_2"):
        found(shapes, "mine.pt")
    with pytest.raises(
        CheckpointError,
        match=r"Convert it with: sam2ov convert mine\.pt --config NAME --out FOLDER",
    ):
        found(shapes, "mine.pt")
    assert find_architecture("efficienttam_ti_1", shapes, "mine.pt").name == "efficienttam_ti_1"


def test_other_sizes_than_published_are_read_from_the_shapes() -> None:
    base = OFFICIAL["sam2.1_hiera_s"]
    other = replace(
        base,
        hidden_dim=128,
        mem_dim=32,
        num_maskmem=5,
        memory_attention=replace(
            base.memory_attention, layers=2, feed_forward=512, internal_dim=64
        ),
        memory_encoder=replace(base.memory_encoder, fuser_layers=3, layer_scale=False),
        pointer_mlp=False,
    )
    assert replace(find_architecture(None, expected_shapes(other), "x.pt"), name=base.name) == other


@pytest.mark.parametrize(
    "name", ["sam2.1_hiera_t", "sam2.1_hiera_t.yaml", "configs/sam2.1/sam2.1_hiera_t.yaml"]
)
def test_names_of_an_official_configuration(name: str) -> None:
    assert named_architecture(name) == OFFICIAL["sam2.1_hiera_t"]


def test_the_path_of_a_file() -> None:
    assert named_architecture(SMALL_CONFIG) == read_config_file(Path(SMALL_CONFIG))


def test_unknown_configuration() -> None:
    with pytest.raises(ConversionError, match=r"no configuration 'sam3'.*sam2\.1_hiera_b\+"):
        named_architecture("sam3")


def test_a_trunk_of_no_published_size_asks_for_its_configuration() -> None:
    shapes = expected_shapes(read_config_file(SMALL_CONFIG))
    with pytest.raises(CheckpointError, match=r"never published.*--config"):
        found(shapes)
    assert find_architecture(SMALL_CONFIG, shapes, "weights.pt").hidden_dim == 64


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ({}, "no model of SAM 2's family"),
        ({"conv1.weight": (64, 3, 7, 7)}, r"family: it has tensors such as conv1\.weight"),
        (
            {"image_encoder.trunk.patch_embed.proj.weight": (96, 3, 7, 7)},
            "no model of SAM 2's family",
        ),
    ],
)
def test_checkpoints_of_something_else(shapes: dict[str, Shape], says: str) -> None:
    with pytest.raises(CheckpointError, match=says):
        found(shapes)


def test_what_does_not_fit_is_counted_and_named() -> None:
    shapes = expected_shapes(OFFICIAL["sam2.1_hiera_t"])
    del shapes["no_mem_pos_enc"]
    shapes["new_gate"] = (1,)
    shapes["no_obj_ptr"] = (1, 255)
    with pytest.raises(
        CheckpointError,
        match=r"1 missing \(no_mem_pos_enc\); 1 unexpected \(new_gate\); "
        r"1 of another shape \(no_obj_ptr \(1, 255\) instead of \(1, 256\)\)",
    ):
        find_architecture("sam2.1_hiera_t", shapes, "weights.pt")


def test_a_checkpoint_with_half_its_weights() -> None:
    shapes = expected_shapes(OFFICIAL["sam2.1_hiera_t"])
    half = {key: shape for key, shape in shapes.items() if not key.startswith("memory_attention")}
    with pytest.raises(CheckpointError, match=r"no whole model .*linear1\.weight' is missing"):
        found(half)
