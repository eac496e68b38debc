"""From a configuration to the (untrained) torch model that it describes.

A configuration may come with a checkpoint from anywhere, and upstream instantiates whatever its
``_target_`` entries name. Here they may name the classes of ``_CLASSES`` and nothing else.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import sam2
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from sam2.modeling.backbones.hieradet import Hiera
from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
from sam2.modeling.memory_attention import MemoryAttention, MemoryAttentionLayer
from sam2.modeling.memory_encoder import CXBlock, Fuser, MaskDownSampler, MemoryEncoder
from sam2.modeling.position_encoding import PositionEmbeddingSine
from sam2.modeling.sam.transformer import RoPEAttention
from sam2.modeling.sam2_base import SAM2Base
from yaml import YAMLError

from sam2ov.errors import CheckpointError, ConversionError

OFFICIAL_CONFIGS: Final = tuple(
    f"{family}_hiera_{size}" for family in ("sam2", "sam2.1") for size in ("t", "s", "b+", "l")
)

_CLASSES: Final[Mapping[str, type]] = {
    f"{cls.__module__}.{cls.__qualname__}": cls
    for cls in (
        SAM2Base,
        ImageEncoder,
        Hiera,
        FpnNeck,
        PositionEmbeddingSine,
        MemoryAttention,
        MemoryAttentionLayer,
        RoPEAttention,
        MemoryEncoder,
        MaskDownSampler,
        Fuser,
        CXBlock,
    )
}
# Stride 32 of the coarsest map, and the 8×8 windows of the position embedding at stride 4.
_SIZE_MULTIPLE = 32


def read_config(name: str | Path) -> dict[str, Any]:
    """The ``model:`` part of an official configuration or of a yaml file.

    Args:
        name: ``sam2.1_hiera_t``, ``configs/sam2.1/sam2.1_hiera_t.yaml`` or the path of a file.

    Raises:
        ConversionError: there is no such configuration, or it is malformed.
    """
    path = config_path(name)
    try:
        loaded = OmegaConf.load(path)
        config = OmegaConf.to_container(loaded, resolve=True)
    except (OSError, YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise ConversionError(f"{path} is no readable configuration: {error}") from error
    model = config.get("model") if isinstance(config, dict) else None
    if not isinstance(model, dict):
        raise ConversionError(
            f"{path} has no 'model:' section, where upstream describes the model."
        )
    return {str(key): value for key, value in model.items()}


def config_path(name: str | Path) -> Path:
    """The file of a configuration, as ``read_config`` takes it.

    Raises:
        ConversionError: there is no such configuration.
    """
    stem = Path(name).name.removesuffix(".yaml")
    if not Path(name).is_file() and stem in OFFICIAL_CONFIGS:
        return Path(sam2.__path__[0]) / "configs" / stem.split("_", 1)[0] / f"{stem}.yaml"
    if not Path(name).is_file():
        raise ConversionError(
            f"There is no configuration {str(name)!r}. Give a yaml file, or one of "
            f"{', '.join(OFFICIAL_CONFIGS)}."
        )
    return Path(name)


def guess_config(state_dict: Mapping[str, Any]) -> str:
    """The official configuration that a checkpoint was made with, by its keys and shapes.

    Raises:
        CheckpointError: it fits none; a fine-tuned model of another shape needs ``--config``.
    """
    first = state_dict.get("image_encoder.trunk.patch_embed.proj.weight")
    blocks = {
        key.split(".")[3] for key in state_dict if key.startswith("image_encoder.trunk.blocks.")
    }
    for name in OFFICIAL_CONFIGS:
        config = read_config(name)
        trunk = config["image_encoder"]["trunk"]
        stages, width = trunk.get("stages", (2, 3, 16, 3)), trunk.get("embed_dim", 96)
        is_2_1 = "no_obj_embed_spatial" in state_dict
        if (
            first is not None
            and first.shape[0] == width
            and len(blocks) == sum(stages)
            and is_2_1 == config.get("no_obj_embed_spatial", False)
        ):
            return name
    raise CheckpointError(
        "The checkpoint fits none of the official configurations "
        f"({', '.join(OFFICIAL_CONFIGS)}). Give its own with --config (a yaml file)."
    )


def build_model(config: Mapping[str, Any], image_size: int | None = None) -> SAM2Base:
    """The model of a configuration, in evaluation mode, with the switches of upstream's predictor.

    Args:
        config: from ``read_config``.
        image_size: side of the square input; None keeps the configuration's.

    Raises:
        ConversionError: the configuration names something that is no part of sam2's model, is
            inconsistent, or uses a switch that the converter does not support.
    """
    if config.get("_target_") != "sam2.modeling.sam2_base.SAM2Base":
        raise ConversionError(
            f"The configuration's model is {config.get('_target_')!r}; only "
            "sam2.modeling.sam2_base.SAM2Base can be converted."
        )
    size = config.get("image_size", 512) if image_size is None else image_size
    if not isinstance(size, int) or size < _SIZE_MULTIPLE or size % _SIZE_MULTIPLE:
        raise ConversionError(
            f"The image size must be a positive multiple of {_SIZE_MULTIPLE}, not {size!r}."
        )
    overrides = dict(config)
    # What build_sam2_video_predictor switches on (apply_postprocessing=True).
    overrides["binarize_mask_from_pts_for_mem_enc"] = True
    overrides["sam_mask_decoder_extra_args"] = {
        **(config.get("sam_mask_decoder_extra_args") or {}),
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    }
    overrides["image_size"] = size
    overrides["compile_image_encoder"] = False
    try:
        model: SAM2Base = _instantiate(overrides, "model")
    except (TypeError, ValueError, AssertionError, KeyError, AttributeError, RuntimeError) as error:
        raise ConversionError(f"The configuration does not make a model: {error}") from error
    return model.eval()


def _instantiate(node: Any, where: str) -> Any:
    """What hydra's ``instantiate`` does, for the classes of ``_CLASSES`` only."""
    if isinstance(node, Mapping):
        arguments = {
            str(key): _instantiate(value, f"{where}.{key}")
            for key, value in node.items()
            if key != "_target_"
        }
        if "_target_" not in node:
            return arguments
        target = node["_target_"]
        if target not in _CLASSES:
            raise ConversionError(
                f"The configuration's {where} names {target!r}, which is no part of sam2's model. "
                "It was not loaded."
            )
        if "weights_path" in arguments:
            raise ConversionError(f"The configuration's {where}.weights_path would load a file.")
        return _CLASSES[target](**arguments)
    if isinstance(node, list):
        return [_instantiate(value, f"{where}[{index}]") for index, value in enumerate(node)]
    return node
