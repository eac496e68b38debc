"""Rotary position encoding in real arithmetic, with the rotation moved into the weights.

Upstream (sam2/modeling/position_encoding.py, ``apply_rotary_enc``) views channel pairs as complex
numbers and multiplies them by exp(iθ). In real terms, with R the map (a, b) ↦ (-b, a) on pairs:

    rope(x) = cos θ ⊙ x + sin θ ⊙ R x,     and for x = W y + c:   R x = (R W) y + R c.

So a second projection with rotated weights replaces shuffling channels at run time.
"""

import numpy as np

from convert import ops
from convert.ops import Affine, Tensor
from convert.positions import RopeTables


def rotated(affine: Affine) -> Affine:
    """R applied to the output of an affine map: channel pairs (a, b) become (-b, a)."""
    weight, bias = np.empty_like(affine.weight), np.empty_like(affine.bias)
    weight[0::2], weight[1::2] = -affine.weight[1::2], affine.weight[0::2]
    bias[0::2], bias[1::2] = -affine.bias[1::2], affine.bias[0::2]
    return Affine(weight, bias)


def linear_with_rope(x: Tensor, affine: Affine, tables: RopeTables) -> Tensor:
    """rope(W x + b) for x of shape [..., h·w, in]; gives [..., h·w, C]."""
    straight = ops.multiply(ops.linear(x, affine), tables.cosine)
    turned = ops.multiply(ops.linear(x, rotated(affine)), tables.sine)
    return ops.add(straight, turned)
