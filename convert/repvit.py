"""EdgeTAM's trunk (timm's RepViT, as backbones/timm.py uses it) and SAM 2's neck on it.

In inference a convolution and the batch normalisation after it are one convolution, and so are the
three branches of a token mixer, a 3×3, a 1×1 and the identity, each channel by itself. Products
are taken in float64.
"""

from typing import Final

import numpy as np

from convert import ops
from convert.architecture import RepViT
from convert.images import of_centred_image
from convert.ops import Kernel, Tensor
from convert.weights import Weights
from sam2ov.errors import CheckpointError

_BATCH_NORM_EPS: Final = 1e-5


def build_repvit(
    image: Tensor, trunk: RepViT, image_size: int, weights: Weights
) -> tuple[Tensor, Tensor, Tensor]:
    """The embedding [1, C, h, w] and the maps at strides 4 and 8 of an image that is centred.

    Args:
        image: [1, S, S, 3], 0 to 255, its mean subtracted.
        trunk: its numbers.
        image_size: S.
        weights: of the whole model.
    """
    part = weights.at("image_encoder.trunk.body")
    first = of_centred_image(_convolution(part.at("stem.conv1"), stride=2, padding=1))
    x = ops.gelu(ops.conv_nchw(ops.to_nchw(image), first))
    x = ops.conv_nchw(x, _convolution(part.at("stem.conv2"), stride=2, padding=1))
    maps = []
    for stage, depth in enumerate(trunk.depths):
        stage_part = part.at(f"stages_{stage}")
        if stage:
            x = _downsample(x, stage_part.at("downsample"))
        for index in range(depth):
            x = _block(x, stage_part.at("blocks", index), squeezes=index % 2 == 0)
        maps.append(x)
    return _neck(maps, image_size, weights)


def _convolution(part: Weights, stride: int = 1, padding: int = 0) -> Kernel:
    """``ConvNorm``: a convolution without bias and a batch normalisation, as one."""
    norm = part.at("bn")
    variance = norm.tensor("running_var").astype(np.float64)
    if variance.min() < 0:
        raise CheckpointError(
            f"The checkpoint is damaged: {norm.key('running_var')} has negative variances. "
            "Download or copy it again."
        )
    spread = np.sqrt(variance + _BATCH_NORM_EPS)
    scale = norm.tensor("weight") / spread
    weight = part.tensor("c.weight") * scale[:, None, None, None]
    bias = norm.tensor("bias") - norm.tensor("running_mean") * scale
    return Kernel(weight.astype(np.float32), bias.astype(np.float32), stride, padding)


def _mixing(part: Weights) -> Kernel:
    """``RepVggDw``: three branches as one 3×3 convolution of each channel."""
    wide, narrow = _convolution(part.at("conv")), _convolution(part.at("conv1"))
    weight = wide.weight.copy()
    weight[:, :, 1, 1] += narrow.weight[:, :, 0, 0] + 1
    return Kernel(weight, wide.bias + narrow.bias, padding=1)


def _block(x: Tensor, part: Weights, squeezes: bool) -> Tensor:
    """``RepViTBlock``: tokens are mixed, perhaps channels weighed, then channels mixed."""
    x = ops.depthwise_conv_nchw(x, _mixing(part.at("token_mixer")))
    if squeezes:
        x = ops.multiply(x, _channel_weights(x, part.at("se")))
    return _feed_forward(x, part.at("channel_mixer"))


def _channel_weights(x: Tensor, part: Weights) -> Tensor:
    """``SqueezeExcite``: [1, C, 1, 1], 0 to 1."""
    hidden = ops.relu(ops.conv_nchw(ops.mean_of_map(x), part.kernel("fc1")))
    return ops.sigmoid(ops.conv_nchw(hidden, part.kernel("fc2")))


def _feed_forward(x: Tensor, part: Weights) -> Tensor:
    hidden = ops.gelu(ops.conv_nchw(x, _convolution(part.at("conv1"))))
    return ops.add(x, ops.conv_nchw(hidden, _convolution(part.at("conv2"))))


def _downsample(x: Tensor, part: Weights) -> Tensor:
    """``RepVitDownsample``: half the map, twice the channels."""
    x = _block(x, part.at("pre_block"), squeezes=False)
    spatial = _convolution(part.at("spatial_downsample"), stride=2, padding=1)
    x = ops.depthwise_conv_nchw(x, spatial)
    x = ops.conv_nchw(x, _convolution(part.at("channel_downsample")))
    return _feed_forward(x, part.at("ffn"))


def _neck(maps: list[Tensor], image_size: int, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """``FpnNeck`` as in ``convert.hiera``, on maps with channels first."""
    part, decoder = weights.at("image_encoder.neck"), weights.at("sam_mask_decoder")
    finest, fine, middle, coarse = maps
    to_high_res_0 = part.affine("convs.3.conv").then(decoder.affine("conv_s0"))
    to_high_res_1 = part.affine("convs.2.conv").then(decoder.affine("conv_s1"))
    embedding = ops.linear_nchw(middle, part.affine("convs.1.conv"))
    top_down = ops.linear_nchw(coarse, part.affine("convs.0.conv"))
    doubled = ops.upsample_nearest_nchw(top_down, image_size // 16)
    return (
        ops.add(embedding, doubled),
        ops.linear_nchw(finest, to_high_res_0),
        ops.linear_nchw(fine, to_high_res_1),
    )
