"""Operations are those that one counts by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from sam2ov.bench.device import count_flops, device_facts, profile
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.networks import read_graph
from sam2ov.errors import ModelFolderError
from sam2ov.manifest import read_manifest


def graph(output: Any, *inputs: Any) -> ov.Model:
    return ov.Model([output], list(inputs), "graph")


def weight(*shape: int) -> Any:
    return ops.constant(np.ones(shape, np.float32))


@pytest.mark.parametrize("transpose", [False, True])
def test_products_of_matrices(transpose: bool) -> None:
    x = ops.parameter([-1, -1, -1], ov.Type.f32, name="x")
    product = ops.matmul(x, weight(5, 7), transpose, False)
    shape = (2, 5, 3) if transpose else (2, 3, 5)
    assert count_flops(graph(product, x), {"x": shape}) == 2 * 2 * 3 * 5 * 7


def test_convolutions() -> None:
    x = ops.parameter([1, 6, -1, -1], ov.Type.f32, name="x")
    ones = [1, 1]
    y = ops.convolution(x, weight(8, 6, 3, 3), [2, 2], ones, ones, ones)  # 8 × 4 × 5
    y = ops.group_convolution(y, weight(8, 1, 1, 3, 3), ones, ones, ones, ones)
    y = ops.convolution_backprop_data(y, weight(8, 4, 2, 2), [2, 2])  # 4 × 8 × 10
    y = ops.relu(y)
    expected = 8 * 4 * 5 * 6 * 9 + 8 * 4 * 5 * 9 + 8 * 4 * 5 * 4 * 4
    assert count_flops(graph(y, x), {"x": (1, 6, 8, 10)}) == 2 * expected


def test_memory_attention_grows_with_objects_and_memories(micro_model: Path) -> None:
    manifest = SAM2Model(micro_model).manifest
    c, m, h = manifest.hidden_dim, manifest.mem_dim, manifest.embedding_size

    def flops(objects: int, memories: int) -> int:
        shapes = {
            "embedding": (1, c, h, h),
            "memory": (objects, memories, h * h, m),
            "memory_tpos": (objects, memories, m),
            "pointers": (objects, 16, c),
            "pointer_tpos": (objects, 16, m),
        }
        return count_flops(read_graph(micro_model, manifest, "memory_attention"), shapes)

    assert flops(1, 2) < flops(1, 7) < flops(2, 7) <= 2 * flops(1, 7)


def test_shapes_that_do_not_fit(micro_model: Path) -> None:
    encoder = read_graph(micro_model, read_manifest(micro_model), "image_encoder")
    with pytest.raises(ModelFolderError, match="cannot be counted"):
        count_flops(encoder, {"picture": (1, 2, 3)})


MOVING = {"Broadcast", "Concat", "Gather", "Pad", "ShapeOf", "Slice", "Split", "VariadicSplit"}
"""Kinds of operations that move numbers and compute nothing."""


@pytest.mark.parametrize("objects", [1, 3])
def test_no_network_computes_in_plain_loops(micro_model: Path, objects: int) -> None:
    manifest = read_manifest(micro_model)
    varying = {
        "memory": (objects, 7),
        "memory_tpos": (objects, 7),
        "pointers": (objects, 16),
        "pointer_tpos": (objects, 16),
        "points": (objects, 2),
        "labels": (objects, 2),
        "sparse": (objects, 3),
    }
    for name, spec in manifest.networks.items():
        shapes = {}
        for tensor in spec.inputs:
            lengths = iter(varying.get(tensor.name, (objects,)))
            shapes[tensor.name] = tuple(next(lengths) if n == -1 else n for n in tensor.shape)
        read = read_graph(micro_model, manifest, name)
        operations = profile(read, shapes, "CPU", "f32", runs=1)
        assert sum(times.share for times in operations) == pytest.approx(1)
        assert operations == sorted(operations, key=lambda times: -times.seconds)
        slow = {times.kind for times in operations if "ref" in times.kernel.split("_")}
        # The prompt encoder takes the sine of a few coordinates.
        assert slow <= (MOVING | {"Sin", "Cos", "Convert"} if name == "prompt_encoder" else MOVING)


def test_facts_of_the_cpu() -> None:
    facts = device_facts("CPU", "f32", side=64, repeats=1)
    assert facts.gemm_flops > 0
    assert "FP32" in facts.capabilities
    assert facts.threads is not None
    assert facts.threads >= 1
    assert facts.name
