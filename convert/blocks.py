"""Transformer blocks in windows, on maps whose tokens stay in the order of the windows."""

import math
from dataclasses import dataclass, replace
from typing import Final

from convert import ops
from convert.architecture import WindowedBlock
from convert.attention import attend, attend_few, join_heads, split_heads
from convert.ops import Affine, Norm, Tensor
from convert.weights import Weights

_NORM_EPS: Final = 1e-6


@dataclass(frozen=True, eq=False)
class TokenMap:
    """A square feature map as tokens in the order of its windows.

    Layer norms, linear layers and attention over the whole map do not care about the order of
    tokens, and pooling keeps windows together. So the order changes only where the window size
    does, not around each attention.

    Attributes:
        tokens: [1, size², channels], window by window, row by row in each.
        size: side of the map.
        window: side of a window; equal to ``size`` where the order is that of the whole map.
    """

    tokens: Tensor
    size: int
    window: int
    channels: int

    def with_tokens(self, tokens: Tensor) -> "TokenMap":
        """Other values in the same order."""
        return replace(self, tokens=tokens)

    def linear(self, affine: Affine) -> "TokenMap":
        """Each token through an affine map."""
        tokens = ops.linear(self.tokens, affine)
        return replace(self, tokens=tokens, channels=len(affine.bias))

    def pooled(self) -> "TokenMap":
        """Maximum over 2×2 blocks; windows are halved."""
        half = self.window // 2
        # MaxPool works on [B, C, H, W] and takes two transpositions that cost more than it does.
        blocks = ops.reshape(self.tokens, -1, 2, half, 2, self.channels)
        corners = ops.reshape(ops.transpose(blocks, 1, 3, 0, 2, 4), 4, -1, self.channels)
        a, b, c, d = ops.split(corners, 4, axis=0)
        highest = ops.maximum(ops.maximum(a, b), ops.maximum(c, d))
        tokens = ops.reshape(highest, 1, -1, self.channels)
        return replace(self, tokens=tokens, size=self.size // 2, window=half)

    def in_windows(self, window: int) -> "TokenMap":
        """The same map in the order of other windows, which must divide its size."""
        tokens = self.tokens
        for side, split in ((self.window, False), (window, True)):
            count = self.size // side
            if self.window == window or count == 1:
                continue
            # (window row, window column, row, column), or rows and columns with their windows'
            shape = (count, side, count, side) if split else (count, count, side, side)
            tokens = ops.reshape(tokens, *shape, self.channels)
            tokens = ops.transpose(tokens, 0, 2, 1, 3, 4)
        return replace(self, tokens=ops.reshape(tokens, 1, -1, self.channels), window=window)

    def padded(self, window: int) -> "TokenMap":
        """The whole map with zeros at the right and bottom, up to a multiple of ``window``."""
        more = -self.size % window
        if more == 0:
            return self
        size = self.size + more
        square = ops.reshape(self.in_windows(self.size).tokens, 1, self.size, self.size, -1)
        tokens = ops.reshape(ops.pad(square, [0, more, more, 0]), 1, -1, self.channels)
        return replace(self, tokens=tokens, size=size, window=size)

    def cropped(self, size: int) -> "TokenMap":
        """The upper left part of the map."""
        if size == self.size:
            return self
        square = ops.reshape(self.in_windows(self.size).tokens, 1, self.size, self.size, -1)
        square = ops.take(ops.take(square, 0, size, axis=1), 0, size, axis=2)
        tokens = ops.reshape(square, 1, -1, self.channels)
        return replace(self, tokens=tokens, size=size, window=size)

    def to_nchw(self) -> Tensor:
        """[1, C, size, size]."""
        count = self.size // self.window
        blocks = ops.reshape(self.tokens, count, count, self.window, self.window, -1)
        return ops.reshape(ops.transpose(blocks, 4, 0, 2, 1, 3), 1, -1, self.size, self.size)


@dataclass(frozen=True, eq=False)
class _Normed:
    """A map after layer normalisation whose scale and shift the next linear layer takes over.

    Attributes:
        normed: mean 0 and variance 1 where there is a ``norm`` to take over.
        norm: None where scale and shift are applied already.
    """

    normed: TokenMap
    norm: Norm | None

    def linear(self, affine: Affine) -> TokenMap:
        """Each token through scale, shift and an affine map."""
        if self.norm is not None:
            affine = affine.after_scale(self.norm.weight, self.norm.bias)
        return self.normed.linear(affine)


class Block:
    """``MultiScaleBlock``: attention, inside windows or over the whole map, and an MLP.

    Args:
        block: its numbers.
        part: its weights.
        late: its windows are those of the last two stages, which divide the map at few image sizes.
    """

    def __init__(self, block: WindowedBlock, part: Weights, late: bool) -> None:
        self._block = block
        self._part = part
        self._late = late
        self._scale = 1 / math.sqrt(block.dim_out // block.heads)

    def build(self, x: TokenMap) -> TokenMap:
        """The next map; halved where the block pools its queries."""
        block, part = self._block, self._part
        window = block.window
        pads = bool(window) and x.size % window > 0
        if window:
            x = x.in_windows(x.size if pads else window)
        norm = part.norm("norm1", _NORM_EPS)
        if pads or (window and self._late):
            # Zeros are appended after the norm, so its scale and shift cannot wait; nor do they
            # where none are needed, so that the weights are the same at every image size.
            normed = _Normed(x.with_tokens(ops.layer_norm(x.tokens, norm)), None)
        else:
            normed = _Normed(x.with_tokens(ops.normalize(x.tokens, norm.eps)), norm)
        shortcut = x
        if block.dim != block.dim_out:
            shortcut = normed.linear(part.affine("proj"))
            if block.pools:
                shortcut = shortcut.pooled()
        attended = self._attend_windows(normed) if window else self._attend_everywhere(normed)
        x = sum_of(shortcut, attended)

        norm = part.norm("norm2", _NORM_EPS)
        normed = _Normed(x.with_tokens(ops.normalize(x.tokens, norm.eps)), norm)
        first, second = part.at("mlp").mlp(2)
        hidden = normed.linear(first)
        return sum_of(x, hidden.with_tokens(ops.gelu(hidden.tokens)).linear(second))

    def _query_key_value(self, x: _Normed) -> tuple[TokenMap, Tensor, Tensor]:
        """The three projections. One for all would need a split, which runs as slow code."""
        qkv, channels = self._part.affine("attn.qkv"), self._block.dim_out
        query, key, value = (
            qkv.rows(index * channels, (index + 1) * channels) for index in range(3)
        )
        return x.linear(query), x.linear(key).tokens, x.linear(value).tokens

    def _attend_windows(self, x: _Normed) -> TokenMap:
        heads, channels = self._block.heads, self._block.dim_out
        size, window = x.normed.size, self._block.window
        # A window that does not divide the map: zeros join in, as keys with the bias alone.
        x = replace(x, normed=x.normed.padded(window).in_windows(window))
        query, key, value = self._query_key_value(x)
        if self._block.pools:
            query, size = query.pooled(), size // 2

        def by_window(tokens: Tensor, side: int) -> Tensor:
            return split_heads(ops.reshape(tokens, -1, side * side, channels), heads)

        few = query.window**2 == heads
        out = (attend_few if few else attend)(
            by_window(query.tokens, query.window),
            by_window(key, window),
            by_window(value, window),
            self._scale,
        )
        tokens = ops.reshape(join_heads(out), 1, -1, channels)
        return query.with_tokens(tokens).linear(self._part.affine("attn.proj")).cropped(size)

    def _attend_everywhere(self, x: _Normed) -> TokenMap:
        heads = self._block.heads
        query, key, value = self._query_key_value(x)
        query_heads, key_heads, value_heads = (
            split_heads(tokens, heads) for tokens in (query.tokens, key, value)
        )
        out = attend(query_heads, key_heads, value_heads, self._scale)
        return query.with_tokens(join_heads(out)).linear(self._part.affine("attn.proj"))


def sum_of(a: TokenMap, b: TokenMap) -> TokenMap:
    """Element by element, in the order of the first."""
    return a.with_tokens(ops.add(a.tokens, b.in_windows(a.window).tokens))
