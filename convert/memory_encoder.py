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

    logits = ops.upsample_bilinear_nchw(mask_logits, image_size)
    hard = ops.greater(logits, 0.0)
    soft = ops.sigmoid(logits)
    choice = ops.reshape(binarize, -1, 1, 1, 1)
    mask = ops.add(soft, ops.multiply(choice, ops.subtract(hard, soft)))
    mask = ops.multiply(mask, ops.constant(model.sigmoid_scale_for_mem_enc))
    mask = ops.add(mask, ops.constant(model.sigmoid_bias_for_mem_enc))

    image = ops.linear(ops.from_nchw(embedding), part.affine("pix_feat_proj"))
    x = ops.add(image, _downsample(mask, model.memory_encoder.mask_downsampler, part))
    for index, block in enumerate(model.memory_encoder.fuser.layers):
        x = _fuse(x, block, part.at("fuser.layers", index))
    if hasattr(model.memory_encoder.out_proj, "weight"):
        x = ops.linear(x, part.affine("out_proj"))
    memory = ops.reshape(x, 0, -1, model.mem_dim)
    if model.no_obj_embed_spatial is not None:
        absent = ops.subtract(ops.constant(1.0), ops.greater(object_score, 0.0))
        embed = ops.constant(weights.tensor("no_obj_embed_spatial"))  # [1, M]
        memory = ops.add(memory, ops.multiply(ops.reshape(absent, -1, 1, 1), embed))
    return ops.model(
        "memory_encoder",
        inputs=[embedding, mask_logits, binarize, object_score],
        outputs={"memory": memory},
    )


def _downsample(mask: Tensor, module: Any, part: Weights) -> Tensor:
    """``MaskDownSampler``: [B, 1, S, S] to [B, h, w, C]."""
    encoder = part.at("mask_downsampler.encoder")
    *blocks, last = range(0, len(module.encoder), 3)  # (convolution, norm, GELU) …, 1×1
    x = mask
    for index in blocks:
        conv = module.encoder[index]
        x = ops.conv_nchw(x, encoder.kernel(str(index), conv.stride[0], conv.padding[0]))
        norm = encoder.norm(str(index + 1), module.encoder[index + 1].eps)
        x = ops.to_nchw(ops.gelu(ops.layer_norm(ops.from_nchw(x), norm)))
    return ops.linear(ops.from_nchw(x), encoder.affine(str(last)))


def _fuse(x: Tensor, block: Any, part: Weights) -> Tensor:
    """``CXBlock`` on a [B, h, w, C] map, its layer scale folded into the last linear layer."""
    padding = block.dwconv.padding[0]
    y = ops.depthwise_conv_nchw(ops.to_nchw(x), part.kernel("dwconv", padding=padding))
    y = ops.layer_norm(ops.from_nchw(y), part.norm("norm", block.norm.eps))
    y = ops.gelu(ops.linear(y, part.affine("pwconv1")))
    last = part.affine("pwconv2")
    if block.gamma is not None:
        gamma = part.tensor("gamma")
        last = Affine(last.weight * gamma[:, None], last.bias * gamma)
    return ops.add(x, ops.linear(y, last))
