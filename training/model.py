"""The network: sam2's own modules, built from `micro.yaml`, run the way training needs them.

`SAM2Base` keeps every parameter, so that a checkpoint loads strictly into `SAM2VideoPredictor`.
Only the forward pass is written here: raw logits of all four masks, any resolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor, nn
from torch.nn import functional

CONFIG = Path(__file__).with_name("micro.yaml")
FIRST_CONFIG = Path(__file__).with_name("first.yaml")  # of the first training
PREDICTOR = "sam2.sam2_video_predictor.SAM2VideoPredictor"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NO_OBJECT = -1024.0


@dataclass(frozen=True)
class Features:
    """An encoded batch of images: `embedding` [M, C, S/16, S/16] and the two finer levels."""

    embedding: Tensor
    stride4: Tensor
    stride8: Tensor

    def select(self, index: Tensor) -> Features:
        """The images `index` [B] (an image may be repeated, once for each of its objects)."""
        return Features(self.embedding[index], self.stride4[index], self.stride8[index])


@dataclass(frozen=True)
class Decoded:
    """What the mask decoder says: the single mask first, then the three candidates.

    `logits` [B, 4, S/4, S/4] raw, `qualities` [B, 4] in 0..1, `tokens` [B, 4, C],
    `presence` [B, 1] logits.
    """

    logits: Tensor
    qualities: Tensor
    tokens: Tensor
    presence: Tensor

    def choose(self, candidates: bool) -> tuple[Tensor, Tensor]:
        """The mask [B, 1, h, w] and token [B, C] that inference would take.

        With `candidates` the best of the three by predicted quality, else the single mask.
        """
        rows = torch.arange(len(self.logits), device=self.logits.device)
        best = self.qualities[:, 1:].argmax(1) + 1 if candidates else torch.zeros_like(rows)
        return self.logits[rows, best][:, None], self.tokens[rows, best]


def build(config: Path = CONFIG, target: str | None = None, **extra: Any) -> Any:
    """Build the model of an upstream-style yaml; `target` replaces its class (`PREDICTOR`).

    `extra` are further arguments of the class.
    """
    settings = OmegaConf.load(config).model
    if target is not None:
        settings["_target_"] = target
    return instantiate(settings, _recursive_=True, **extra)


def parameter_count(model: nn.Module) -> int:
    """The number of weights."""
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def initialise(model: SAM2Base) -> None:
    """Make attention local from the start, and objects present.

    Queries and keys share their projection, so that equal positions attend to each other: with a
    random initialisation a prompt does not find its place for hundreds of steps.
    """
    transformer = model.sam_mask_decoder.transformer
    crossings = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        crossings += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    for attention in crossings:
        attention.q_proj.weight.mul_(3.0)
        attention.k_proj.weight.copy_(attention.q_proj.weight)
        attention.k_proj.bias.copy_(attention.q_proj.bias)
    for layer in model.memory_attention.layers:
        for attention in (layer.self_attn, layer.cross_attn_image):
            attention.q_proj.bias.fill_(0.6)
            attention.k_proj.bias.fill_(0.6)
    model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(2.0)


def set_image_size(model: SAM2Base, size: int) -> None:
    """Run the model at `size` × `size` pixels (a multiple of 32); the weights do not change."""
    grid = size // model.backbone_stride
    model.image_size, model.sam_image_embedding_size = size, grid
    encoder = model.sam_prompt_encoder
    encoder.input_image_size, encoder.image_embedding_size = (size, size), (grid, grid)
    encoder.mask_input_size = (4 * grid, 4 * grid)


def plain_attention(query: Tensor, key: Tensor, value: Tensor, dropout_p: float = 0.0) -> Tensor:
    """Attention [B, heads, tokens, C] as two matrix products; `dropout_p` must be 0.

    On a CPU it trains up to a third faster than the fused kernel, whose backward pass is slow for
    the small windows of this model.
    """
    if dropout_p:
        raise ValueError("the model is trained without dropout")
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    mixed: Tensor = scores.softmax(-1).to(value.dtype) @ value
    return mixed


@contextmanager
def fast_math(device: torch.device) -> Iterator[None]:
    """bf16 autocast, and on the CPU `plain_attention` in sam2's modules."""
    with torch.autocast(device.type, torch.bfloat16):
        if device.type == "cpu":
            with mock.patch.object(functional, "scaled_dot_product_attention", plain_attention):
                yield
        else:
            yield


def normalise(frames: Tensor) -> Tensor:
    """uint8 RGB [..., S, S, 3] to float32 [..., 3, S, S] with ImageNet's mean and deviation."""
    mean = torch.tensor(MEAN, device=frames.device)
    std = torch.tensor(STD, device=frames.device)
    scaled: Tensor = (frames.float() / 255 - mean) / std
    return scaled.movedim(-1, -3).contiguous()


def encode(model: SAM2Base, images: Tensor) -> Features:
    """Encode normalised images [M, 3, S, S]; the same numbers as `SAM2Base.forward_image`.

    Upstream also computes position encodings of all levels, which training does not need, and
    applies the two 1 × 1 convolutions of the finest level one after the other; here they are one.
    """
    return combine(model, model.image_encoder.trunk(images))


def combine(model: SAM2Base, maps: list[Tensor]) -> Features:
    """What the neck makes of the trunk's maps, finest first: strides 4, 8, 16 and 32."""
    neck, decoder = model.image_encoder.neck, model.sam_mask_decoder
    lateral, finest = neck.convs[3].conv, decoder.conv_s0
    fine4, fine8, middle, coarse = maps
    with torch.autocast(coarse.device.type, enabled=False):
        weight = finest.weight.flatten(1) @ lateral.weight.flatten(1)
        bias = finest.weight.flatten(1) @ lateral.bias + finest.bias
    top = functional.interpolate(neck.convs[0](coarse).float(), scale_factor=2.0, mode="nearest")
    return Features(
        embedding=neck.convs[1](middle) + top,
        stride4=functional.conv2d(fine4, weight[..., None, None], bias),
        stride8=decoder.conv_s1(neck.convs[2](fine8)),
    )


def decode(
    model: SAM2Base,
    features: Features,
    points_xy: Tensor | None = None,
    point_labels: Tensor | None = None,
    mask_prompt: Tensor | None = None,
) -> Decoded:
    """Prompt encoder and mask decoder on conditioned features.

    `points_xy` [B, P, 2] in pixels with `point_labels` [B, P], `mask_prompt` [B, 1, S/4, S/4]
    logits; without points, one padding point, as upstream.
    """
    embedding = features.embedding
    if points_xy is None or point_labels is None:
        points_xy = torch.zeros(len(embedding), 1, 2, device=embedding.device)
        point_labels = -torch.ones(len(embedding), 1, dtype=torch.int32, device=embedding.device)
    with torch.autocast(embedding.device.type, enabled=False):  # positions need float32
        prompt = None if mask_prompt is None else mask_prompt.float()
        sparse, dense = model.sam_prompt_encoder((points_xy, point_labels), None, prompt)
        positions = model.sam_prompt_encoder.get_dense_pe()
    logits, qualities, tokens, presence = model.sam_mask_decoder.predict_masks(
        image_embeddings=embedding,
        image_pe=positions,
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        repeat_image=False,
        high_res_features=[features.stride4, features.stride8],
    )
    return Decoded(logits.float(), qualities.float(), tokens, presence.float())


def without_memory(model: SAM2Base, features: Features) -> Features:
    """Features of a prompted frame without any memory: `no_mem_embed` is added."""
    embedding = features.embedding + model.no_mem_embed.reshape(1, -1, 1, 1)
    return Features(embedding, features.stride4, features.stride8)
