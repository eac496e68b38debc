"""Memory attention (sam2/modeling/memory_attention.py) as an OpenVINO graph.

The cost of the model is here, and so are the rewrites. All are exact in real arithmetic:

* Values after attention. A cross-attention value is a linear map of the M-dimensional memory and
  the rows of a softmax sum to 1, so attention averages the memories themselves and
  ``out_proj ∘ v_proj`` follows as one map: M channels instead of C in the product with the values.
* RoPE by projections with rotated weights (see ``convert.rope``).
* What does not depend on the object (layer 1 up to its query) is computed once for all.
"""

import math
from typing import Any

from openvino import Model

from convert import ops
from convert.attention import attend_long
from convert.ops import Tensor
from convert.positions import RopeTables, rope_tables, sine_position
from convert.rope import linear_with_rope
from convert.weights import Weights

_NORM_EPS = 1e-5


def build_memory_attention(model: Any, weights: Weights) -> Model:
    """Graph: raw embedding [1, C, h, w], memories [B, n, h·w, M], pointers [B, p, C].

    ``memory_tpos`` [B, n, M] and ``pointer_tpos`` [B, p, M] are temporal encodings. n ≥ 1 and
    p ≥ 0 vary at run time. Gives ``conditioned`` [B, C, h, w].
    """
    channels, mem_dim = model.hidden_dim, model.mem_dim
    size = model.image_size // model.backbone_stride
    embedding = ops.parameter("embedding", [1, channels, size, size])
    memory = ops.parameter("memory", [-1, -1, size * size, mem_dim])
    memory_tpos = ops.parameter("memory_tpos", [-1, -1, mem_dim])
    pointers = ops.parameter("pointers", [-1, -1, channels])
    pointer_tpos = ops.parameter("pointer_tpos", [-1, -1, mem_dim])

    x = ops.tokens_of_nchw(embedding, channels)
    if model.memory_attention.pos_enc_at_input:
        position = sine_position(model.image_encoder.neck.position_encoding, channels, size, 0.1)
        x = ops.add(x, position)
    bank = _MemoryBank(model, memory, memory_tpos, pointers, pointer_tpos)
    part = weights.at("memory_attention")
    for index, layer in enumerate(model.memory_attention.layers):
        x = _Layer(layer, part.at("layers", index), size).build(x, bank)
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
        keys: [B, n, h·w, M], spatial memories with their spatial and temporal encodings.
        pointer_keys: [B, tokens, M], pointers with their temporal encodings.
        values: [B, n·h·w + tokens, M], both without encodings.
    """

    def __init__(
        self,
        model: Any,
        memory: Tensor,
        memory_tpos: Tensor,
        pointers: Tensor,
        pointer_tpos: Tensor,
    ) -> None:
        mem_dim = model.mem_dim
        size = model.image_size // model.backbone_stride
        tokens = model.hidden_dim // mem_dim
        position = sine_position(model.memory_encoder.position_encoding, mem_dim, size)
        encoding = ops.add(ops.reshape(memory_tpos, 0, 0, 1, mem_dim), position)
        self.keys = ops.add(memory, encoding)
        split = ops.reshape(pointers, 0, 0, tokens, mem_dim)
        pointer_keys = ops.add(split, ops.reshape(pointer_tpos, 0, 0, 1, mem_dim))
        self.pointer_keys = ops.reshape(pointer_keys, 0, -1, mem_dim)
        self.values = ops.concat(
            [ops.reshape(memory, 0, -1, mem_dim), ops.reshape(split, 0, -1, mem_dim)], axis=1
        )


class _Layer:
    """``MemoryAttentionLayer``: self-attention, cross-attention to the bank, feed-forward."""

    def __init__(self, module: Any, part: Weights, size: int) -> None:
        self._module = module
        self._part = part
        self._size = size

    def build(self, x: Tensor, bank: _MemoryBank) -> Tensor:
        """Update x [1 or B, h·w, C]; the batch becomes B in the first layer."""
        x = ops.add(x, self._self_attention(self._norm(x, "norm1")))
        x = ops.add(x, self._cross_attention(self._norm(x, "norm2"), bank))
        hidden = ops.linear(self._norm(x, "norm3"), self._part.affine("linear1"))
        hidden = ops.relu(hidden) if self._module.activation_str == "relu" else ops.gelu(hidden)
        return ops.add(x, ops.linear(hidden, self._part.affine("linear2")))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return ops.layer_norm(x, self._part.norm(name, _NORM_EPS))

    def _tables(self, attention: Any) -> RopeTables:
        theta = attention.compute_cis.keywords["theta"]
        return rope_tables(attention.internal_dim, self._size, theta)

    def _self_attention(self, x: Tensor) -> Tensor:
        part, tables = self._part.at("self_attn"), self._tables(self._module.self_attn)
        scale = 1 / math.sqrt(self._module.self_attn.internal_dim)
        query = linear_with_rope(x, part.affine("q_proj").scaled(scale), tables)
        key = linear_with_rope(x, part.affine("k_proj"), tables)
        value = ops.linear(x, part.affine("v_proj"))
        return ops.linear(attend_long(query, key, value, self._size**2), part.affine("out_proj"))

    def _cross_attention(self, x: Tensor, bank: _MemoryBank) -> Tensor:
        attention = self._module.cross_attn_image
        part, tables = self._part.at("cross_attn_image"), self._tables(attention)
        scale = 1 / math.sqrt(attention.internal_dim)
        to_key = part.affine("k_proj")
        query = linear_with_rope(x, part.affine("q_proj").scaled(scale), tables)
        spatial = linear_with_rope(bank.keys, to_key, tables)
        spatial = ops.reshape(spatial, 0, -1, attention.internal_dim)
        # Pointers have no place in the image: their keys are not rotated.
        key = ops.concat([spatial, ops.linear(bank.pointer_keys, to_key)], axis=1)
        to_output = part.affine("v_proj").then(part.affine("out_proj"))
        return ops.linear(attend_long(query, key, bank.values, self._size**2), to_output)
