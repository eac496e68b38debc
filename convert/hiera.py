"""SAM 2's trunk and neck (sam2/modeling/backbones: Hiera, FpnNeck) as part of a graph."""

from typing import Final

from convert import ops
from convert.architecture import Architecture, Hiera
from convert.blocks import Block, TokenMap, sum_of
from convert.images import of_centred_image
from convert.ops import Tensor
from convert.positions import windowed_position
from convert.weights import Weights

_PATCH_STRIDE: Final = 4


def build_hiera(
    image: Tensor, trunk: Hiera, architecture: Architecture, weights: Weights
) -> tuple[Tensor, Tensor, Tensor]:
    """The embedding [1, C, h, w] and the maps at strides 4 and 8 of an image that is centred.

    Args:
        image: [1, S, S, 3], 0 to 255, its mean subtracted.
        trunk: of the architecture.
        architecture: whole.
        weights: of the whole model.
    """
    part = weights.at("image_encoder")
    maps = _Trunk(trunk, part.at("trunk"), architecture.image_size).build(image)
    return _neck(maps, part.at("neck"), architecture.hidden_dim, weights.at("sam_mask_decoder"))


def _neck(
    maps: list[TokenMap], part: Weights, channels: int, decoder: Weights
) -> tuple[Tensor, Tensor, Tensor]:
    """``FpnNeck``: maps [1, C, H, W] at stride 16, 4 and 8 from the maps of the four stages.

    Its 1×1 convolutions are linear maps; on the two finest levels, which have no top-down path,
    the decoder's convolution follows directly and both are one map. The coarsest level only feeds
    the one above it (``scalp``), by nearest-neighbour doubling: a broadcast addition.
    """
    finest, fine, middle, coarse = maps
    high_res_0 = finest.linear(part.affine("convs.3.conv").then(decoder.affine("conv_s0")))
    high_res_1 = fine.linear(part.affine("convs.2.conv").then(decoder.affine("conv_s1")))
    embedding = middle.linear(part.affine("convs.1.conv")).in_windows(middle.size)
    top_down = coarse.linear(part.affine("convs.0.conv")).in_windows(coarse.size)
    size = middle.size
    doubled = ops.add_doubled(
        ops.reshape(embedding.tokens, 1, size, size, channels),
        ops.reshape(top_down.tokens, 1, size // 2, size // 2, channels),
        size,
        channels,
    )
    return ops.to_nchw(doubled), high_res_0.to_nchw(), high_res_1.to_nchw()


class _Trunk:
    """``Hiera``: stages of windowed attention blocks, the map halved between stages."""

    def __init__(self, trunk: Hiera, part: Weights, image_size: int) -> None:
        self._trunk = trunk
        self._part = part
        self._size = image_size // _PATCH_STRIDE

    def build(self, image: Tensor) -> list[TokenMap]:
        """The output of each stage, finest first."""
        patches, position = self._embed_patches(image), windowed_position(self._part, self._size)
        dim, window = self._trunk.embed_dim, self._trunk.windows[0]
        # Added in the order of the first windows: at rank 4 the plugin would store channels first.
        feature_map, offset = (
            TokenMap(ops.reshape(x, 1, -1, dim), self._size, self._size, dim).in_windows(window)
            for x in (patches, position)
        )
        feature_map, maps = sum_of(feature_map, offset), []
        ends = self._trunk.stage_ends
        for index, block in enumerate(self._trunk.blocks()):
            late = index > ends[1] + 1  # a stage's first block has other windows
            feature_map = Block(block, self._part.at("blocks", index), late).build(feature_map)
            if index in ends:
                maps.append(feature_map)
        return maps

    def _embed_patches(self, image: Tensor) -> Tensor:
        kernel = of_centred_image(self._part.kernel("patch_embed.proj", _PATCH_STRIDE, padding=3))
        return ops.from_nchw(ops.conv_nchw(ops.to_nchw(image), kernel))
