"""EdgeTAM's resampler of memories (sam2/modeling/perceiver.py) as part of a graph.

A memory of h·w tokens becomes latents without a place in the image, each an average of all of it,
then latents with one, each an average of the window of cells that is its own. Both kinds pass
through the same layers. Cells are put in the order of the windows once; the averages over all of
them do not care about the order.
"""

import math
from typing import Final

import numpy as np

from convert import ops
from convert.architecture import Perceiver
from convert.attention import attend
from convert.ops import Affine, Tensor
from convert.positions import sine_position
from convert.weights import Weights

_NORM_EPS: Final = 1e-5


def resample(memory: Tensor, perceiver: Perceiver, size: int, part: Weights) -> Tensor:
    """Tokens [B, latents, M] of a memory [B, size², M]: the 1-D latents, then the 2-D ones."""
    channels = part.tensor("norm.weight").shape[0]
    side = math.isqrt(perceiver.latents_2d)

    def in_windows(tokens: Tensor) -> Tensor:
        cells = ops.reshape(tokens, 0, side, size // side, side, size // side, channels)
        return ops.reshape(ops.transpose(cells, 0, 1, 3, 2, 4, 5), 0, -1, channels)

    cells = ops.normalize(in_windows(memory), _NORM_EPS)
    position = in_windows(ops.unsqueeze(sine_position(channels, size), 0))
    plain = ops.repeat_batch(part.tensor("latents")[None], like=memory)
    placed = ops.repeat_batch(part.tensor("latents_2d")[None], like=memory)
    for index in range(perceiver.layers):
        layer = _Layer(part.at("layers", index))
        key, value = layer.key(cells), layer.value(cells)
        seen = layer.attend(plain, ops.add(key, position), ops.add(value, position))
        plain = layer.refine(ops.add(plain, seen), alone=False)
        seen = layer.attend_own(placed, key, value, perceiver.latents_2d, channels)
        placed = layer.refine(ops.add(placed, seen), alone=True)
    return ops.layer_norm(ops.concat([plain, placed], axis=1), part.norm("norm", _NORM_EPS))


class _Layer:
    """``PerceiverEncoderLayer`` with one head. Scales and shifts of norms are moved into weights.

    Args:
        part: its weights.
    """

    def __init__(self, part: Weights) -> None:
        self._part = part
        self._cross = part.at("attn")
        self._scale = 1 / math.sqrt(self._cross.matrix("to_q").shape[0])

    def key(self, cells: Tensor) -> Tensor:
        """Keys of normalised cells [B, cells, M]."""
        return ops.linear(cells, self._of_cells(0))

    def value(self, cells: Tensor) -> Tensor:
        """Values of normalised cells [B, cells, M]."""
        return ops.linear(cells, self._of_cells(1))

    def attend(self, latents: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """What latents [B, latents, M] take from all cells."""
        query, key, value = (ops.unsqueeze(x, 1) for x in (self._query(latents), key, value))
        seen = ops.squeeze(attend(query, key, value, self._scale), 1)
        return ops.project(seen, self._cross.matrix("to_out"))

    def attend_own(
        self, latents: Tensor, key: Tensor, value: Tensor, windows: int, channels: int
    ) -> Tensor:
        """What latents [B, windows, M] take from the cells of their windows."""
        query = ops.unsqueeze(self._query(latents), 2)
        key, value = (ops.reshape(x, 0, windows, -1, channels) for x in (key, value))
        seen = ops.squeeze(attend(query, key, value, self._scale), 2)
        return ops.project(seen, self._cross.matrix("to_out"))

    def refine(self, latents: Tensor, alone: bool) -> Tensor:
        """Feed-forward, self-attention and feed-forward again.

        Args:
            latents: [B, latents, M].
            alone: each attends to itself alone, which is a linear map.
        """
        latents = ops.add(latents, self._feed_forward(latents, "ff"))
        part = self._part.at("self_attn")
        x = ops.layer_norm(latents, part.norm("norm", _NORM_EPS))
        to_key, value = part.matrix("to_kv", half=0), ops.project(x, part.matrix("to_kv", half=1))
        if not alone:
            query, key = ops.project(x, part.matrix("to_q")), ops.project(x, to_key)
            query, key, value = (ops.unsqueeze(y, 1) for y in (query, key, value))
            value = ops.squeeze(attend(query, key, value, self._scale), 1)
        latents = ops.add(latents, ops.project(value, part.matrix("to_out")))
        return ops.add(latents, self._feed_forward(latents, "self_ff"))

    def _of_cells(self, half: int) -> Affine:
        matrix = self._cross.matrix("to_kv", half=half)
        norm = self._cross.norm("norm_x", _NORM_EPS)
        affine = Affine(matrix, np.zeros(len(matrix), np.float32))
        return affine.after_scale(norm.weight, norm.bias)

    def _query(self, latents: Tensor) -> Tensor:
        x = ops.layer_norm(latents, self._cross.norm("norm_latents", _NORM_EPS))
        return ops.project(x, self._cross.matrix("to_q"))

    def _feed_forward(self, x: Tensor, name: str) -> Tensor:
        part = self._part.at(name)  # norm, linear, GELU, linear
        hidden = ops.project(ops.layer_norm(x, part.norm("0", _NORM_EPS)), part.matrix("1"))
        return ops.project(ops.gelu(hidden), part.matrix("3"))
