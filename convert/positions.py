"""Position encodings that depend on the image size alone.

They are stored by their factors (a row and a column table, a coarse map) and put together by
operations on constants, which OpenVINO folds when it compiles the graph: the same graph runs, and
a model folder is 20 MB smaller at 1024 px.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from convert import ops
from convert.ops import FloatArray, Tensor
from convert.weights import Weights

_TEMPERATURE: Final = 10000.0


def sine_table(channels: int, size: int) -> FloatArray:
    """Upstream's ``PositionEmbeddingSine`` along one axis, normalised: [size, channels].

    A cell of a square map has the row of its y, then the row of its x, each of half the channels.
    """
    scaled = np.arange(1, size + 1) * (2 * math.pi / (size + 1e-6))
    pairs = np.arange(channels) // 2
    angles = scaled[:, None] / _TEMPERATURE ** (2 * pairs / channels)
    table = np.where(np.arange(channels) % 2 == 0, np.sin(angles), np.cos(angles))
    return table.astype(np.float32)


def sine_position(channels: int, size: int, factor: float = 1.0) -> Tensor:
    """``PositionEmbeddingSine`` on a square map times a factor, [size², channels]."""
    table = np.float32(factor) * sine_table(channels // 2, size)
    return _spread([(table, "row"), (table, "column")])


def fourier_position(xy: Tensor, frequencies: FloatArray, image_size: int) -> Tensor:
    """``PositionEmbeddingRandom``: features [..., C] of points [..., 2] in pixels.

    The frequencies [2, C/2] are applied by hand: a matrix product would be computed in bfloat16
    where that is the inference precision, which moves points by pixels.
    """
    scale = 4 * math.pi / image_size  # 2π (2 xy / S - 1)
    turns = ops.add(ops.multiply(xy, ops.constant(scale)), ops.constant(-2 * math.pi))
    phase = ops.add(
        ops.multiply(ops.take(turns, 0, 1, axis=-1), ops.constant(frequencies[0])),
        ops.multiply(ops.take(turns, 1, 2, axis=-1), ops.constant(frequencies[1])),
    )
    return ops.sine_and_cosine(phase)


def fourier_grid(frequencies: FloatArray, size: int) -> Tensor:
    """``PromptEncoder.get_dense_pe``: features of the centres of a square grid, [size², C]."""
    y, x = np.mgrid[:size, :size]
    centers = np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5
    return fourier_position(ops.constant(centers), frequencies, size)


def windowed_position(trunk: Weights, size: int) -> Tensor:
    """``Hiera._get_pos_embed``, [1, size, size, C]: a coarse map resized, plus a tiled window."""
    coarse = trunk.tensor("pos_embed")[0].transpose(1, 2, 0)  # [a, a, C]
    window = trunk.tensor("pos_embed_window")[0].transpose(1, 2, 0)  # [b, b, C]
    tile, channels = len(window), window.shape[-1]
    resized = resized_position(coarse, size)
    count = size // tile
    tiled = ops.add(
        ops.reshape(resized, count, tile, count, tile, channels),
        ops.constant(window[None, :, None]),
    )
    return ops.reshape(tiled, 1, size, size, channels)


def resized_position(coarse: FloatArray, size: int) -> Tensor:
    """A map [a, a, C] resized to [size, size·C] by bicubic interpolation.

    It is linear along each axis: a matrix for the rows; the columns are done here.
    """
    resize = bicubic_matrix(len(coarse), size)
    columns = np.einsum("ij,ajc->aic", resize, coarse).reshape(len(coarse), -1)
    return ops.matmul(ops.constant(resize), ops.constant(columns))


def bicubic_matrix(source: int, target: int) -> FloatArray:
    """Torch's bicubic interpolation along one axis (``align_corners=False``), [target, source].

    Its kernel has a = -0.75, is not widened where the target is smaller, and repeats the edge.
    """
    scale = np.float32(source) / np.float32(target)  # in float32, as torch has it
    at = scale * (np.arange(target, dtype=np.float32) + np.float32(0.5)) - np.float32(0.5)
    matrix = np.zeros((target, source))
    for tap in range(-1, 3):
        column = np.floor(at) + tap
        weight = _cubic(np.abs(at - column).astype(np.float64))
        np.add.at(matrix, (np.arange(target), np.clip(column, 0, source - 1).astype(int)), weight)
    return matrix.astype(np.float32)


def _cubic(distance: npt.NDArray[np.float64], a: float = -0.75) -> npt.NDArray[np.float64]:
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))


@dataclass(frozen=True, eq=False)
class RopeTables:
    """cos θ and sin θ for each position and each channel: [positions, C]."""

    cosine: Tensor
    sine: Tensor
    positions: int


def rope_angles(channels: int, size: int, theta: float) -> FloatArray:
    """The angles of half the channels along one axis (``compute_axial_cis``), [size, channels/2].

    The first half of the channels turns with x, the second with y; both of a pair turn alike.
    Frequencies and products are rounded to float32 where torch rounds them: at position 63 that is
    worth 3e-6 of an angle.
    """
    exponents = np.arange(0, channels, 4, dtype=np.float32) / np.float32(channels)
    powers = (theta ** exponents.astype(np.float64)).astype(np.float32)
    frequencies = np.float32(1) / powers
    return np.repeat(np.arange(size, dtype=np.float32)[:, None] * frequencies, 2, axis=1)


def rope_tables(channels: int, size: int, theta: float, unplaced: int = 0) -> RopeTables:
    """The tables for a square map, in upstream's order of channels.

    Args:
        channels: C.
        size: side of the map.
        theta: base of the frequencies.
        unplaced: tokens before the map's that have no place in it and are not turned.
    """
    angles = rope_angles(channels, size, theta).astype(np.float64)

    def table(values: npt.NDArray[np.float64], still: float) -> Tensor:
        of_cell = values.astype(np.float32)
        placed = _spread([(of_cell, "column"), (of_cell, "row")])
        if not unplaced:
            return placed
        return ops.concat([ops.constant(np.full((unplaced, channels), still)), placed], axis=0)

    return RopeTables(table(np.cos(angles), 1), table(np.sin(angles), 0), unplaced + size**2)


def _spread(parts: list[tuple[FloatArray, str]]) -> Tensor:
    """Tables [size, channels] of rows or columns, spread over the map and joined: [size², …]."""
    maps = []
    for values, kind in parts:
        size, channels = values.shape
        placed = values[:, None] if kind == "row" else values[None]
        maps.append(ops.broadcast(ops.constant(placed), size, size, channels))
    return ops.reshape(ops.concat(maps, axis=-1), size * size, -1)
