"""Begin with the weights of a smaller model: what is new adds nothing at first.

A deeper trunk keeps the blocks of the smaller one in order, and the blocks between them start as
the identity: what they would add is multiplied by zero weights. So the larger model gives the same
masks at first, and its new blocks learn from the first step on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

BLOCK = re.compile(r"(image_encoder\.trunk\.blocks\.)(\d+)(\..*)")


@torch.no_grad()
def load_smaller(
    model: SAM2Base, weights: Mapping[str, Tensor], blocks: tuple[int, ...] | None = None
) -> None:
    """Load `weights` into `model`; block `i` of theirs becomes the block `blocks[i]` of ours.

    Without `blocks` both have the same. Raises ValueError when anything but blocks of the trunk
    stays without weights, or differs in shape.
    """
    moved = {_moved(name, blocks): tensor for name, tensor in weights.items()}
    own = model.state_dict()
    missing = own.keys() - moved.keys()
    strange = {name for name in missing if not BLOCK.fullmatch(name)} | (moved.keys() - own.keys())
    shapes = {name for name in own.keys() & moved.keys() if own[name].shape != moved[name].shape}
    if strange or shapes:
        raise ValueError(f"the smaller model does not fit: {sorted(strange | shapes)[:4]}")
    for index, block in enumerate(model.image_encoder.trunk.blocks):
        if f"image_encoder.trunk.blocks.{index}.attn.proj.weight" in missing:
            for layer in (block.attn.proj, block.mlp.layers[-1]):
                layer.weight.zero_()
                layer.bias.zero_()
    model.load_state_dict(moved, strict=False)


def _moved(name: str, blocks: tuple[int, ...] | None) -> str:
    match = BLOCK.fullmatch(name)
    if match is None or blocks is None:
        return name
    return f"{match[1]}{blocks[int(match[2])]}{match[3]}"
