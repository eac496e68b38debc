"""The architecture of a checkpoint: by the name of a configuration, or from keys and shapes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from convert.architecture import Architecture, Hiera
from convert.config_file import read_config_file
from convert.official import HIERAS, OFFICIAL
from convert.shapes import Shape, check_fits, expected_shapes
from convert.wording import shown, some
from sam2ov.errors import CheckpointError, ConversionError

_TRUNK: Final = "image_encoder.trunk."


def find_architecture(
    config: str | Path | None, shapes: Mapping[str, Shape], file_name: str
) -> Architecture:
    """The architecture that a checkpoint is to be read with.

    Args:
        config: upstream's name (``sam2.1_hiera_t``, ``configs/sam2.1/sam2.1_hiera_t.yaml``), the
            path of a yaml file, or None: found from the rest.
        shapes: of the checkpoint's tensors, by key.
        file_name: of the checkpoint; decides between models that differ in no tensor.

    Raises:
        ConversionError: there is no such configuration, or it is not supported.
        CheckpointError: the checkpoint does not fit it, or tells too little of itself.
    """
    architecture = _infer(shapes, file_name) if config is None else named_architecture(config)
    check_fits(architecture, shapes)
    return architecture


def named_architecture(config: str | Path) -> Architecture:
    """The architecture of a name or a yaml file.

    Raises:
        ConversionError: there is no such configuration, or it is not supported.
    """
    if Path(config).is_file():
        return read_config_file(Path(config))
    stem = Path(config).name.removesuffix(".yaml")
    if stem not in OFFICIAL:
        raise ConversionError(
            f"There is no configuration {str(config)!r}. Give a yaml file, or one of "
            f"{', '.join(OFFICIAL)}."
        )
    return OFFICIAL[stem]


def _infer(shapes: Mapping[str, Shape], file_name: str) -> Architecture:
    if f"{_TRUNK}patch_embed.proj.weight" in shapes and "no_mem_embed" in shapes:
        exact = [a for a in OFFICIAL.values() if expected_shapes(a) == shapes]
        return _chosen(exact, file_name) if exact else _like_sam2(shapes, file_name)
    if any(key.startswith(f"{_TRUNK}body.") for key in shapes):
        return OFFICIAL["edgetam"]
    raise CheckpointError(
        "The checkpoint holds no model of SAM 2's family: it has tensors such as "
        f"{some(sorted(shapes))}. Give a checkpoint of SAM 2, SAM 2.1, EdgeTAM or "
        "EfficientTAM."
    )


def _chosen(candidates: list[Architecture], file_name: str) -> Architecture:
    """Of models with the same tensors, the one that the file is named after."""
    if len(candidates) == 1:
        return candidates[0]
    stem = file_name.lower().removesuffix(".pt").removesuffix(".safetensors")
    for candidate in candidates:
        if candidate.name == stem:
            return candidate
    raise CheckpointError(
        f"The checkpoint may be any of {', '.join(c.name for c in candidates)}, whose tensors are "
        f"alike but whose computation is not. {_say_which(file_name)}"
    )


def _say_which(file_name: str) -> str:
    return (
        f"Convert it with: sam2ov convert {shown(file_name)} --config NAME --out FOLDER "
        "(a name, or a yaml file of its own)."
    )


def _like_sam2(shapes: Mapping[str, Shape], file_name: str) -> Architecture:
    """A model of another size than the published ones, on a trunk of theirs.

    Heads, windows and global blocks of a trunk leave no trace in its tensors; all else does, or
    goes with the version.
    """
    trunk = next((t for t in HIERAS.values() if _is_trunk_of(t, shapes)), None)
    if trunk is None:
        raise CheckpointError(
            "The checkpoint has an image encoder of a size that was never published, whose heads "
            f"and windows its tensors do not tell. {_say_which(file_name)}"
        )
    version = "sam2.1" if "no_obj_embed_spatial" in shapes else "sam2"
    base = next(a for a in OFFICIAL.values() if a.family == version and a.trunk == trunk)
    try:
        attention = replace(
            base.memory_attention,
            layers=_count(shapes, "memory_attention.layers."),
            feed_forward=shapes["memory_attention.layers.0.linear1.weight"][0],
            internal_dim=shapes["memory_attention.layers.0.self_attn.q_proj.weight"][0],
        )
        encoder = replace(
            base.memory_encoder,
            fuser_layers=_count(shapes, "memory_encoder.fuser.layers."),
            layer_scale="memory_encoder.fuser.layers.0.gamma" in shapes,
        )
        return replace(
            base,
            name=f"{base.name} of other sizes",
            hidden_dim=shapes["no_mem_embed"][-1],
            mem_dim=shapes["maskmem_tpos_enc"][-1],
            num_maskmem=shapes["maskmem_tpos_enc"][0],
            memory_attention=attention,
            memory_encoder=encoder,
            score_mlp="sam_mask_decoder.pred_obj_score_head.layers.0.weight" in shapes,
            pointer_mlp="obj_ptr_proj.layers.0.weight" in shapes,
        )
    except (KeyError, IndexError) as error:
        raise CheckpointError(
            f"The checkpoint is no whole model of SAM 2: {error} is missing. Give one with all its "
            "weights."
        ) from error


def _is_trunk_of(trunk: Hiera, shapes: Mapping[str, Shape]) -> bool:
    first = shapes[f"{_TRUNK}patch_embed.proj.weight"]
    blocks = _count(shapes, f"{_TRUNK}blocks.")
    return first[0] == trunk.embed_dim and blocks == sum(trunk.stages)


def _count(shapes: Mapping[str, Shape], prefix: str) -> int:
    return len({key[len(prefix) :].split(".")[0] for key in shapes if key.startswith(prefix)})
