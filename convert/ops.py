"""Building blocks of the graphs: thin, typed names over OpenVINO's operations.

The graphs are written operation by operation instead of being traced from torch. So each rewrite
is visible, dimensions that vary stay dynamic, and converting needs neither example inputs nor a
forward pass in torch.

Layout: feature maps are channels-last ([B, H, W, C] or [B, tokens, C]) unless a name says nchw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from openvino import Model, Node, Output, PartialShape
from openvino import opset13 as ov_ops

FloatArray = npt.NDArray[np.float32]
Tensor: TypeAlias = Node | Output


@dataclass(frozen=True, eq=False)
class Affine:
    """x ↦ W x + b, with ``weight`` [out, in] and ``bias`` [out], float32."""

    weight: FloatArray
    bias: FloatArray

    def scaled(self, factor: float) -> "Affine":
        """The same map times a number."""
        return Affine(_f32(self.weight * np.float64(factor)), _f32(self.bias * np.float64(factor)))

    def then(self, outer: "Affine") -> "Affine":
        """One map for two in a row; the product is taken in float64."""
        weight = outer.weight.astype(np.float64)
        return Affine(_f32(weight @ self.weight), _f32(weight @ self.bias + outer.bias))

    def after_scale(self, scale: FloatArray, shift: FloatArray) -> "Affine":
        """The map of ``scale`` x + ``shift``, both [in]; the products are taken in float64."""
        weight = self.weight.astype(np.float64)
        return Affine(_f32(weight * scale), _f32(weight @ shift + self.bias))

    def rows(self, start: int, stop: int) -> "Affine":
        """The map to the output channels ``start`` to ``stop``."""
        return Affine(self.weight[start:stop], self.bias[start:stop])


@dataclass(frozen=True, eq=False)
class Norm:
    """Layer normalisation over channels: ``weight`` [C], ``bias`` [C]."""

    weight: FloatArray
    bias: FloatArray
    eps: float


@dataclass(frozen=True, eq=False)
class Kernel:
    """A 2-D convolution: ``weight`` [out, in / groups, k, k] (transposed: [in, out, k, k])."""

    weight: FloatArray
    bias: FloatArray
    stride: int = 1
    padding: int = 0


def _f32(array: npt.NDArray[Any]) -> FloatArray:
    return np.ascontiguousarray(array, np.float32)


def parameter(name: str, shape: Sequence[int], dtype: type[np.generic] = np.float32) -> Node:
    """A graph input; -1 marks a dimension that varies."""
    return cast(Node, ov_ops.parameter(PartialShape(list(shape)), dtype, name=name))


def constant(value: npt.ArrayLike) -> Node:
    """A float32 constant."""
    return cast(Node, ov_ops.constant(np.asarray(value, np.float32)))


def integers(*values: int) -> Node:
    """An int64 vector, for shapes and axes."""
    return cast(Node, ov_ops.constant(np.asarray(values, np.int64)))


def _scalar(value: int) -> Node:
    return cast(Node, ov_ops.constant(np.asarray(value, np.int64)))


def int32(value: int) -> Node:
    """An int32 scalar."""
    return cast(Node, ov_ops.constant(np.asarray(value, np.int32)))


def reshape(x: Tensor, *shape: int) -> Tensor:
    """Reshape; 0 keeps the dimension at that place, -1 is inferred."""
    return cast(Tensor, ov_ops.reshape(x, integers(*shape), special_zero=True))


def unsqueeze(x: Tensor, *axes: int) -> Tensor:
    """Insert axes of length 1."""
    return cast(Tensor, ov_ops.unsqueeze(x, integers(*axes)))


def squeeze(x: Tensor, *axes: int) -> Tensor:
    """Remove axes of length 1."""
    return cast(Tensor, ov_ops.squeeze(x, integers(*axes)))


def transpose(x: Tensor, *order: int) -> Tensor:
    """Permute the dimensions."""
    return cast(Tensor, ov_ops.transpose(x, integers(*order)))


def to_nchw(x: Tensor) -> Tensor:
    """[B, H, W, C] to [B, C, H, W]."""
    return transpose(x, 0, 3, 1, 2)


def from_nchw(x: Tensor) -> Tensor:
    """[B, C, H, W] to [B, H, W, C]."""
    return transpose(x, 0, 2, 3, 1)


def tokens_of_nchw(x: Tensor, channels: int) -> Tensor:
    """[B, C, H, W] to [B, H·W, C]. The CPU plugin normalises tokens at once, maps in four steps."""
    return reshape(from_nchw(x), 0, -1, channels)


def nchw_of_tokens(x: Tensor, size: int, channels: int) -> Tensor:
    """[B, size², C] to [B, C, size, size]."""
    return to_nchw(reshape(x, 0, size, size, channels))


def take(x: Tensor, start: int, stop: int, axis: int) -> Tensor:
    """The slice ``start:stop`` along an axis."""
    return cast(
        Tensor,
        ov_ops.slice(x, integers(start), integers(stop), integers(1), integers(axis)),
    )


def concat(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Join along an axis."""
    return cast(Tensor, ov_ops.concat(list(parts), axis))


def rows_of(table: FloatArray, indices: Tensor) -> Tensor:
    """``table[indices]`` for a [rows, C] table."""
    return cast(Tensor, ov_ops.gather(constant(table), indices, _scalar(0)))


def broadcast(x: Tensor, *shape: int) -> Tensor:
    """Repeat along the axes of length 1 to a shape."""
    return cast(Tensor, ov_ops.broadcast(x, integers(*shape)))


def repeat_batch(value: FloatArray, like: Tensor) -> Tensor:
    """A [1, …] constant repeated to the batch size of ``like``."""
    shape = ov_ops.shape_of(like)
    batch = ov_ops.gather(shape, integers(0), _scalar(0))
    target = ov_ops.concat([batch, integers(*value.shape[1:])], 0)
    return cast(Tensor, ov_ops.broadcast(constant(value), target))


def pad(x: Tensor, end: Sequence[int], value: float = 0.0) -> Tensor:
    """Append ``end[i]`` entries of ``value`` along each axis i."""
    begin = integers(*([0] * len(end)))
    fill = ov_ops.convert_like(constant(value), x)
    return cast(Tensor, ov_ops.pad(x, begin, integers(*end), "constant", fill))


def add(a: Tensor, b: Tensor) -> Tensor:
    """Sum, with broadcasting."""
    return cast(Tensor, ov_ops.add(a, b))


def subtract(a: Tensor, b: Tensor) -> Tensor:
    """Difference, with broadcasting."""
    return cast(Tensor, ov_ops.subtract(a, b))


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Product, with broadcasting."""
    return cast(Tensor, ov_ops.multiply(a, b))


def as_f32(x: Tensor) -> Tensor:
    """Convert to float32 (booleans to 0 and 1)."""
    return cast(Tensor, ov_ops.convert(x, "f32"))


def choose(condition: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """``yes`` where the condition holds, else ``no``, with broadcasting."""
    return cast(Tensor, ov_ops.select(condition, yes, no))


def is_greater(x: Tensor, threshold: float) -> Tensor:
    """Where x > threshold, boolean."""
    return cast(Tensor, ov_ops.greater(x, constant(threshold)))


def greater(x: Tensor, threshold: float) -> Tensor:
    """1 where x > threshold, else 0, float32."""
    return as_f32(is_greater(x, threshold))


def matmul(a: Tensor, b: Tensor, *, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    """Batched matrix product."""
    return cast(Tensor, ov_ops.matmul(a, b, transpose_a, transpose_b))


def linear(x: Tensor, affine: Affine) -> Tensor:
    """An affine map of the last axis."""
    return add(matmul(x, constant(affine.weight), transpose_b=True), constant(affine.bias))


def project(x: Tensor, matrix: FloatArray) -> Tensor:
    """A linear map of the last axis without a bias, ``matrix`` [out, in]."""
    return matmul(x, constant(matrix), transpose_b=True)


def normalize(x: Tensor, eps: float) -> Tensor:
    """Mean 0 and variance 1 along the last axis."""
    return cast(Tensor, ov_ops.mvn(x, integers(-1), True, eps, "inside_sqrt"))


def layer_norm(x: Tensor, norm: Norm) -> Tensor:
    """Normalise the last axis, then scale and shift it."""
    scaled = multiply(normalize(x, norm.eps), constant(norm.weight))
    return add(scaled, constant(norm.bias))


def relu(x: Tensor) -> Tensor:
    """max(x, 0)."""
    return cast(Tensor, ov_ops.relu(x))


def gelu(x: Tensor) -> Tensor:
    """Gaussian error linear unit, the exact form."""
    return cast(Tensor, ov_ops.gelu(x, "erf"))


def sigmoid(x: Tensor) -> Tensor:
    """Logistic function."""
    return cast(Tensor, ov_ops.sigmoid(x))


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Softmax over an axis."""
    return cast(Tensor, ov_ops.softmax(x, axis))


def sine_and_cosine(x: Tensor) -> Tensor:
    """[sin x, cos x], joined along the last axis."""
    return concat([ov_ops.sin(x), ov_ops.cos(x)], -1)


def conv_nchw(x: Tensor, kernel: Kernel) -> Tensor:
    """2-D convolution of a [B, C, H, W] map."""
    strides, pads = [kernel.stride] * 2, [kernel.padding] * 2
    out = ov_ops.convolution(x, constant(kernel.weight), strides, pads, pads, [1, 1])
    return add(out, constant(kernel.bias[None, :, None, None]))


def linear_nchw(x: Tensor, affine: Affine) -> Tensor:
    """An affine map of the channels of a [B, C, H, W] map: a 1×1 convolution."""
    return conv_nchw(x, Kernel(affine.weight[:, :, None, None], affine.bias))


def mean_of_map(x: Tensor) -> Tensor:
    """The mean of each channel of a [B, C, H, W] map, [B, C, 1, 1]."""
    return cast(Tensor, ov_ops.reduce_mean(x, integers(2, 3), keep_dims=True))


def depthwise_conv_nchw(x: Tensor, kernel: Kernel) -> Tensor:
    """2-D convolution of each channel by itself; weight [C, 1, k, k]."""
    strides, pads = [kernel.stride] * 2, [kernel.padding] * 2
    weight = constant(kernel.weight[:, None])  # [groups, out, in, k, k]
    out = ov_ops.group_convolution(x, weight, strides, pads, pads, [1, 1])
    return add(out, constant(kernel.bias[None, :, None, None]))


def downsample_nchw(x: Tensor, size: int, steps: Sequence[tuple[Kernel, Norm]]) -> Tensor:
    """Convolution, layer norm and GELU in turn: [B, C, size, size] to tokens [B, h·w, C']."""
    tokens = x
    for kernel, norm in steps:
        channels = len(kernel.bias)
        tokens = tokens_of_nchw(conv_nchw(x, kernel), channels)
        tokens = gelu(layer_norm(tokens, norm))
        size //= kernel.stride
        x = nchw_of_tokens(tokens, size, channels)
    return tokens


def maximum(a: Tensor, b: Tensor) -> Tensor:
    """The larger one, element by element."""
    return cast(Tensor, ov_ops.maximum(a, b))


def split(x: Tensor, parts: int, axis: int) -> list[Tensor]:
    """Equal parts along an axis."""
    return list(ov_ops.split(x, _scalar(axis), parts).outputs())


def add_doubled(x: Tensor, coarse: Tensor, size: int, channels: int) -> Tensor:
    """Map x [1, size, size, C] plus ``coarse`` [1, size/2, size/2, C] doubled by copying."""
    blocks = reshape(x, size // 2, 2, size // 2, 2, channels)
    blocks = add(blocks, reshape(coarse, size // 2, 1, size // 2, 1, channels))
    return reshape(blocks, 1, size, size, channels)


def upsample_bilinear_nchw(x: Tensor, size: int) -> Tensor:
    """Resize a [B, C, H, W] map to [B, C, size, size], as torch with align_corners=False."""
    return _resized(x, size, mode="linear_onnx", coordinate_transformation_mode="half_pixel")


def upsample_nearest_nchw(x: Tensor, size: int) -> Tensor:
    """Resize a [B, C, H, W] map to [B, C, size, size] by copying cells."""
    return _resized(
        x,
        size,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _resized(x: Tensor, size: int, **how: str) -> Tensor:
    both, axes = integers(size, size), integers(2, 3)
    resized = ov_ops.interpolate(x, both, shape_calculation_mode="sizes", axes=axes, **how)
    return cast(Tensor, resized)


def mean_of_cells(x: Tensor, size: int, channels: int) -> Tensor:
    """Means over 2×2 cells of maps in tokens: [B, n, size², C] to [B, n, size²/4, C]."""
    half = size // 2
    blocks = reshape(x, 0, -1, half, 2, half, 2 * channels)
    rows = multiply(add(take(blocks, 0, 1, axis=3), take(blocks, 1, 2, axis=3)), constant(0.25))
    pairs = add(take(rows, 0, channels, axis=5), take(rows, channels, 2 * channels, axis=5))
    return reshape(pairs, 0, -1, half * half, channels)


def length_of(x: Tensor, axis: int) -> Tensor:
    """The length of an axis, int64 [1]."""
    return cast(Tensor, ov_ops.gather(ov_ops.shape_of(x), integers(axis), _scalar(0)))


def up_to(x: Tensor, length: Tensor, axis: int) -> Tensor:
    """The first entries along an axis; ``length`` int64 [1], 0 leaves none."""
    return cast(Tensor, ov_ops.slice(x, integers(0), length, integers(1), integers(axis)))


def where_one(length: Tensor, yes: int, no: int) -> Tensor:
    """``yes`` where an int64 [1] is 1, else ``no``."""
    is_one = ov_ops.equal(length, integers(1))
    return cast(Tensor, ov_ops.select(is_one, integers(yes), integers(no)))


def filled(value: float, length: Tensor) -> Tensor:
    """A number so many times; ``length`` int64 [1]."""
    return cast(Tensor, ov_ops.broadcast(constant(value), length))


def model(name: str, inputs: Sequence[Node], outputs: Mapping[str, Tensor]) -> Model:
    """A graph with named inputs and outputs."""
    results = []
    for output_name, tensor in outputs.items():
        result = ov_ops.result(tensor)
        result.output(0).set_names({output_name})
        results.append(result)
    return Model(results, list(inputs), name)


def name_nodes(graph: Model) -> None:
    """Name nodes by their place in topological order.

    OpenVINO's own names count all nodes that the process ever made; equal checkpoints shall give
    equal files.
    """
    for index, node in enumerate(graph.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{index}")
    for port in (*graph.inputs, *graph.outputs):
        port.get_node().set_friendly_name(port.get_any_name())
