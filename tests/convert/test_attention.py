"""The forms of attention: what they compute, and how the CPU plugin runs them."""

from collections.abc import Callable

import numpy as np
import openvino as ov
import pytest

from convert import ops
from convert.attention import (
    attend,
    attend_apart,
    attend_few,
    attend_long,
    join_heads,
    split_heads,
)
from convert.ops import FloatArray, Tensor

CPU = ov.Core()
NO_BF16 = "BF16" not in CPU.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def softmax(scores: FloatArray) -> FloatArray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), np.float32)


def heads_first(x: FloatArray, heads: int) -> FloatArray:
    batch, tokens, _ = x.shape
    return x.reshape(batch, tokens, heads, -1).transpose(0, 2, 1, 3)


class Attention:
    """A compiled attention of [B, tokens, C] tensors, between projections as in a model."""

    def __init__(
        self,
        build: Callable[[Tensor, Tensor, Tensor], Tensor],
        shapes: tuple[tuple[int, ...], ...],
        precision: str = "f32",
    ) -> None:
        inputs = [ops.parameter(name, s) for name, s in zip("qkv", shapes, strict=True)]
        projected = [_identity(x, s[-1]) for x, s in zip(inputs, shapes, strict=True)]
        out = _identity(build(*projected), shapes[-1][-1])
        graph = ops.model("attention", inputs, {"out": out})
        self._compiled = CPU.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": precision})

    def __call__(self, *arrays: FloatArray) -> FloatArray:
        return np.asarray(self._compiled(list(arrays))["out"])

    @property
    def layers(self) -> set[str]:
        """The kinds of kernels that run."""
        nodes = self._compiled.get_runtime_model().get_ops()
        return {node.get_rt_info()["layerType"].astype(str) for node in nodes}


def _identity(x: Tensor, channels: int) -> Tensor:
    eye = np.eye(channels, dtype=np.float32)
    return ops.linear(x, ops.Affine(eye, np.zeros(channels, np.float32)))


@pytest.mark.parametrize("length", [7, 512, 700])
def test_long_attention_in_pieces_of_any_length(length: int) -> None:
    rng = np.random.default_rng(0)
    shapes = ((1, length, 16), (2, 900, 16), (2, 900, 8))
    query, key, value = (rng.normal(size=s).astype(np.float32) for s in shapes)
    attention = Attention(lambda q, k, v: attend_long(q, k, v, length), shapes)
    expected = softmax(query @ key.transpose(0, 2, 1)) @ value
    np.testing.assert_allclose(attention(query, key, value), expected, atol=1e-5)
    # Fused, it would take 1.8 times as long with a full memory bank.
    assert "Softmax" in attention.layers


def test_many_objects_attend_to_one_map() -> None:
    rng = np.random.default_rng(3)
    shapes = ((5, 12, 64), (1, 900, 64), (1, 900, 64))
    query, key, value = (rng.normal(size=s).astype(np.float32) for s in shapes)
    attention = Attention(attend_apart, shapes)
    expected = softmax(query @ key.transpose(0, 2, 1)) @ value
    np.testing.assert_allclose(attention(query, key, value), expected, atol=1e-5)
    assert "Softmax" in attention.layers  # fused, it would take half as long again


@pytest.mark.parametrize("form", [attend, attend_few])
def test_attention_by_heads(form: Callable[..., Tensor]) -> None:
    rng = np.random.default_rng(1)
    shapes = ((6, 4, 32), (6, 16, 32), (6, 16, 32))
    arrays = [rng.normal(size=s).astype(np.float32) for s in shapes]
    attention = Attention(
        lambda *qkv: join_heads(form(*(split_heads(x, 4) for x in qkv), 0.25)), shapes
    )
    query, key, value = (heads_first(x, 4) for x in arrays)
    expected = softmax((query @ key.transpose(0, 1, 3, 2)) / np.float32(4)) @ value
    expected = expected.transpose(0, 2, 1, 3).reshape(shapes[0])
    np.testing.assert_allclose(attention(*arrays), expected, atol=1e-5)


@pytest.mark.skipif(NO_BF16, reason="this CPU does not compute in bfloat16")
@pytest.mark.parametrize("queries", [4, 16])
def test_attention_in_bfloat16(queries: int) -> None:
    """As many queries as heads (4) go through ``attend_few``: the fused kernel mixes them up."""
    rng = np.random.default_rng(2)
    shapes = ((64, queries, 128), (64, 16, 128), (64, 16, 128))
    arrays = [1.5 * rng.normal(size=s).astype(np.float32) for s in shapes]
    form = attend_few if queries == 4 else attend

    def build(*qkv: Tensor) -> Tensor:
        query, key, value = (split_heads(x, 4) for x in qkv)
        return join_heads(form(query, key, value, 32**-0.5))

    exact = Attention(build, shapes)(*arrays)
    rounded = Attention(build, shapes, "bf16")(*arrays)
    assert np.sqrt(np.square(rounded - exact).mean() / np.square(exact).mean()) < 0.01
