"""The image encoder (sam2/modeling/backbones: Hiera trunk and FPN neck) as an OpenVINO graph."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from openvino import Model

from convert import ops
from convert.attention import attend, attend_few, join_heads, split_heads
from convert.ops import Affine, Kernel, Norm, Tensor
from convert.positions import windowed_position
from convert.weights import Weights

_IMAGE_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGE_STD = np.array([0.229, 0.224, 0.225], np.float32)
_PATCH_STRIDE = 4


@dataclass(frozen=True, eq=False)
class _Map:
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

    def with_tokens(self, tokens: Tensor) -> "_Map":
        """Other values in the same order."""
        return replace(self, tokens=tokens)

    def linear(self, affine: Affine) -> "_Map":
        """Each token through an affine map."""
        tokens = ops.linear(self.tokens, affine)
        return replace(self, tokens=tokens, channels=len(affine.bias))

    def pooled(self) -> "_Map":
        """Maximum over 2×2 blocks; windows are halved."""
        half = self.window // 2
        # MaxPool works on [B, C, H, W] and takes two transpositions that cost more than it does.
        blocks = ops.reshape(self.tokens, -1, 2, half, 2, self.channels)
        corners = ops.reshape(ops.transpose(blocks, 1, 3, 0, 2, 4), 4, -1, self.channels)
        a, b, c, d = ops.split(corners, 4, axis=0)
        highest = ops.maximum(ops.maximum(a, b), ops.maximum(c, d))
        tokens = ops.reshape(highest, 1, -1, self.channels)
        return replace(self, tokens=tokens, size=self.size // 2, window=half)

    def in_windows(self, window: int) -> "_Map":
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

    def padded(self, window: int) -> "_Map":
        """The whole map with zeros at the right and bottom, up to a multiple of ``window``."""
        more = -self.size % window
        if more == 0:
            return self
        size = self.size + more
        square = ops.reshape(self.in_windows(self.size).tokens, 1, self.size, self.size, -1)
        tokens = ops.reshape(ops.pad(square, [0, more, more, 0]), 1, -1, self.channels)
        return replace(self, tokens=tokens, size=size, window=size)

    def cropped(self, size: int) -> "_Map":
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


def build_image_encoder(model: Any, weights: Weights) -> Model:
    """Graph: ``image`` uint8 [1, S, S, 3] RGB to ``embedding`` and two high-resolution maps.

    ``embedding`` [1, C, h, w] is raw (without ``no_mem_embed``); ``high_res_0`` [1, C/8, 4h, 4w]
    and ``high_res_1`` [1, C/4, 2h, 2w] have passed the mask decoder's ``conv_s0`` and ``conv_s1``,
    as in ``SAM2Base.forward_image``.
    """
    image = ops.parameter("image", [1, model.image_size, model.image_size, 3], np.uint8)
    trunk, part = model.image_encoder.trunk, weights.at("image_encoder")
    maps = _Trunk(trunk, part.at("trunk"), model.image_size).build(image)
    high_res_0, high_res_1, embedding = _neck(maps, part.at("neck"), model, weights)
    return ops.model(
        "image_encoder",
        inputs=[image],
        outputs={
            "embedding": embedding,
            "high_res_0": high_res_0,
            "high_res_1": high_res_1,
        },
    )


def _neck(
    maps: list[_Map], part: Weights, model: Any, weights: Weights
) -> tuple[Tensor, Tensor, Tensor]:
    """``FpnNeck``: maps [1, C, H, W] at stride 4, 8 and 16 from the maps of the four stages.

    Its 1×1 convolutions are linear maps; on the two finest levels, which have no top-down path,
    the decoder's convolution follows directly and both are one map. The coarsest level only feeds
    the one above it (``scalp``), by nearest-neighbour doubling: a broadcast addition.
    """
    decoder = weights.at("sam_mask_decoder")
    finest, fine, middle, coarse = maps
    high_res_0 = finest.linear(part.affine("convs.3.conv").then(decoder.affine("conv_s0")))
    high_res_1 = fine.linear(part.affine("convs.2.conv").then(decoder.affine("conv_s1")))
    embedding = middle.linear(part.affine("convs.1.conv")).in_windows(middle.size)
    top_down = coarse.linear(part.affine("convs.0.conv")).in_windows(coarse.size)
    size, channels = middle.size, model.hidden_dim
    doubled = ops.add_doubled(
        ops.reshape(embedding.tokens, 1, size, size, channels),
        ops.reshape(top_down.tokens, 1, size // 2, size // 2, channels),
        size,
        channels,
    )
    return high_res_0.to_nchw(), high_res_1.to_nchw(), ops.to_nchw(doubled)


@dataclass(frozen=True, eq=False)
class _Normed:
    """A map after layer normalisation whose scale and shift the next linear layer takes over.

    Attributes:
        normed: mean 0 and variance 1 where there is a ``norm`` to take over.
        norm: None where scale and shift are applied already.
    """

    normed: _Map
    norm: Norm | None

    def linear(self, affine: Affine) -> _Map:
        """Each token through scale, shift and an affine map."""
        if self.norm is not None:
            affine = affine.after_scale(self.norm.weight, self.norm.bias)
        return self.normed.linear(affine)


class _Trunk:
    """``Hiera``: stages of windowed attention blocks, the map halved between stages."""

    def __init__(self, module: Any, part: Weights, image_size: int) -> None:
        self._module = module
        self._part = part
        self._size = image_size // _PATCH_STRIDE

    def build(self, image: Tensor) -> list[_Map]:
        """The output of each stage, finest first."""
        patches, position = self._embed_patches(image), windowed_position(self._part, self._size)
        first = self._module.blocks[0]
        # Added in the order of the first windows: at rank 4 the plugin would store channels first.
        feature_map, offset = (
            _Map(ops.reshape(x, 1, -1, first.dim), self._size, self._size, first.dim).in_windows(
                first.window_size
            )
            for x in (patches, position)
        )
        feature_map, maps = _sum(feature_map, offset), []
        for index, block in enumerate(self._module.blocks):
            late = index > self._module.stage_ends[1] + 1  # a stage's first block has other windows
            feature_map = _Block(block, self._part.at("blocks", index), late).build(feature_map)
            if index in self._module.stage_ends:
                maps.append(feature_map)
        return maps

    def _embed_patches(self, image: Tensor) -> Tensor:
        """Normalise and convolve: (x/255 - mean)/std, the divisions moved into the kernel.

        The subtraction stays outside, since the convolution pads with zeros after it.
        """
        kernel = self._part.kernel(
            "patch_embed.proj", _PATCH_STRIDE, self._module.patch_embed.proj.padding[0]
        )
        scale = (255.0 * _IMAGE_STD)[None, :, None, None]
        kernel = Kernel(kernel.weight / scale, kernel.bias, kernel.stride, kernel.padding)
        centered = ops.subtract(ops.as_f32(image), ops.constant(255.0 * _IMAGE_MEAN))
        return ops.from_nchw(ops.conv_nchw(ops.to_nchw(centered), kernel))


class _Block:
    """``MultiScaleBlock``: attention, inside windows or over the whole map, and an MLP.

    Args:
        module: upstream's.
        part: its weights.
        late: its windows are those of the last two stages, which divide the map at few image sizes.
    """

    def __init__(self, module: Any, part: Weights, late: bool) -> None:
        self._module = module
        self._part = part
        self._late = late
        self._scale = 1 / math.sqrt(module.dim_out // module.attn.num_heads)

    def build(self, x: _Map) -> _Map:
        """The next map; halved where the block pools its queries."""
        module, part = self._module, self._part
        window = module.window_size
        pads = bool(window) and x.size % window > 0
        if window:
            x = x.in_windows(x.size if pads else window)
        norm = part.norm("norm1", module.norm1.eps)
        if pads or (window and self._late):
            # Zeros are appended after the norm, so its scale and shift cannot wait; nor do they
            # where none are needed, so that the weights are the same at every image size.
            normed = _Normed(x.with_tokens(ops.layer_norm(x.tokens, norm)), None)
        else:
            normed = _Normed(x.with_tokens(ops.normalize(x.tokens, norm.eps)), norm)
        shortcut = x
        if module.dim != module.dim_out:
            shortcut = normed.linear(part.affine("proj"))
            if module.q_stride:
                shortcut = shortcut.pooled()
        attended = self._attend_windows(normed) if window else self._attend_everywhere(normed)
        x = _sum(shortcut, attended)

        norm = part.norm("norm2", module.norm2.eps)
        normed = _Normed(x.with_tokens(ops.normalize(x.tokens, norm.eps)), norm)
        first, second = part.at("mlp").mlp(2)
        hidden = normed.linear(first)
        return _sum(x, hidden.with_tokens(ops.gelu(hidden.tokens)).linear(second))

    def _query_key_value(self, x: _Normed) -> tuple[_Map, Tensor, Tensor]:
        """The three projections. One for all would need a split, which runs as slow code."""
        qkv, channels = self._part.affine("attn.qkv"), self._module.dim_out
        query, key, value = (
            qkv.rows(index * channels, (index + 1) * channels) for index in range(3)
        )
        return x.linear(query), x.linear(key).tokens, x.linear(value).tokens

    def _attend_windows(self, x: _Normed) -> _Map:
        heads, channels = self._module.attn.num_heads, self._module.dim_out
        size, window = x.normed.size, self._module.window_size
        # A window that does not divide the map: zeros join in, as keys with the bias alone.
        x = replace(x, normed=x.normed.padded(window).in_windows(window))
        query, key, value = self._query_key_value(x)
        if self._module.q_stride:
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

    def _attend_everywhere(self, x: _Normed) -> _Map:
        heads = self._module.attn.num_heads
        query, key, value = self._query_key_value(x)
        query_heads, key_heads, value_heads = (
            split_heads(tokens, heads) for tokens in (query.tokens, key, value)
        )
        out = attend(query_heads, key_heads, value_heads, self._scale)
        return query.with_tokens(join_heads(out)).linear(self._part.affine("attn.proj"))


def _sum(a: _Map, b: _Map) -> _Map:
    """Element by element, in the order of the first."""
    return a.with_tokens(ops.add(a.tokens, b.in_windows(a.window).tokens))
