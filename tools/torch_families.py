"""The family's configurations, and what building them asks of an environment.

SAM 2, EdgeTAM and EfficientTAM come in packages that are all called ``sam2``: an environment holds
one of them.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast
from unittest.mock import MagicMock

import sam2
import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

# What timm imports of it.
_TORCHVISION: Final = (
    "torchvision",
    "torchvision.datasets",
    "torchvision.models",
    "torchvision.models.feature_extraction",
    "torchvision.ops",
    "torchvision.ops.misc",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)

_EFFICIENTTAM: Final = Path(__file__).with_name("efficienttam.yaml")
_TRUNK: Final = "model.image_encoder.trunk"
_CROSS_ATTENTION: Final = "model.memory_attention.layer.cross_attention"

# https://github.com/yformer/EfficientTAM/tree/f4d6e88/sam2/configs
_SIZES: Final[dict[str, dict[str, Any]]] = {
    "s": {},
    "ti": {
        f"{_TRUNK}.embed_dim": 192,
        f"{_TRUNK}.num_heads": 3,
        "model.image_encoder.neck.backbone_channel_list": [192],
    },
}
_VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "": {},
    "_1": {f"{_CROSS_ATTENTION}._target_": "sam2.modeling.sam.transformer.EfficientRoPEAttention1"},
    "_2": {f"{_CROSS_ATTENTION}._target_": "sam2.modeling.sam.transformer.EfficientRoPEAttention2"},
    "_512x512": {"model.image_size": 512},
}
EFFICIENTTAM_CONFIGS: Final = {
    f"efficienttam_{size}{variant}": _SIZES[size] | _VARIANTS[variant]
    for size in _SIZES
    for variant in _VARIANTS
}
"""By name: what differs from ``efficienttam.yaml``."""


def load_config(name: str | Path) -> DictConfig:
    """A configuration with a ``model:`` key.

    Args:
        name: ``sam2.1_hiera_t``, ``edgetam``, ``efficienttam_ti_2``, …, or the path of a yaml file.

    Raises:
        ValueError: this environment has no such configuration.
    """
    stem = Path(name).name.removesuffix(".yaml")
    shipped = {path.stem: path for path in Path(sam2.__path__[0]).glob("configs/**/*.yaml")}
    if Path(name).is_file():
        return cast(DictConfig, OmegaConf.load(name))
    if stem in shipped:
        return cast(DictConfig, OmegaConf.load(shipped[stem]))
    is_efficienttam = importlib.util.find_spec("sam2.modeling.backbones.vitdet") is not None
    if is_efficienttam and stem in EFFICIENTTAM_CONFIGS:
        config = cast(DictConfig, OmegaConf.load(_EFFICIENTTAM))
        for key, value in EFFICIENTTAM_CONFIGS[stem].items():
            OmegaConf.update(config, key, value)
        return config
    known = [*shipped, *(EFFICIENTTAM_CONFIGS if is_efficienttam else ())]
    raise ValueError(
        f"there is no configuration {str(name)!r} in this environment, whose sam2 has "
        f"{', '.join(sorted(known))}; other families need their own (--reference-python)"
    )


def set_image_size(config: DictConfig, side: int) -> None:
    """Change the side of the square model input, a multiple of 32."""
    grid = [side // 16, side // 16]
    config.model.image_size = side
    layer = config.model.memory_attention.layer
    layer.self_attention.feat_sizes = grid
    # EdgeTAM's keys are on a grid of their own, which the image's size leaves alone.
    queries = "q_sizes" if "q_sizes" in layer.cross_attention else "feat_sizes"
    layer.cross_attention[queries] = grid


def let_perceiver_take_several_objects(perceiver: nn.Module) -> None:
    """Run EdgeTAM's perceiver once for each object of a batch.

    As its authors wrote it, it views its expanded latents as if they were contiguous, which fails
    for more than one.
    """
    one_object = perceiver.forward

    def forward(x: Tensor, pos: Tensor) -> tuple[Tensor, Tensor]:
        outputs = [one_object(x[i : i + 1], pos[i : i + 1]) for i in range(len(x))]
        tokens, positions = zip(*outputs, strict=True)
        return torch.cat(tokens), torch.cat(positions)

    perceiver.forward = forward


def prepare_timm() -> None:
    """Let EdgeTAM's trunk be built: without ImageNet weights, and without torchvision if need be.

    timm imports torchvision, whose wheels do not fit every torch; a RepViT uses nothing of it.
    """
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError):  # none, or one whose operators torch does not know
        for name in _TORCHVISION:
            sys.modules[name] = cast(ModuleType, MagicMock(__path__=[], __spec__=None))
    trunk = importlib.import_module("sam2.modeling.backbones.timm")
    create_model = importlib.import_module("timm.models").create_model

    def create_untrained(name: str, *, pretrained: bool, **options: Any) -> Any:
        assert pretrained, "upstream's trunk fetches weights"
        return create_model(name, pretrained=False, **options)

    trunk.create_model = create_untrained  # type: ignore[attr-defined]
