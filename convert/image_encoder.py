"""The image encoder (sam2/modeling/backbones: Hiera trunk and FPN neck) as an OpenVINO graph."""

import math
from typing import Any

import numpy as np
from openvino import Model

from convert import ops
from convert.attention import attend, join_heads, split_heads
from convert.ops import Kernel, Tensor
from convert.positions import windowed_position
from convert.weights import Weights

_IMAGE_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGE_STD = np.array([0.229, 0.224, 0.225], np.float32)
_PATCH_STRIDE = 4


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
            "embedding": ops.to_nchw(embedding),
            "high_res_0": ops.to_nchw(high_res_0),
            "high_res_1": ops.to_nchw(high_res_1),
        },
    )


def _neck(
    maps: list[Tensor], part: Weights, model: Any, weights: Weights
) -> tuple[Tensor, Tensor, Tensor]:
    """``FpnNeck``: maps at stride 4, 8 and 16 from the four stages' maps, channels last.

    Its 1×1 convolutions are linear maps; on the two finest levels, which have no top-down path,
    the decoder's convolution follows directly and both are one map. The coarsest level only feeds
    the one above it (``scalp``), by nearest-neighbour doubling: a broadcast addition.
    """
    decoder = weights.at("sam_mask_decoder")
    finest, fine, middle, coarse = maps
    high_res_0 = ops.linear(finest, part.affine("convs.3.conv").then(decoder.affine("conv_s0")))
    high_res_1 = ops.linear(fine, part.affine("convs.2.conv").then(decoder.affine("conv_s1")))
    top_down = ops.linear(coarse, part.affine("convs.0.conv"))  # [1, h/2, w/2, C]
    lateral = ops.linear(middle, part.affine("convs.1.conv"))  # [1, h, w, C]
    size = model.image_size // model.backbone_stride
    return high_res_0, high_res_1, ops.add_doubled(lateral, top_down, size, model.hidden_dim)


class _Trunk:
    """``Hiera``: stages of windowed attention blocks, the map halved between stages."""

    def __init__(self, module: Any, part: Weights, image_size: int) -> None:
        self._module = module
        self._part = part
        self._size = image_size // _PATCH_STRIDE

    def build(self, image: Tensor) -> list[Tensor]:
        """The output of each stage, finest first, [1, H, W, C]."""
        position = windowed_position(self._part, self._size)
        x = ops.add(self._embed_patches(image), position)
        size, maps = self._size, []
        for index, block in enumerate(self._module.blocks):
            x = _Block(block, self._part.at("blocks", index), size).build(x)
            size = size // 2 if block.q_stride else size
            if index in self._module.stage_ends:
                maps.append(x)
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
    """``MultiScaleBlock`` on a square map of ``size``."""

    def __init__(self, module: Any, part: Weights, size: int) -> None:
        self._module = module
        self._part = part
        self._size = size

    def build(self, x: Tensor) -> Tensor:
        """Update the map x [1, size, size, C]; it is halved where the block pools its queries."""
        module, part = self._module, self._part
        normed = ops.layer_norm(x, part.norm("norm1", module.norm1.eps))
        shortcut = x
        if module.dim != module.dim_out:
            shortcut = ops.linear(normed, part.affine("proj"))
            if module.q_stride:
                shortcut = ops.max_pool_2x2(shortcut)
        x = ops.add(shortcut, self._attention(normed))
        normed = ops.layer_norm(x, part.norm("norm2", module.norm2.eps))
        first, second = part.at("mlp").mlp(2)
        return ops.add(x, ops.linear(ops.gelu(ops.linear(normed, first)), second))

    def _attention(self, x: Tensor) -> Tensor:
        """Attention inside windows, or over the whole map where the window size is 0."""
        module, part = self._module, self._part.at("attn")
        heads, channels = module.attn.num_heads, module.dim_out
        window = module.window_size or self._size
        padded = math.ceil(self._size / window) * window
        if padded > self._size:
            x = ops.pad(x, [0, padded - self._size, padded - self._size, 0])
        x = _split_windows(x, padded, window, module.dim)

        qkv = part.affine("qkv")
        query, key, value = (
            ops.linear(x, qkv.rows(index * channels, (index + 1) * channels)) for index in range(3)
        )
        size = self._size
        if module.q_stride:
            query = ops.reshape(query, 0, window, window, channels)
            query = ops.reshape(ops.max_pool_2x2(query), 0, -1, channels)
            window, padded, size = window // 2, padded // 2, size // 2
        query = ops.multiply(query, ops.constant(1 / math.sqrt(channels // heads)))
        out = attend(*(split_heads(part_, heads) for part_ in (query, key, value)))
        out = ops.linear(join_heads(out), part.affine("proj"))
        out = _join_windows(out, padded, window, channels)
        if padded > size:
            out = ops.take(ops.take(out, 0, size, axis=1), 0, size, axis=2)
        return out


def _split_windows(x: Tensor, size: int, window: int, channels: int) -> Tensor:
    """[1, size, size, C] to [windows, window², C]."""
    count = size // window
    if count > 1:
        x = ops.reshape(x, count, window, count, window, channels)
        x = ops.transpose(x, 0, 2, 1, 3, 4)
    return ops.reshape(x, count * count, window * window, channels)


def _join_windows(x: Tensor, size: int, window: int, channels: int) -> Tensor:
    """[windows, window², C] to [1, size, size, C]."""
    count = size // window
    if count > 1:
        x = ops.reshape(x, count, count, window, window, channels)
        x = ops.transpose(x, 0, 2, 1, 3, 4)
    return ops.reshape(x, 1, size, size, channels)
