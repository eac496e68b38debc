"""Position encodings that depend on the image size alone.

They are stored by their factors (a row and a column table, a coarse map) and put together by
operations on constants, which OpenVINO folds when it compiles the graph: the same graph runs, and
a model folder is 20 MB smaller at 1024 px.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sam2.modeling.position_encoding import compute_axial_cis

from convert import ops
from convert.ops import FloatArray, Tensor
from convert.weights import Weights


def sine_position(encoding: Any, channels: int, size: int, factor: float = 1.0) -> Tensor:
    """Upstream's ``PositionEmbeddingSine`` on a square map times a factor, [size², channels]."""
    position = factor * encoding(torch.zeros(1, channels, size, size))[0].numpy()
    of_y, of_x = np.split(position, 2)  # [C/2, h, w] each, constant along the other axis
    return _spread([(of_y[:, :, 0].T, "row"), (of_x[:, 0].T, "column")])


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
    """``Hiera._get_pos_embed``, [1, size, size, C]: a coarse map resized, plus a tiled window.

    Bicubic resizing is linear along each axis: a matrix for the rows; the columns are done here.
    """
    coarse = torch.from_numpy(trunk.tensor("pos_embed"))  # [1, C, a, a]
    window = trunk.tensor("pos_embed_window")[0].transpose(1, 2, 0)  # [b, b, C]
    side, tile, channels = coarse.shape[-1], window.shape[0], window.shape[-1]
    identity = torch.eye(side)[None, None]
    rows = _bicubic(identity, (size, side))[0, 0]
    columns = _bicubic(coarse, (side, size))[0].permute(1, 2, 0).reshape(side, -1)
    resized = ops.matmul(ops.constant(rows.numpy()), ops.constant(columns.numpy()))
    count = size // tile
    tiled = ops.add(
        ops.reshape(resized, count, tile, count, tile, channels),
        ops.constant(window[None, :, None]),
    )
    return ops.reshape(tiled, 1, size, size, channels)


def _bicubic(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return torch.nn.functional.interpolate(x, size=size, mode="bicubic")


@dataclass(frozen=True, eq=False)
class RopeTables:
    """cos θ and sin θ for each position of a square map and each channel: [size², C]."""

    cosine: Tensor
    sine: Tensor


def rope_tables(channels: int, size: int, theta: float) -> RopeTables:
    """The tables in upstream's order: the first half of the channel pairs turns with x."""
    turns = torch.view_as_real(compute_axial_cis(channels, size, size, theta)).numpy()
    turns = np.repeat(turns.reshape(size, size, -1, 2), 2, axis=2)  # both channels of a pair

    def table(part: int) -> Tensor:
        of_x, of_y = np.split(turns[..., part], 2, axis=-1)
        return _spread([(of_x[0], "column"), (of_y[:, 0], "row")])

    return RopeTables(cosine=table(0), sine=table(1))


def _spread(parts: list[tuple[FloatArray, str]]) -> Tensor:
    """Tables [size, channels] of rows or columns, spread over the map and joined: [size², …]."""
    maps = []
    for values, kind in parts:
        size, channels = values.shape
        placed = values[:, None] if kind == "row" else values[None]
        maps.append(ops.broadcast(ops.constant(placed), size, size, channels))
    return ops.reshape(ops.concat(maps, axis=-1), size * size, -1)
