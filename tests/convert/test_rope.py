"""Rotary and other position encodings against upstream's."""

import numpy as np
import openvino as ov
import pytest
import torch
from sam2.modeling.position_encoding import (
    PositionEmbeddingRandom,
    PositionEmbeddingSine,
    apply_rotary_enc,
    compute_axial_cis,
)

from convert import ops
from convert.ops import Affine, FloatArray, Tensor
from convert.positions import fourier_grid, rope_tables, sine_position
from convert.rope import linear_with_rope

CHANNELS, SIZE = 16, 6


def evaluate(*outputs: Tensor, **inputs: tuple[ov.Node, FloatArray]) -> list[FloatArray]:
    graph = ops.model(
        "test", [node for node, _ in inputs.values()], {str(i): o for i, o in enumerate(outputs)}
    )
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled({name: array for name, (_, array) in inputs.items()})
    return [np.asarray(found[str(index)]) for index in range(len(outputs))]


def test_a_rotated_projection_is_upstreams_rope_in_complex_numbers() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, SIZE * SIZE, 8)).astype(np.float32)
    affine = Affine(
        rng.normal(size=(CHANNELS, 8)).astype(np.float32),
        rng.normal(size=CHANNELS).astype(np.float32),
    )
    node = ops.parameter("x", [-1, SIZE * SIZE, 8])
    tables = rope_tables(CHANNELS, SIZE, theta=10000.0)
    [found] = evaluate(linear_with_rope(node, affine, tables), x=(node, x))
    projected = torch.from_numpy(x @ affine.weight.T + affine.bias)[:, None]
    cis = compute_axial_cis(CHANNELS, SIZE, SIZE, theta=10000.0)
    expected, _ = apply_rotary_enc(projected, projected, freqs_cis=cis)
    np.testing.assert_allclose(found, expected[:, 0].numpy(), atol=2e-5)


@pytest.mark.parametrize("factor", [1.0, 0.1])
def test_sine_positions(factor: float) -> None:
    encoding = PositionEmbeddingSine(CHANNELS)
    node = ops.parameter("x", [1])
    position = ops.multiply(node, sine_position(CHANNELS, SIZE, factor))
    [found] = evaluate(position, x=(node, np.ones(1, np.float32)))
    expected = factor * encoding(torch.zeros(1, CHANNELS, SIZE, SIZE))[0].flatten(1).T
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)


def test_fourier_positions() -> None:
    torch.manual_seed(0)
    encoding = PositionEmbeddingRandom(CHANNELS // 2)
    node = ops.parameter("x", [1])
    frequencies = encoding.positional_encoding_gaussian_matrix.numpy()
    position = ops.multiply(node, fourier_grid(frequencies, SIZE))
    [found] = evaluate(position, x=(node, np.ones(1, np.float32)))
    expected = encoding((SIZE, SIZE)).flatten(1).T
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
