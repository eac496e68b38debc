"""The memory encoder (sam2/modeling/memory_encoder.py) as an OpenVINO graph."""

from typing import Final

from openvino import Model

from convert import ops
from convert.architecture import Architecture
from convert.ops import Affine, Tensor
from convert.perceiver import resample
from convert.weights import Weights

_NORM_EPS: Final = 1e-6


def build_memory_encoder(architecture: Architecture, weights: Weights) -> Model:
    """Graph: raw embedding [1, C, h, w] and, per object, low-resolution mask logits, score, mode.

    Gives ``memory`` [B, T, M], T = h·w where nothing resamples it, as
    ``SAM2Base._encode_new_memory`` does from masks at image size: upsampled, thresholded
    (``binarize`` 1) or squashed (0), scaled, encoded; a frame without the object is marked where
    the model has an embedding for that.
    """
    channels, image_size = architecture.hidden_dim, architecture.image_size
    size, numbers = architecture.embedding_size, architecture.memory_encoder
    part = weights.at("memory_encoder")
    embedding = ops.parameter("embedding", [1, channels, size, size])
    mask_logits = ops.parameter("mask_logits", [-1, 1, 4 * size, 4 * size])
    binarize = ops.parameter("binarize", [-1])
    object_score = ops.parameter("object_score", [-1, 1])

    mask = _scaled_mask(mask_logits, binarize, architecture)
    image = ops.tokens_of_nchw(embedding, channels)
    x = ops.add(
        ops.linear(image, part.affine("pix_feat_proj")),
        _downsample(mask, image_size, part),
    )
    for index in range(numbers.fuser_layers):
        x = _fuse(x, numbers.layer_scale, part.at("fuser.layers", index), size)
    memory = x
    if architecture.mem_dim != channels:
        memory = ops.linear(x, part.affine("out_proj"))
    if numbers.marks_absence:
        absent = ops.subtract(ops.constant(1.0), ops.greater(object_score, 0.0))
        embed = ops.constant(weights.tensor("no_obj_embed_spatial"))  # [1, M]
        memory = ops.add(memory, ops.multiply(ops.reshape(absent, -1, 1, 1), embed))
    if numbers.perceiver is not None:
        memory = resample(memory, numbers.perceiver, size, weights.at("spatial_perceiver"))
    return ops.model(
        "memory_encoder",
        inputs=[embedding, mask_logits, binarize, object_score],
        outputs={"memory": memory},
    )


def _scaled_mask(mask_logits: Tensor, binarize: Tensor, architecture: Architecture) -> Tensor:
    """What the encoder sees of low-resolution logits: [B, 1, S, S], 20 p - 10 as configured."""
    size, numbers = architecture.image_size, architecture.memory_encoder
    logits = ops.reshape(ops.upsample_bilinear_nchw(mask_logits, size), 0, size * size)
    hard = ops.is_greater(ops.reshape(binarize, -1, 1), 0.5)
    mask = ops.choose(hard, ops.greater(logits, 0.0), ops.sigmoid(logits))
    mask = ops.multiply(mask, ops.constant(numbers.sigmoid_scale))
    mask = ops.add(mask, ops.constant(numbers.sigmoid_bias))
    return ops.reshape(mask, 0, 1, size, size)


def _downsample(mask: Tensor, size: int, part: Weights) -> Tensor:
    """``MaskDownSampler``: [B, 1, S, S] to [B, h·w, C]."""
    encoder = part.at("mask_downsampler.encoder")  # (convolution, norm, GELU) four times, 1×1
    steps = [
        (
            encoder.kernel(str(index), stride=2, padding=1),
            encoder.norm(str(index + 1), _NORM_EPS),
        )
        for index in range(0, 12, 3)
    ]
    return ops.linear(ops.downsample_nchw(mask, size, steps), encoder.affine("12"))


def _fuse(x: Tensor, layer_scale: bool, part: Weights, size: int) -> Tensor:
    """``CXBlock`` on [B, h·w, C], its layer scale folded into the last linear layer."""
    kernel = part.kernel("dwconv", padding=3)
    channels = len(kernel.bias)
    y = ops.depthwise_conv_nchw(ops.nchw_of_tokens(x, size, channels), kernel)
    y = ops.layer_norm(ops.tokens_of_nchw(y, channels), part.norm("norm", _NORM_EPS))
    y = ops.gelu(ops.linear(y, part.affine("pwconv1")))
    last = part.affine("pwconv2")
    if layer_scale:
        gamma = part.tensor("gamma")
        last = Affine(last.weight * gamma[:, None], last.bias * gamma)
    return ops.add(x, ops.linear(y, last))
