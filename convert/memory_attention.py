"""Memory attention (sam2/modeling/memory_attention.py) as an OpenVINO graph.

The cost of the model is here, and so are the rewrites. All are exact in real arithmetic:

* Values after attention. A cross-attention value is a linear map of the M-dimensional memory and
  the rows of a softmax sum to 1, so attention averages the memories themselves and
  ``out_proj ∘ v_proj`` follows as one map: M channels instead of C in the product with the values.
* RoPE by projections with rotated weights (see ``convert.rope``).
* What does not depend on the object (layer 1 up to its query) is computed once for all.
"""

import math
from typing import Final

import numpy as np
from openvino import Model

from convert import ops
from convert.architecture import Architecture, MemoryAttention, PooledKeys
from convert.attention import attend_long
from convert.ops import Affine, Tensor
from convert.positions import RopeTables, rope_tables, sine_position
from convert.rope import linear_with_rope
from convert.weights import Weights

_NORM_EPS: Final = 1e-5
_FOUR_CELLS: Final = 2 * math.log(2)
"""What the logit of an average of four cells is raised by, to count for four."""


def build_memory_attention(architecture: Architecture, weights: Weights) -> Model:
    """Graph: raw embedding [1, C, h, w], memories [B, n, T, M], pointers [B, p, C].

    ``memory_tpos`` [B, n, M] and ``pointer_tpos`` [B, p, M] are temporal encodings. n ≥ 1 and
    p ≥ 0 vary at run time. Gives ``conditioned`` [B, C, h, w].
    """
    channels, mem_dim = architecture.hidden_dim, architecture.mem_dim
    size, numbers = architecture.embedding_size, architecture.memory_attention
    embedding = ops.parameter("embedding", [1, channels, size, size])
    memory = ops.parameter("memory", [-1, -1, architecture.memory_tokens, mem_dim])
    memory_tpos = ops.parameter("memory_tpos", [-1, -1, mem_dim])
    pointers = ops.parameter("pointers", [-1, -1, channels])
    pointer_tpos = ops.parameter("pointer_tpos", [-1, -1, mem_dim])

    x = ops.tokens_of_nchw(embedding, channels)
    if numbers.position_at_input:
        x = ops.add(x, sine_position(channels, size, 0.1))
    tables = rope_tables(numbers.internal_dim, size, numbers.rope_theta)
    bank = _MemoryBank(architecture, memory, memory_tpos, pointers, pointer_tpos, tables)
    part = weights.at("memory_attention")
    for index in range(numbers.layers):
        x = _Layer(numbers, part.at("layers", index), tables).build(x, bank)
    x = ops.layer_norm(x, part.norm("norm", _NORM_EPS))
    conditioned = ops.nchw_of_tokens(x, size, channels)
    return ops.model(
        "memory_attention",
        inputs=[embedding, memory, memory_tpos, pointers, pointer_tpos],
        outputs={"conditioned": conditioned},
    )


class _MemoryBank:
    """The tokens that every layer attends to; n spatial memories, then the pointers' tokens.

    Attributes:
        keys: [B, n, T, M], spatial memories with their spatial and temporal encodings.
        pointer_keys: [B, tokens, M], pointers with their temporal encodings.
        values: [B, keys, M], both without encodings.
        pooling: which averages of keys take the place of keys; None where none do.
    """

    def __init__(
        self,
        architecture: Architecture,
        memory: Tensor,
        memory_tpos: Tensor,
        pointers: Tensor,
        pointer_tpos: Tensor,
        tables: RopeTables,
    ) -> None:
        mem_dim, numbers = architecture.mem_dim, architecture.memory_attention
        perceiver = architecture.memory_encoder.perceiver
        tokens = architecture.hidden_dim // mem_dim
        # Latents without a place come first; the others have that of their windows.
        unplaced = 0 if perceiver is None else perceiver.latents_1d
        side = math.isqrt(architecture.memory_tokens - unplaced)
        position = sine_position(mem_dim, side)
        if unplaced:
            position = ops.concat([ops.constant(np.zeros((unplaced, mem_dim))), position], axis=0)
        self._tables = tables
        if unplaced:
            self._tables = rope_tables(numbers.internal_dim, side, numbers.rope_theta, unplaced)
        encoding = ops.add(ops.reshape(memory_tpos, 0, 0, 1, mem_dim), position)
        self.keys = ops.add(memory, encoding)
        split = ops.reshape(pointers, 0, 0, tokens, mem_dim)
        pointer_keys = ops.add(split, ops.reshape(pointer_tpos, 0, 0, 1, mem_dim))
        self.pointer_keys = ops.reshape(pointer_keys, 0, -1, mem_dim)
        self.pooling = None
        if numbers.pooled != "no":
            self.pooling = _Pooling(numbers.pooled, side, memory, self.pointer_keys)
        spatial = self._flat(memory, mem_dim, added=0.0)
        self.values = ops.concat([spatial, ops.reshape(split, 0, -1, mem_dim)], axis=1)

    def turned_keys(self, to_key: Affine) -> Tensor:
        """All keys [B, keys, C] of a layer."""
        spatial = linear_with_rope(self.keys, to_key, self._tables)
        added = 0.0 if self.pooling is None else self.pooling.added_to_keys
        spatial = self._flat(spatial, len(to_key.bias), added)
        # Pointers have no place in the image: their keys are not turned.
        return ops.concat([spatial, ops.linear(self.pointer_keys, to_key)], axis=1)

    def _flat(self, spatial: Tensor, channels: int, added: float) -> Tensor:
        """[B, n, T, channels] to [B, tokens, channels], pooled where that is asked for."""
        if self.pooling is not None:
            return self.pooling.apply(spatial, channels, added)
        return ops.reshape(spatial, 0, -1, channels)


class _Pooling:
    """EfficientTAM's averages of 2×2 cells (``EfficientRoPEAttention1`` and ``2``).

    A single memory is attended to as it is.

    Args:
        kind: whether 2·ln 2 is added to the logits of averages, or to all components of their keys.
        side: of a memory's map.
        memory: [B, n, T, M].
        pointer_keys: [B, tokens, M].
    """

    def __init__(self, kind: PooledKeys, side: int, memory: Tensor, pointer_keys: Tensor) -> None:
        self._side = side
        memories = ops.length_of(memory, 1)
        self._whole = ops.where_one(memories, side * side, 0)
        self._averages = ops.multiply(memories, ops.where_one(memories, 0, side * side // 4))
        self.added_to_keys = _FOUR_CELLS if kind == "keys" else 0.0
        self.added_to_logits: Tensor | None = None
        if kind == "logits":
            lengths = self._whole, self._averages, ops.length_of(pointer_keys, 1)
            self.added_to_logits = ops.concat(
                [
                    ops.filled(value, length)
                    for value, length in zip((0.0, _FOUR_CELLS, 0.0), lengths, strict=True)
                ],
                axis=0,
            )

    def apply(self, spatial: Tensor, channels: int, added: float) -> Tensor:
        """[B, n, T, channels] to what is attended to of it, [B, tokens, channels]."""
        averages = ops.mean_of_cells(spatial, self._side, channels)
        if added:
            averages = ops.add(averages, ops.constant(added))
        flat = (ops.reshape(x, 0, -1, channels) for x in (spatial, averages))
        parts = zip(flat, (self._whole, self._averages), strict=True)
        return ops.concat([ops.up_to(x, length, axis=1) for x, length in parts], axis=1)


class _Layer:
    """``MemoryAttentionLayer``: self-attention, cross-attention to the bank, feed-forward."""

    def __init__(self, numbers: MemoryAttention, part: Weights, tables: RopeTables) -> None:
        self._numbers = numbers
        self._part = part
        self._tables = tables

    def build(self, x: Tensor, bank: _MemoryBank) -> Tensor:
        """Update x [1 or B, h·w, C]; the batch becomes B in the first layer."""
        x = ops.add(x, self._self_attention(self._norm(x, "norm1")))
        x = ops.add(x, self._cross_attention(self._norm(x, "norm2"), bank))
        hidden = ops.linear(self._norm(x, "norm3"), self._part.affine("linear1"))
        hidden = ops.relu(hidden) if self._numbers.activation == "relu" else ops.gelu(hidden)
        return ops.add(x, ops.linear(hidden, self._part.affine("linear2")))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return ops.layer_norm(x, self._part.norm(name, _NORM_EPS))

    def _self_attention(self, x: Tensor) -> Tensor:
        part, tables = self._part.at("self_attn"), self._tables
        scale = 1 / math.sqrt(self._numbers.internal_dim)
        query = linear_with_rope(x, part.affine("q_proj").scaled(scale), tables)
        key = linear_with_rope(x, part.affine("k_proj"), tables)
        value = ops.linear(x, part.affine("v_proj"))
        return ops.linear(attend_long(query, key, value, tables.positions), part.affine("out_proj"))

    def _cross_attention(self, x: Tensor, bank: _MemoryBank) -> Tensor:
        part, tables = self._part.at("cross_attn_image"), self._tables
        scale = 1 / math.sqrt(self._numbers.internal_dim)
        query = linear_with_rope(x, part.affine("q_proj").scaled(scale), tables)
        key = bank.turned_keys(part.affine("k_proj"))
        added = None if bank.pooling is None else bank.pooling.added_to_logits
        to_output = part.affine("v_proj").then(part.affine("out_proj"))
        seen = attend_long(query, key, bank.values, tables.positions, added)
        return ops.linear(seen, to_output)
