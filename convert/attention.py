"""Scaled dot-product attention in the forms that run fast on OpenVINO's CPU plugin.

The plugin fuses MatMul → Softmax → MatMul on tensors of rank 3 and 4 into one kernel; on rank 5
it does not. On many short sequences (windows, prompt tokens) the kernel is the fastest. On a long
one with few channels in its values (memory attention) it takes 1.8 times as long as three separate
operations.
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


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """softmax(``scale`` Q Kᵀ) V over the last two axes, in the form that the plugin fuses.

    The scale is no part of the query's weights, which would save nothing: with an operation
    between product and softmax the fused kernel keeps the scores in float32, without one it rounds
    them to the inference precision, which doubles the error of attention in bfloat16.
    """
    scores = ops.multiply(ops.matmul(query, key, transpose_b=True), ops.constant(scale))
    return ops.matmul(ops.softmax(scores), value)


def attend_few(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """The same as ``attend``, not fused: for as many queries as there are heads.

    OpenVINO 2026.4 then confuses the two axes in the fused kernel, in bfloat16 only, and gives
    each head another head's queries. The first block of stage 3 of tiny and small (2×2 queries,
    4 heads) is such a case.
    """
    query, key, value = (ops.unsqueeze(x, 2) for x in (query, key, value))
    return ops.squeeze(attend(query, key, value, scale), 2)


def attend_apart(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q Kᵀ) V on [B, tokens, D], in separate operations.

    For few queries of many channels, which the fused kernel takes half as long again on.

    Args:
        query: scaled already.
        key: [B or 1, keys, D].
        value: [B or 1, keys, any].
    """
    query, key, value = (ops.unsqueeze(x, 1, 2) for x in (query, key, value))
    scores = ops.matmul(query, key, transpose_b=True)
    return ops.squeeze(ops.matmul(ops.softmax(scores), value), 1, 2)


def attend_long(
    query: Tensor, key: Tensor, value: Tensor, length: int, added: Tensor | None = None
) -> Tensor:
    """softmax(Q Kᵀ + a) V on [B, tokens, D] for long sequences, in separate operations.

    Args:
        query: scaled by 1/√d already.
        key: [B, keys, D].
        value: [B, keys, any].
        length: the number of queries.
        added: a, [keys]; None adds nothing.
    """
    query, key, value = (ops.unsqueeze(x, 1, 2) for x in (query, key, value))
    parts = []
    for start in range(0, length, _QUERIES_AT_ONCE):
        some = ops.take(query, start, min(start + _QUERIES_AT_ONCE, length), axis=3)
        logits = ops.matmul(some, key, transpose_b=True)
        if added is not None:
            logits = ops.add(logits, added)
        parts.append(ops.matmul(ops.softmax(logits), value))
    return ops.squeeze(ops.concat(parts, axis=3), 1, 2)
