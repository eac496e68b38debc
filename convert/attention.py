"""Scaled dot-product attention in the two forms that run fast on OpenVINO's CPU plugin.

The plugin fuses MatMul → Softmax → MatMul on tensors of rank 3 and 4 into one kernel. On many
short sequences (windows, prompt tokens) that is the fastest. On a long one (memory attention,
global blocks) the fused kernel takes 1.8 times as long as three separate operations.
"""

from typing import Final

from convert import ops
from convert.ops import Tensor

_QUERIES_AT_ONCE: Final = 512
"""Bounds the scores that exist at a time (512 × 28,736 for a full bank at 1024 px)."""


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, tokens, heads·D] to [B, heads, tokens, D]."""
    return ops.transpose(ops.reshape(x, 0, 0, heads, -1), 0, 2, 1, 3)


def join_heads(x: Tensor) -> Tensor:
    """[B, heads, tokens, D] to [B, tokens, heads·D]."""
    return ops.reshape(ops.transpose(x, 0, 2, 1, 3), 0, 0, -1)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q Kᵀ) V over the last two axes; the scale 1/√d is in the query already."""
    return ops.matmul(ops.softmax(ops.matmul(query, key, transpose_b=True)), value)


def attend_long(query: Tensor, key: Tensor, value: Tensor, length: int) -> Tensor:
    """The same on [B, tokens, D] for long sequences; ``length`` is the number of queries.

    The fifth dimension keeps the plugin from fusing.
    """
    query, key, value = (ops.unsqueeze(x, 1, 2) for x in (query, key, value))
    parts = [
        attend(ops.take(query, start, min(start + _QUERIES_AT_ONCE, length), axis=3), key, value)
        for start in range(0, length, _QUERIES_AT_ONCE)
    ]
    return ops.squeeze(ops.concat(parts, axis=3), 1, 2)
