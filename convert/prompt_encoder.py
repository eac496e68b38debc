"""The prompt encoder (sam2/modeling/sam/prompt_encoder.py) as an OpenVINO graph."""

import numpy as np
from openvino import Model

from convert import ops
from convert.architecture import Architecture
from convert.ops import Tensor
from convert.positions import fourier_position
from convert.weights import Weights

_NORM_EPS = 1e-6


def build_prompt_encoder(architecture: Architecture, weights: Weights) -> Model:
    """Graph: points [B, P, 2] in model pixels, labels, mask logits [B, 1, 4h, 4w], has_mask [B].

    Gives ``sparse`` [B, P + 1, C] (upstream appends a padding point when there is no box argument,
    and its video predictor never gives one: boxes are points labelled 2 and 3) and ``dense``
    [B, C, h, w].
    """
    part = weights.at("sam_prompt_encoder")
    low_res = architecture.low_res_size
    points = ops.parameter("points", [-1, -1, 2])
    labels = ops.parameter("labels", [-1, -1], np.int32)
    mask_logits = ops.parameter("mask_logits", [-1, 1, low_res, low_res])
    has_mask = ops.parameter("has_mask", [-1])
    sparse = _embed_points(points, labels, part, architecture.image_size)
    dense = _embed_mask(mask_logits, has_mask, part, low_res)
    return ops.model(
        "prompt_encoder",
        inputs=[points, labels, mask_logits, has_mask],
        outputs={"sparse": sparse, "dense": dense},
    )


def _embed_points(points: Tensor, labels: Tensor, part: Weights, image_size: int) -> Tensor:
    points = ops.pad(points, [0, 1, 0])
    labels = ops.pad(labels, [0, 1], value=-1)
    frequencies = part.tensor("pe_layer.positional_encoding_gaussian_matrix")
    centers = ops.add(points, ops.constant(0.5))
    position = fourier_position(centers, frequencies, image_size)
    table = np.concatenate(
        [part.tensor("not_a_point_embed.weight")]
        + [part.tensor(f"point_embeddings.{label}.weight") for label in range(4)]
    )
    kind = ops.rows_of(table, ops.add(labels, ops.int32(1)))
    is_point = ops.reshape(ops.greater(ops.as_f32(labels), -0.5), 0, 0, 1)
    return ops.add(ops.multiply(position, is_point), kind)


def _embed_mask(mask_logits: Tensor, has_mask: Tensor, part: Weights, low_res: int) -> Tensor:
    down = part.at("mask_downscaling")  # (convolution, norm, GELU) twice, 1×1
    steps = [
        (down.kernel(str(index), stride=2), down.norm(str(index + 1), _NORM_EPS))
        for index in (0, 3)
    ]
    affine = down.affine("6")
    tokens = ops.linear(ops.downsample_nchw(mask_logits, low_res, steps), affine)
    embedded = ops.nchw_of_tokens(tokens, low_res // 4, len(affine.bias))
    no_mask = ops.constant(part.tensor("no_mask_embed.weight").reshape(1, -1, 1, 1))
    present = ops.is_greater(ops.reshape(has_mask, -1, 1, 1, 1), 0.5)
    return ops.choose(present, embedded, no_mask)
