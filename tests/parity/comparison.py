"""Inputs for each network with what sam2 answers, and the error of a compiled graph against it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sam2ov.engine.devices import openvino_core
from sam2ov.engine.networks import read_graph
from sam2ov.manifest import NETWORK_NAMES, Manifest, NetworkName
from tests.reference.clip import make_clip
from tools.torch_predictor import Predictor, frames_to_images

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Case:
    """One call of one network: what goes in, and what sam2 in torch FP32 gives."""

    network: NetworkName
    label: str
    inputs: Mapping[str, Array]
    expected: Mapping[str, Array]


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
    high_res_0, high_res_1, embedding = features["backbone_fpn"]
    yield Case(
        "image_encoder",
        "",
        {"image": image[None]},
        _arrays(embedding=embedding, high_res_0=high_res_0, high_res_1=high_res_1),
    )
    generator = torch.Generator().manual_seed(11)
    for size in sizes:
        draw = _Draw(predictor, size, generator)
        prompts = _prompt_case(predictor, size, draw)
        yield prompts
        conditioned = embedding + draw.normal(size.objects, *embedding.shape[1:])
        yield _decoder_case(predictor, conditioned, high_res_0, high_res_1, prompts)
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
    high_res_0: Tensor,
    high_res_1: Tensor,
    prompts: Case,
) -> Case:
    sparse, dense = (torch.from_numpy(prompts.expected[name]) for name in ("sparse", "dense"))
    masks, ious, tokens, score = predictor.sam_mask_decoder.predict_masks(
        embedding,
        predictor.sam_prompt_encoder.get_dense_pe(),
        sparse,
        dense,
        repeat_image=False,
        high_res_features=[high_res_0, high_res_1],
    )
    return Case(
        "mask_decoder",
        prompts.label,
        _arrays(
            embedding=embedding,
            high_res_0=high_res_0,
            high_res_1=high_res_1,
            sparse=sparse,
            dense=dense,
        ),
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
        _encode_memory(predictor, embedding, mask_logits[i], score[i], bool(binarize[i]))
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
) -> Tensor:
    """A memory [h·w, M] from mask logits [1, S/4, S/4]."""
    side = (predictor.image_size, predictor.image_size)
    upsampled = torch.nn.functional.interpolate(
        mask_logits[None], size=side, mode="bilinear", align_corners=False
    )
    memory, _ = predictor._encode_new_memory(
        current_vision_feats=[_tokens_first(embedding)],
        feat_sizes=[tuple(embedding.shape[-2:])],
        pred_masks_high_res=upsampled,
        object_score_logits=score[None],
        is_mask_from_pts=binarize,
    )
    return torch.as_tensor(memory)[0].flatten(1).T


def _memory_attention_case(
    predictor: Predictor, embedding: Tensor, size: Sizes, draw: _Draw
) -> Case:
    batch, channels, mem_dim = size.objects, predictor.hidden_dim, predictor.mem_dim
    memory = torch.stack(
        [
            torch.stack(
                [
                    _encode_memory(predictor, embedding, mask, draw.normal(1), binarize=False)
                    for mask in draw.mask_logits()
                ]
            )
            for _ in range(size.memories)
        ],
        dim=1,
    )  # [B, n, h·w, M]
    memory_tpos = draw.normal(batch, size.memories, mem_dim)
    pointers = draw.normal(batch, size.pointers, channels)
    pointer_tpos = draw.normal(batch, size.pointers, mem_dim)

    split = channels // mem_dim
    position = predictor.memory_encoder.position_encoding(
        torch.zeros(1, mem_dim, *embedding.shape[-2:])
    )
    spatial_position = _tokens_first(position).transpose(0, 1) + memory_tpos[:, :, None]
    tokens = [memory.flatten(1, 2), pointers.reshape(batch, size.pointers * split, mem_dim)]
    positions = [
        spatial_position.flatten(1, 2),
        pointer_tpos.repeat_interleave(split, dim=1),
    ]
    current_position = predictor.image_encoder.neck.position_encoding(embedding)
    conditioned = predictor.memory_attention(
        curr=[_tokens_first(embedding).expand(-1, batch, -1)],
        curr_pos=[_tokens_first(current_position).expand(-1, batch, -1)],
        memory=torch.cat(tokens, dim=1).transpose(0, 1),
        memory_pos=torch.cat(positions, dim=1).transpose(0, 1),
        num_obj_ptr_tokens=size.pointers * split,
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


@dataclass(frozen=True)
class Error:
    """How far an output is from sam2's.

    Attributes:
        worst: largest absolute difference, divided by the largest absolute value expected.
        rms: root mean square of the difference, divided by that of the expected values.

    Both divisors are at least ``floor``: an object score alone may happen to be near zero.
    """

    worst: float
    rms: float


def relative_error(found: Array, expected: Array, floor: float = 1e-6) -> Error:
    """Compare an output with the expected one; shapes must agree."""
    assert found.shape == expected.shape, (found.shape, expected.shape)
    difference = found.astype(np.float64) - expected
    return Error(
        worst=float(np.abs(difference).max() / max(floor, np.abs(expected).max())),
        rms=float(
            np.sqrt(np.square(difference).mean()) / max(floor, np.sqrt(np.square(expected).mean()))
        ),
    )


class CompiledFolder:
    """The networks of a model folder on the CPU, by name, at one inference precision."""

    def __init__(
        self, folder: Path, manifest: Manifest, precision: Literal["f32", "bf16"] = "f32"
    ) -> None:
        core = openvino_core()
        self._networks = {
            name: core.compile_model(
                read_graph(folder, manifest, name),
                "CPU",
                {"INFERENCE_PRECISION_HINT": precision},
            )
            for name in NETWORK_NAMES
        }

    def outputs(self, case: Case) -> dict[str, Array]:
        """The outputs of one call."""
        found = self._networks[case.network](dict(case.inputs))
        return {name: found[name] for name in case.expected}

    def errors(self, case: Case) -> dict[str, Error]:
        """The error of each output of one call."""
        found = self.outputs(case)
        return {
            name: relative_error(
                found[name], expected, floor=1.0 if name == "object_score" else 1e-6
            )
            for name, expected in case.expected.items()
        }
