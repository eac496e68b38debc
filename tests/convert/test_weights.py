"""No tensor of a checkpoint is forgotten: the account, and a proof that it is honest."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov
import pytest

from convert.architecture import Architecture
from convert.config_file import read_config_file
from convert.export import BUILDERS, UNUSED, constants_of
from convert.ops import FloatArray
from convert.weights import Weights
from sam2ov.errors import ConversionError
from sam2ov.manifest import NetworkName
from tests.convert.conftest import Small
from tests.parity.comparison import relative_error
from tests.parity.small import SMALL_CONFIG
from tests.reference.cases import Sizes, network_cases
from tests.reference.record import Case
from tools.torch_predictor import build_predictor

# A bias of the keys adds the same number to all scores of a softmax, which does not change it.
# (Not so with RoPE, nor for Hiera, whose key bias shares a tensor with those of query and value.)
WITHOUT_EFFECT = re.compile(r"sam_mask_decoder\..*\.k_proj\.bias")


@pytest.fixture(scope="module")
def model(small: Small) -> Any:
    model = build_predictor(SMALL_CONFIG, image_size=64)
    model.load_state_dict(small.state_dict)
    return model


@pytest.fixture(scope="module")
def architecture() -> Architecture:
    return read_config_file(SMALL_CONFIG).at(64)


@pytest.fixture(scope="module")
def arrays(small: Small) -> Mapping[str, FloatArray]:
    return {key: tensor.numpy() for key, tensor in small.state_dict.items()}


def test_a_tensor_left_over_is_named(
    architecture: Architecture, arrays: Mapping[str, FloatArray]
) -> None:
    account = Weights({**arrays, "memory_attention.new_gate": np.zeros(1, np.float32)})
    for build in BUILDERS.values():
        build(architecture, account)
    constants_of(architecture, account)
    with pytest.raises(ConversionError, match=r"1 tensors .* lost: memory_attention\.new_gate"):
        account.check_all_used(UNUSED)


def test_views_share_one_account(arrays: Mapping[str, FloatArray]) -> None:
    account = Weights(arrays)
    account.at("sam_mask_decoder", "iou_token").tensor("weight")
    assert account.taken == {"sam_mask_decoder.iou_token.weight"}


@pytest.mark.slow
@pytest.mark.parametrize("network", BUILDERS)
def test_every_tensor_of_a_network_changes_its_output(
    network: NetworkName,
    model: Any,
    architecture: Architecture,
    arrays: Mapping[str, FloatArray],
) -> None:
    cases = [c for c in network_cases(model, (Sizes(3, 2, 2, 1),)) if c.network == network]
    account = Weights(arrays)
    before = _run(BUILDERS[network](architecture, account), cases)
    rng = np.random.default_rng(0)
    without_effect = []
    for key in sorted(account.taken):
        noise = rng.normal(scale=0.3, size=arrays[key].shape).astype(np.float32)
        changed = Weights({**arrays, key: arrays[key] + noise})
        after = _run(BUILDERS[network](architecture, changed), cases)
        changes = [relative_error(*pair).worst for pair in zip(after, before, strict=True)]
        if max(changes) < 1e-4:
            without_effect.append(key)
    assert [key for key in without_effect if not WITHOUT_EFFECT.fullmatch(key)] == []


def _run(graph: ov.Model, cases: list[Case]) -> list[FloatArray]:
    """Every output of every case."""
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [output.copy() for case in cases for output in compiled(dict(case.inputs)).to_tuple()]


def test_every_constant_is_a_tensor_of_the_checkpoint(
    architecture: Architecture, arrays: Mapping[str, FloatArray]
) -> None:
    account = Weights(arrays)
    constants = constants_of(architecture, account)
    assert len(constants) == len(account.taken) == 7
    for name, values in constants.items():
        source = [k for k in account.taken if k.replace(".", "_") == name]
        assert np.array_equal(values.ravel(), arrays[source[0]].ravel())
