"""Inputs for each network with what the authors' code answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import signature

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tests.reference.clip import make_clip
from tests.reference.record import Array, Case
from tools.torch_predictor import Predictor, frames_to_images


@dataclass(frozen=True)
class Sizes:
    """How many of everything: B objects, P points, n memories, p pointers."""

    objects: int
    points: int
    memories: int
    pointers: int

    def __str__(self) -> str:
        return f"B={self.objects} P={self.points} n={self.memories} p={self.pointers}"


ALL_SIZES = (
    Sizes(objects=1, points=1, memories=1, pointers=0),
    Sizes(objects=3, points=2, memories=2, pointers=1),
    Sizes(objects=1, points=6, memories=7, pointers=16),
)


@torch.inference_mode()
def network_cases(predictor: Predictor, sizes: tuple[Sizes, ...] = ALL_SIZES) -> Iterator[Case]:
    """Cases of all five networks; each network is fed with what upstream's earlier ones gave."""
    frame = make_clip(frames=1, height=192, width=256, seed=7)[0]
    side = (predictor.image_size, predictor.image_size)
    image = np.array(Image.fromarray(frame).resize(side, Image.Resampling.BICUBIC))
    features = predictor.forward_image(frames_to_images(image[None], predictor.image_size))
    *high_res, embedding = features["backbone_fpn"]
    maps = {f"high_res_{level}": level_map for level, level_map in enumerate(high_res)}
    yield Case("image_encoder", "", {"image": image[None]}, _arrays(embedding=embedding, **maps))
    generator = torch.Generator().manual_seed(11)
    for size in sizes:
        draw = _Draw(predictor, size, generator)
        prompts = _prompt_case(predictor, size, draw)
        yield prompts
        conditioned = embedding + draw.normal(size.objects, *embedding.shape[1:])
        yield _decoder_case(predictor, conditioned, maps, prompts)
        yield _memory_encoder_case(predictor, embedding, size, draw)
        yield _memory_attention_case(predictor, embedding, size, draw)


class _Draw:
    """Seeded random inputs of the shapes that the networks take."""

    def __init__(self, predictor: Predictor, size: Sizes, generator: torch.Generator) -> None:
        self._predictor = predictor
        self._objects = size.objects
        self._generator = generator

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._generator)

    def mask_logits(self) -> Tensor:
        """Smooth blobs of both signs, [B, 1, S/4, S/4]."""
        side = self._predictor.image_size // 4
        coarse = 12 * self.normal(self._objects, 1, 8, 8)
        return torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic")

    def points(self, count: int) -> Tensor:
        """Anywhere on the image, [B, count, 2], in model pixels."""
        side: int = self._predictor.image_size
        return side * torch.rand((self._objects, count, 2), generator=self._generator)

    def labels(self, count: int) -> Tensor:
        """All kinds in turn, a different one first for each object, [B, count]."""
        kinds = torch.tensor([1, 0, 2, 3, -1], dtype=torch.int32)
        index = torch.arange(self._objects)[:, None] + torch.arange(count)[None]
        return kinds[index % len(kinds)]


def _prompt_case(predictor: Predictor, size: Sizes, draw: _Draw) -> Case:
    points, labels = draw.points(size.points), draw.labels(size.points)
    mask_logits = draw.mask_logits()
    has_mask = (torch.arange(size.objects) % 2 == 0).float()
    encoder = predictor.sam_prompt_encoder
    sparse, without = encoder(points=(points, labels), boxes=None, masks=None)
    _, with_mask = encoder(points=(points, labels), boxes=None, masks=mask_logits)
    dense = torch.where(has_mask[:, None, None, None] > 0, with_mask, without)
    return Case(
        "prompt_encoder",
        str(size),
        _arrays(points=points, labels=labels, mask_logits=mask_logits, has_mask=has_mask),
        _arrays(sparse=sparse, dense=dense),
    )


def _decoder_case(
    predictor: Predictor,
    embedding: Tensor,
    high_res: Mapping[str, Tensor],
    prompts: Case,
) -> Case:
    sparse, dense = (torch.from_numpy(prompts.expected[name]) for name in ("sparse", "dense"))
    masks, ious, tokens, score = predictor.sam_mask_decoder.predict_masks(
        embedding,
        predictor.sam_prompt_encoder.get_dense_pe(),
        sparse,
        dense,
        repeat_image=False,
        high_res_features=list(high_res.values()) or None,
    )
    return Case(
        "mask_decoder",
        prompts.label,
        _arrays(embedding=embedding, **high_res, sparse=sparse, dense=dense),
        _arrays(
            mask_logits=masks,
            ious=ious,
            pointers=predictor.obj_ptr_proj(tokens),
            object_score=score,
        ),
    )


def _memory_encoder_case(predictor: Predictor, embedding: Tensor, size: Sizes, draw: _Draw) -> Case:
    mask_logits, odd = draw.mask_logits(), torch.arange(size.objects) % 2
    score = draw.normal(size.objects, 1).abs() * (1 - 2 * odd[:, None])  # every other is absent
    binarize = odd.float()
    memory = [
        _encode_memory(predictor, embedding, mask_logits[i], score[i], bool(binarize[i]))[0]
        for i in range(size.objects)
    ]
    return Case(
        "memory_encoder",
        str(size),
        _arrays(
            embedding=embedding, mask_logits=mask_logits, binarize=binarize, object_score=score
        ),
        _arrays(memory=torch.stack(memory)),
    )


def _encode_memory(
    predictor: Predictor, embedding: Tensor, mask_logits: Tensor, score: Tensor, binarize: bool
) -> tuple[Tensor, Tensor]:
    """A memory [tokens, M] from mask logits [1, S/4, S/4], and the positions of its tokens."""
    side = (predictor.image_size, predictor.image_size)
    upsampled = torch.nn.functional.interpolate(
        mask_logits[None], size=side, mode="bilinear", align_corners=False
    )
    memory, positions = predictor._encode_new_memory(
        current_vision_feats=[_tokens_first(embedding)],
        feat_sizes=[tuple(embedding.shape[-2:])],
        pred_masks_high_res=upsampled,
        object_score_logits=score[None],
        is_mask_from_pts=binarize,
    )
    return _tokens(memory), _tokens(positions[-1])


def _tokens(memory: Tensor) -> Tensor:
    """[1, M, h, w], or EdgeTAM's [1, tokens, M], to [tokens, M]."""
    return memory[0].flatten(1).T if memory.ndim == 4 else memory[0]


def _memory_attention_case(
    predictor: Predictor, embedding: Tensor, size: Sizes, draw: _Draw
) -> Case:
    batch, channels, mem_dim = size.objects, predictor.hidden_dim, predictor.mem_dim
    encoded = [
        [
            _encode_memory(predictor, embedding, mask, draw.normal(1), binarize=False)
            for mask in draw.mask_logits()
        ]
        for _ in range(size.memories)
    ]
    memory = torch.stack(
        [torch.stack([tokens for tokens, _ in frame]) for frame in encoded], dim=1
    )  # [B, n, tokens, M]
    position = encoded[0][0][1]  # [tokens, M], the same for every memory
    memory_tpos = draw.normal(batch, size.memories, mem_dim)
    pointers = draw.normal(batch, size.pointers, channels)
    pointer_tpos = draw.normal(batch, size.pointers, mem_dim)

    split = channels // mem_dim
    spatial_position = position + memory_tpos[:, :, None]
    tokens = [memory.flatten(1, 2), pointers.reshape(batch, size.pointers * split, mem_dim)]
    positions = [
        spatial_position.flatten(1, 2),
        pointer_tpos.repeat_interleave(split, dim=1),
    ]
    current_position = predictor.image_encoder.neck.position_encoding(embedding)
    options = {}
    if "num_spatial_mem" in signature(predictor.memory_attention.forward).parameters:
        options["num_spatial_mem"] = size.memories  # EdgeTAM rotates the keys of each on its own
    conditioned = predictor.memory_attention(
        curr=[_tokens_first(embedding).expand(-1, batch, -1)],
        curr_pos=[_tokens_first(current_position).expand(-1, batch, -1)],
        memory=torch.cat(tokens, dim=1).transpose(0, 1),
        memory_pos=torch.cat(positions, dim=1).transpose(0, 1),
        num_obj_ptr_tokens=size.pointers * split,
        **options,
    )  # [h·w, B, C]
    return Case(
        "memory_attention",
        str(size),
        _arrays(
            embedding=embedding,
            memory=memory,
            memory_tpos=memory_tpos,
            pointers=pointers,
            pointer_tpos=pointer_tpos,
        ),
        _arrays(conditioned=conditioned.permute(1, 2, 0).unflatten(2, tuple(embedding.shape[-2:]))),
    )


def _tokens_first(feature_map: Tensor) -> Tensor:
    """[B, C, H, W] to upstream's [H·W, B, C]."""
    return feature_map.flatten(2).permute(2, 0, 1)


def _arrays(**tensors: Tensor) -> dict[str, Array]:
    return {name: tensor.contiguous().numpy() for name, tensor in tensors.items()}
