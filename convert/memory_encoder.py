"""The memory encoder (sam2/modeling/memory_encoder.py) as an OpenVINO graph."""

from typing import Any

from openvino import Model

from convert import ops
from convert.ops import Affine, Tensor
from convert.weights import Weights


def build_memory_encoder(model: Any, weights: Weights) -> Model:
    """Graph: raw embedding [1, C, h, w] and, per object, low-resolution mask logits, score, mode.

    Gives ``memory`` [B, h·w, M], as ``SAM2Base._encode_new_memory`` does from masks at image size:
    upsampled, thresholded (``binarize`` 1) or squashed (0), scaled, encoded; a frame without the
    object is marked with ``no_obj_embed_spatial``.
    """
    channels, image_size = model.hidden_dim, model.image_size
    size = image_size // model.backbone_stride
    part = weights.at("memory_encoder")
    embedding = ops.parameter("embedding", [1, channels, size, size])
    mask_logits = ops.parameter("mask_logits", [-1, 1, 4 * size, 4 * size])
    binarize = ops.parameter("binarize", [-1])
    object_score = ops.parameter("object_score", [-1, 1])

    mask = _scaled_mask(mask_logits, binarize, model)
    image = ops.tokens_of_nchw(embedding, channels)
    x = ops.add(
        ops.linear(image, part.affine("pix_feat_proj")),
        _downsample(mask, image_size, model.memory_encoder.mask_downsampler, part),
    )
    for index, block in enumerate(model.memory_encoder.fuser.layers):
        x = _fuse(x, block, part.at("fuser.layers", index), size)
    memory = x
    if hasattr(model.memory_encoder.out_proj, "weight"):
        memory = ops.linear(x, part.affine("out_proj"))
    if model.no_obj_embed_spatial is not None:
        absent = ops.subtract(ops.constant(1.0), ops.greater(object_score, 0.0))
        embed = ops.constant(weights.tensor("no_obj_embed_spatial"))  # [1, M]
        memory = ops.add(memory, ops.multiply(ops.reshape(absent, -1, 1, 1), embed))
    return ops.model(
        "memory_encoder",
        inputs=[embedding, mask_logits, binarize, object_score],
        outputs={"memory": memory},
    )


def _scaled_mask(mask_logits: Tensor, binarize: Tensor, model: Any) -> Tensor:
    """What the encoder sees of low-resolution logits: [B, 1, S, S], 20 p - 10 as configured."""
    size = model.image_size
    logits = ops.reshape(ops.upsample_bilinear_nchw(mask_logits, size), 0, size * size)
    hard = ops.is_greater(ops.reshape(binarize, -1, 1), 0.5)
    mask = ops.choose(hard, ops.greater(logits, 0.0), ops.sigmoid(logits))
    mask = ops.multiply(mask, ops.constant(model.sigmoid_scale_for_mem_enc))
    mask = ops.add(mask, ops.constant(model.sigmoid_bias_for_mem_enc))
    return ops.reshape(mask, 0, 1, size, size)


def _downsample(mask: Tensor, size: int, module: Any, part: Weights) -> Tensor:
    """``MaskDownSampler``: [B, 1, S, S] to [B, h·w, C]."""
    encoder = part.at("mask_downsampler.encoder")
    *blocks, last = range(0, len(module.encoder), 3)  # (convolution, norm, GELU) …, 1×1
    steps = []
    for index in blocks:
        conv, norm = module.encoder[index], module.encoder[index + 1]
        kernel = encoder.kernel(str(index), conv.stride[0], conv.padding[0])
        steps.append((kernel, encoder.norm(str(index + 1), norm.eps)))
    return ops.linear(ops.downsample_nchw(mask, size, steps), encoder.affine(str(last)))


def _fuse(x: Tensor, block: Any, part: Weights, size: int) -> Tensor:
    """``CXBlock`` on [B, h·w, C], its layer scale folded into the last linear layer."""
    padding, channels = block.dwconv.padding[0], block.dwconv.out_channels
    y = ops.nchw_of_tokens(x, size, channels)
    y = ops.depthwise_conv_nchw(y, part.kernel("dwconv", padding=padding))
    y = ops.layer_norm(ops.tokens_of_nchw(y, channels), part.norm("norm", block.norm.eps))
    y = ops.gelu(ops.linear(y, part.affine("pwconv1")))
    last = part.affine("pwconv2")
    if block.gamma is not None:
        gamma = part.tensor("gamma")
        last = Affine(last.weight * gamma[:, None], last.bias * gamma)
    return ops.add(x, ops.linear(y, last))
