"""Scaled dot-product attention in the forms that run fast on the CPU plugin."""

from convert import ops
from convert.ops import Tensor


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, tokens, heads·D] to [B, heads, tokens, D]."""
    return ops.transpose(ops.reshape(x, 0, 0, heads, -1), 0, 2, 1, 3)


def join_heads(x: Tensor) -> Tensor:
    """[B, heads, tokens, D] to [B, tokens, heads·D]."""
    return ops.reshape(ops.transpose(x, 0, 2, 1, 3), 0, 0, -1)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q Kᵀ) V over the last two axes; the scale 1/√d is in the query already."""
    return ops.matmul(ops.softmax(ops.matmul(query, key, transpose_b=True)), value)
