"""What a device can do at best: the operations that the networks ask for, and its GEMM rate.

It asks OpenVINO itself, past ``sam2ov.engine.networks``.
"""

import math
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from sam2ov.engine.devices import OPENVINO_TYPES, Precision, openvino_core
from sam2ov.errors import ModelFolderError

_SIDE = 2048
_PRODUCTS = 4  # in a row: what goes in and comes out is float32, and converting it takes time too

# The axes of a kernel that are gone through for each value: all after these.
_KERNEL_AXES = {
    "Convolution": 1,  # [out, in, y, x]
    "ConvolutionBackpropData": 1,  # [in, out, y, x]
    "GroupConvolution": 2,  # [groups, out, in, y, x]
}


@dataclass(frozen=True)
class DeviceFacts:
    """An OpenVINO device.

    Attributes:
        device: the device string.
        name: its full name.
        capabilities: what OpenVINO says it computes natively ("BF16", "INT8", …), sorted.
        threads: on how many it computes; None where OpenVINO does not say (no CPU).
        gemm_flops: floating-point operations per second in a large product of square matrices.
    """

    device: str
    name: str
    capabilities: tuple[str, ...]
    threads: int | None
    gemm_flops: float


@dataclass(frozen=True)
class OperationTimes:
    """What all operations of a kind take in one run of a graph.

    Attributes:
        kind: of the compiled graph ("MatMul", "Softmax", "Transpose", …).
        kernel: how the device does it, as OpenVINO names it; "ref" in it means plain loops.
        count: how many.
        seconds: all of them.
        share: of the whole graph, 0 to 1.
    """

    kind: str
    kernel: str
    count: int
    seconds: float
    share: float


def device_facts(
    device: str, precision: Precision, *, side: int = _SIDE, repeats: int = 5
) -> DeviceFacts:
    """Ask for and measure a device's facts.

    Args:
        device: of a compiled model.
        precision: in which the product is computed.
        side: of the matrices.
        repeats: of which the fastest counts.
    """
    core = openvino_core()
    compiled = core.compile_model(
        _products(side),
        device,
        {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": OPENVINO_TYPES[precision]},
    )
    request = compiled.create_infer_request()
    operand = np.full((side, side), 0.5, np.float32)
    seconds = []
    for _ in range(repeats + 1):  # the first one may still prepare things
        started = time.perf_counter()
        request.infer({"x": operand}, share_inputs=True)
        seconds.append(time.perf_counter() - started)
    return DeviceFacts(
        device=device,
        name=_property(partial(core.get_property, device), "FULL_DEVICE_NAME", device),
        capabilities=tuple(
            sorted(_property(partial(core.get_property, device), "OPTIMIZATION_CAPABILITIES", ()))
        ),
        threads=_property(compiled.get_property, "INFERENCE_NUM_THREADS", None),
        gemm_flops=_PRODUCTS * 2 * side**3 / min(seconds[1:]),
    )


def count_flops(graph: ov.Model, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Floating-point operations of one run of a graph: two for each multiplication with addition.

    Products of matrices and convolutions count, the rest is noise beside them.

    Args:
        graph: which is left with these shapes.
        shapes: of its inputs, by name.

    Raises:
        ModelFolderError: the graph does not take the shapes.
    """
    try:
        graph.reshape({name: ov.PartialShape(list(shape)) for name, shape in shapes.items()})
    except RuntimeError as error:
        raise ModelFolderError(
            f"The operations of {graph.friendly_name} cannot be counted for {dict(shapes)}. Delete "
            "the folder and convert the checkpoint again."
        ) from error
    return 2 * sum(_multiplications(node) for node in graph.get_ordered_ops())


def profile(
    graph: ov.Model,
    shapes: Mapping[str, tuple[int, ...]],
    device: str,
    precision: Precision,
    *,
    runs: int = 3,
) -> list[OperationTimes]:
    """Where the time of a graph goes, by kind of operation and kernel, the largest first.

    Args:
        graph: as it is read.
        shapes: of its inputs, by name.
        device: that it is compiled for.
        precision: inside the graph.
        runs: of which the fastest counts, operation by operation.
    """
    core = openvino_core()
    config = {"INFERENCE_PRECISION_HINT": OPENVINO_TYPES[precision], "PERF_COUNT": True}
    compiled = core.compile_model(graph, device, config)
    request = compiled.create_infer_request()
    inputs = {
        port.get_any_name(): np.ones(
            shapes[port.get_any_name()], port.get_element_type().to_dtype()
        )
        for port in compiled.inputs
    }
    fastest: dict[str, float] = {}
    for _ in range(runs + 1):  # memory is taken in the first
        request.infer(inputs, share_inputs=True)
        for node in request.get_profiling_info():
            seconds = node.real_time.total_seconds()
            fastest[node.node_name] = min(seconds, fastest.get(node.node_name, math.inf))
    by_kernel: dict[tuple[str, str], list[float]] = defaultdict(list)
    for node in request.get_profiling_info():
        if fastest[node.node_name] > 0:  # the others were fused into these, or cost nothing
            by_kernel[node.node_type, node.exec_type].append(fastest[node.node_name])
    total = sum(fastest.values())
    return sorted(
        (
            OperationTimes(kind, kernel, len(each), sum(each), sum(each) / total)
            for (kind, kernel), each in by_kernel.items()
        ),
        key=lambda times: -times.seconds,
    )


def _multiplications(node: ov.Node) -> int:
    kind: str = node.get_type_name()
    if kind == "MatMul":
        left = node.input(0).get_shape()
        common = left[-2] if node.get_attributes()["transpose_a"] else left[-1]
        return int(math.prod(node.output(0).get_shape()) * common)
    if kind not in _KERNEL_AXES:
        return 0
    # A transposed convolution goes through its kernel for each value that comes in.
    data = node.input(0) if kind == "ConvolutionBackpropData" else node.output(0)
    kernel = node.input(1).get_shape()[_KERNEL_AXES[kind] :]
    return int(math.prod(data.get_shape()) * math.prod(kernel))


def _products(side: int) -> ov.Model:
    x = result = ops.parameter([side, side], ov.Type.f32, name="x")
    for index in range(_PRODUCTS):
        weight = np.random.default_rng(index).normal(size=(side, side)) / side
        result = ops.matmul(result, ops.constant(weight.astype(np.float32)), False, True)
    return ov.Model([result], [x], "products")


def _property(owner: Any, name: str, otherwise: Any) -> Any:
    """A property that not every device has."""
    try:
        return owner(name)
    except RuntimeError:
        return otherwise
