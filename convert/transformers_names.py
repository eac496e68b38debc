"""From the names in transformers' checkpoints (Sam2Video, Sam2, EdgeTamVideo) to upstream's.

A key that no rule knows keeps its name, so that whoever compares keys with an architecture names
it.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from convert.stored_tensor import JoinedTensors, LazyTensor, StoredTensor
from convert.wording import shown
from sam2ov.errors import CheckpointError

_BODY: Final = ("vision_encoder.backbone.timm_model.", "image_encoder.trunk.body.")

_TOP: Final[Mapping[str, str]] = {
    "no_memory_embedding": "no_mem_embed",
    "no_memory_positional_encoding": "no_mem_pos_enc",
    "memory_temporal_positional_encoding": "maskmem_tpos_enc",
    "no_object_pointer": "no_obj_ptr",
    "occlusion_spatial_embedding_parameter": "no_obj_embed_spatial",
}

# In this order, each where it matches: the specific names before what they have in common.
_RULES: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
        (r"^vision_encoder\.neck\.convs\.(\d+)\.", r"image_encoder.neck.convs.\1.conv."),
        (r"\.patch_embed\.projection\.", ".patch_embed.proj."),
        (r"^prompt_encoder\.", "sam_prompt_encoder."),
        (r"\.mask_embed\.conv1\.", ".mask_downscaling.0."),
        (r"\.mask_embed\.layer_norm1\.", ".mask_downscaling.1."),
        (r"\.mask_embed\.conv2\.", ".mask_downscaling.3."),
        (r"\.mask_embed\.layer_norm2\.", ".mask_downscaling.4."),
        (r"\.mask_embed\.conv3\.", ".mask_downscaling.6."),
        (r"^mask_decoder\.", "sam_mask_decoder."),
        (r"\.upscale_conv1\.", ".output_upscaling.0."),
        (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
        (r"\.upscale_conv2\.", ".output_upscaling.3."),
        (
            r"^memory_attention\.layers\.(\d+)\.mlp\.up_proj\.",
            r"memory_attention.layers.\1.linear1.",
        ),
        (
            r"^memory_attention\.layers\.(\d+)\.mlp\.down_proj\.",
            r"memory_attention.layers.\1.linear2.",
        ),
        (r"^memory_encoder\.feature_projection\.", "memory_encoder.pix_feat_proj."),
        (r"^memory_encoder\.projection\.", "memory_encoder.out_proj."),
        (r"^memory_encoder\.memory_fuser\.", "memory_encoder.fuser."),
        (r"\.depthwise_conv\.", ".dwconv."),
        (r"\.pointwise_conv(\d)\.", r".pwconv\1."),
        (r"^(memory_encoder\.fuser\.layers\.\d+)\.scale$", r"\1.gamma"),
        (r"^object_pointer_proj\.", "obj_ptr_proj."),
        (r"^temporal_positional_encoding_projection_layer\.", "obj_ptr_tpos_proj."),
        (r"^spatial_perceiver\.latents_1d$", "spatial_perceiver.latents"),
        (r"^(spatial_perceiver\..*)\.layer_norm_input\.", r"\1.attn.norm_x."),
        (r"^(spatial_perceiver\..*)\.layer_norm_latents\.", r"\1.attn.norm_latents."),
        (r"^(spatial_perceiver\..*)\.layer_norm_self\.", r"\1.self_attn.norm."),
        (r"^(spatial_perceiver\..*)\.cross_attention\.", r"\1.attn."),
        (r"^(spatial_perceiver\..*)\.self_attention\.", r"\1.self_attn."),
        (r"^(spatial_perceiver\..*)\.q_proj\.", r"\1.to_q."),
        (r"^(spatial_perceiver\..*)\.o_proj\.", r"\1.to_out."),
        (r"^(spatial_perceiver\..*)\.(self_)?mlp\.layer_norm\.", r"\1.\2ff.0."),
        (r"^(spatial_perceiver\..*)\.(self_)?mlp\.up_proj\.", r"\1.\2ff.1."),
        (r"^(spatial_perceiver\..*)\.(self_)?mlp\.down_proj\.", r"\1.\2ff.3."),
        (r"\.o_proj\.", ".out_proj."),
        (r"\.layer_norm", ".norm"),
    )
)

_MLP: Final = re.compile(r"^(.+)\.(proj_in|proj_out|layers\.(\d{1,4}))\.(weight|bias)$")
_DOWNSAMPLER: Final = re.compile(
    r"^(memory_encoder\.mask_downsampler)\.(final_conv|layers\.(\d{1,4})\.(conv|layer_norm))\."
)

_POINTS: Final = "sam_prompt_encoder.point_embed.weight"
_POINT: Final = "sam_prompt_encoder.point_embeddings.{}.weight"
_FREQUENCIES: Final = (
    "sam_prompt_encoder.shared_embedding.positional_embedding",
    "shared_image_embedding.positional_embedding",
)
_UPSTREAM_FREQUENCIES: Final = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"

_GAMMA_AS_WEIGHT: Final = re.compile(r"^(memory_encoder\.fuser\.layers\.\d+)\.weight$")


def has_transformers_names(tensors: Mapping[str, StoredTensor]) -> bool:
    """Whether keys are transformers'."""
    return any(key.startswith("vision_encoder.") for key in tensors)


def upstream_names(path: Path, tensors: Mapping[str, StoredTensor]) -> dict[str, LazyTensor]:
    """The tensors of a checkpoint with transformers' keys, under upstream's.

    What upstream has apart or together is taken apart and put together: the embeddings of points,
    keys and values of EdgeTAM's perceiver, and the frequencies, of which there are two copies.

    Args:
        path: of the checkpoint, for messages.
        tensors: by transformers' key.

    Raises:
        CheckpointError: two keys stand for one of upstream's, or the two copies differ.
    """
    rename = _renaming(tensors)
    renamed: dict[str, LazyTensor] = {}
    for key, tensor in tensors.items():
        name = rename(key)
        if name in renamed:
            raise CheckpointError(f"{path} has {shown(name)} twice: save its weights again.")
        renamed[name] = tensor
    _split_points(renamed)
    _join_frequencies(path, renamed)
    _join_keys_and_values(renamed)
    return renamed


def with_gamma(tensors: Mapping[str, LazyTensor]) -> dict[str, LazyTensor]:
    """The tensors, with the fuser's scales under the name that upstream gives them.

    Some published files call them "weight": old versions of transformers renamed every "gamma".
    """
    return {_GAMMA_AS_WEIGHT.sub(r"\1.gamma", key): tensor for key, tensor in tensors.items()}


def _renaming(tensors: Mapping[str, StoredTensor]) -> Callable[[str], str]:
    """How to rename the keys of a checkpoint; how deep its networks are decides some names."""
    hidden: dict[str, int] = {}
    stages = 0
    for key in tensors:
        if found := _DOWNSAMPLER.match(key):
            stages = max(stages, int(found[3] or -1) + 1)
        elif (found := _MLP.match(key)) and found[3] is not None:
            hidden[found[1]] = max(hidden.get(found[1], 0), int(found[3]) + 1)

    def layer(found: re.Match[str]) -> str:
        """``MLP``: the first layer, those between, the last."""
        mlp, part, index, kind = found.groups()
        between = hidden.get(mlp, 0)
        at = {"proj_in": 0, "proj_out": between + 1}.get(part, int(index or 0) + 1)
        return f"{mlp}.layers.{at}.{kind}"

    def stage(found: re.Match[str]) -> str:
        """``MaskDownSampler.encoder``: a convolution, a norm and an activation for each stage."""
        where, _, index, part = found.groups()
        at = 3 * stages if index is None else 3 * int(index) + (part == "layer_norm")
        return f"{where}.encoder.{at}."

    def rename(key: str) -> str:
        if key.startswith(_BODY[0]):
            return key.replace(*_BODY, 1)
        if key in _TOP:
            return _TOP[key]
        name = _DOWNSAMPLER.sub(stage, key)
        found = _MLP.match(name)
        if found and (found[3] is None or _is_mlp(found[1], tensors)):
            name = layer(found)
        for pattern, replacement in _RULES:
            name = pattern.sub(replacement, name)
        return name

    return rename


def _is_mlp(prefix: str, tensors: Mapping[str, StoredTensor]) -> bool:
    return f"{prefix}.proj_in.weight" in tensors


def _split_points(tensors: dict[str, LazyTensor]) -> None:
    """Four embeddings in one tensor [4, C]: each is one of its own upstream, [1, C]."""
    points = tensors.get(_POINTS)
    if isinstance(points, StoredTensor) and len(points.shape) == 2:
        del tensors[_POINTS]
        tensors |= {_POINT.format(index): points.row(index) for index in range(points.shape[0])}


def _join_frequencies(path: Path, tensors: dict[str, LazyTensor]) -> None:
    """Points and images share their frequencies; a file has them once or twice."""
    copies = [tensors.pop(key) for key in _FREQUENCIES if key in tensors]
    if len(copies) == 2 and not (
        copies[0].shape == copies[1].shape and np.array_equal(copies[0].load(), copies[1].load())
    ):
        raise CheckpointError(
            f"{path} has other frequencies for points ({_FREQUENCIES[0]}) than for images "
            f"({_FREQUENCIES[1]}); no model of the family has. Save its weights again."
        )
    if copies:
        tensors[_UPSTREAM_FREQUENCIES] = copies[0]


def _join_keys_and_values(tensors: dict[str, LazyTensor]) -> None:
    """The perceiver's keys and values are one linear layer upstream."""
    for key in [key for key in tensors if key.startswith("spatial_perceiver.")]:
        other = key.replace(".k_proj.", ".v_proj.")
        if other == key or other not in tensors:
            continue
        parts = (tensors[key], tensors[other])
        if parts[0].shape[1:] == parts[1].shape[1:] and parts[0].shape and parts[1].shape:
            del tensors[key], tensors[other]
            tensors[key.replace(".k_proj.", ".to_kv.")] = JoinedTensors(parts)
