"""EfficientTAM's trunk and neck (backbones/vitdet.py, ViTDetNeck) as part of a graph."""

from typing import Final

from convert import ops
from convert.architecture import EMBEDDING_STRIDE, Architecture, PlainViT
from convert.blocks import Block, TokenMap
from convert.images import of_centred_image
from convert.ops import Tensor
from convert.positions import resized_position
from convert.weights import Weights

_NORM_2D_EPS: Final = 1e-6


def build_plain_vit(
    image: Tensor, trunk: PlainViT, architecture: Architecture, weights: Weights
) -> Tensor:
    """The embedding [1, C, h, w] of an image [1, S, S, 3], 0 to 255, its mean subtracted."""
    part = weights.at("image_encoder")
    size = architecture.embedding_size
    feature_map = _embed_patches(image, trunk, part.at("trunk"), size)
    for index, block in enumerate(trunk.blocks()):
        # Windows of 14 divide the map at few image sizes: they are treated alike at all.
        block_part = part.at("trunk.blocks", index)
        feature_map = Block(block, block_part, late=True).build(feature_map)
    return _neck(feature_map, part.at("neck.convs.0"), size, architecture.hidden_dim)


def _embed_patches(image: Tensor, trunk: PlainViT, part: Weights, size: int) -> TokenMap:
    kernel = of_centred_image(part.kernel("patch_embed.proj", EMBEDDING_STRIDE))
    patches = ops.from_nchw(ops.conv_nchw(ops.to_nchw(image), kernel))
    grid = trunk.pretrained_grid
    position = part.tensor("pos_embed")[0, 1:].reshape(grid, grid, trunk.dim)  # no class token
    tokens = ops.add(patches, ops.reshape(resized_position(position, size), 1, size, size, -1))
    return TokenMap(ops.reshape(tokens, 1, -1, trunk.dim), size, size, trunk.dim)


def _neck(x: TokenMap, part: Weights, size: int, channels: int) -> Tensor:
    """A 1×1 and a 3×3 convolution, each normalised over channels."""
    tokens = ops.project(x.in_windows(size).tokens, part.matrix("conv_1x1"))
    tokens = ops.layer_norm(tokens, part.norm("norm_0", _NORM_2D_EPS))
    kernel = part.kernel("conv_3x3", padding=1, bias=False)
    square = ops.conv_nchw(ops.nchw_of_tokens(tokens, size, channels), kernel)
    tokens = ops.tokens_of_nchw(square, channels)
    tokens = ops.layer_norm(tokens, part.norm("norm_1", _NORM_2D_EPS))
    return ops.nchw_of_tokens(tokens, size, channels)
