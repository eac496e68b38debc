"""The image encoder as an OpenVINO graph: the trunk and neck of the architecture."""

import numpy as np
from openvino import Model

from convert import ops
from convert.architecture import Architecture, Hiera, RepViT
from convert.hiera import build_hiera
from convert.images import centred
from convert.ops import Tensor
from convert.plain_vit import build_plain_vit
from convert.repvit import build_repvit
from convert.weights import Weights


def build_image_encoder(architecture: Architecture, weights: Weights) -> Model:
    """Graph: ``image`` uint8 [1, S, S, 3] RGB to ``embedding`` and high-resolution maps.

    ``embedding`` [1, C, h, w] is raw (without ``no_mem_embed``). Where the mask decoder sees finer
    maps, ``high_res_0`` [1, C/8, 4h, 4w] and ``high_res_1`` [1, C/4, 2h, 2w] have passed its
    ``conv_s0`` and ``conv_s1``, as in ``SAM2Base.forward_image``.
    """
    side = architecture.image_size
    image = ops.parameter("image", [1, side, side, 3], np.uint8)
    trunk, pixels = architecture.trunk, centred(image)
    high_res: list[Tensor] = []
    if isinstance(trunk, Hiera):
        embedding, *high_res = build_hiera(pixels, trunk, architecture, weights)
    elif isinstance(trunk, RepViT):
        embedding, *high_res = build_repvit(pixels, trunk, side, weights)
    else:
        embedding = build_plain_vit(pixels, trunk, architecture, weights)
    outputs = {"embedding": embedding}
    outputs |= {f"high_res_{level}": each for level, each in enumerate(high_res)}
    return ops.model("image_encoder", inputs=[image], outputs=outputs)
