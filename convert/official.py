"""The published models as data: the configurations of SAM 2, SAM 2.1, EdgeTAM and EfficientTAM."""

from collections.abc import Mapping
from typing import Final, Literal

from convert.architecture import (
    Architecture,
    Hiera,
    MemoryAttention,
    MemoryEncoder,
    Perceiver,
    PlainViT,
    PooledKeys,
    RepViT,
    Trunk,
)
from sam2ov.manifest import Switches

HIERAS: Final[Mapping[str, Hiera]] = {
    "t": Hiera(96, 1, (1, 2, 7, 2), (8, 4, 14, 7), (5, 7, 9), background=7),
    "s": Hiera(96, 1, (1, 2, 11, 2), (8, 4, 14, 7), (7, 10, 13), background=7),
    "b+": Hiera(112, 2, (2, 3, 16, 3), (8, 4, 14, 7), (12, 16, 20), background=14),
    "l": Hiera(144, 2, (2, 6, 36, 4), (8, 4, 16, 8), (23, 33, 43), background=7),
}
_EDGE: Final = RepViT(widths=(48, 96, 192, 384), depths=(2, 2, 14, 2))
_PLAIN: Final[Mapping[str, PlainViT]] = {
    size: PlainViT(dim, heads, 12, window=14, global_blocks=(2, 5, 8, 11), pretrained_grid=14)
    for size, dim, heads in (("s", 384, 6), ("ti", 192, 3))
}
_POOLED: Final[Mapping[str, PooledKeys]] = {"": "no", "_1": "logits", "_2": "keys"}


def _published(
    name: str,
    family: Literal["sam2", "sam2.1", "edgetam", "efficienttam"],
    trunk: Trunk,
    *,
    image_size: int = 1024,
    layers: int = 4,
    pooled: PooledKeys = "no",
    perceiver: Perceiver | None = None,
) -> Architecture:
    """What all published models have in common, and what goes with the family."""
    is_2_1 = family == "sam2.1"
    return Architecture(
        name=name,
        family=family,
        image_size=image_size,
        hidden_dim=256,
        mem_dim=64,
        num_maskmem=7,
        max_obj_ptrs=16,
        trunk=trunk,
        memory_attention=MemoryAttention(
            layers=layers, feed_forward=2048, internal_dim=256, pooled=pooled
        ),
        memory_encoder=MemoryEncoder(
            fuser_layers=2,
            layer_scale=True,
            sigmoid_scale=20.0,
            sigmoid_bias=-10.0,
            marks_absence=is_2_1,
            perceiver=perceiver,
        ),
        high_res=family != "efficienttam",
        iou_sigmoid=True,
        score_mlp=True,
        pointer_mlp=True,
        switches=Switches(
            multimask_output=True,
            multimask_output_for_tracking=True,
            multimask_min_points=0,
            multimask_max_points=1,
            use_multimask_token_for_pointer=True,
            dynamic_multimask=True,
            dynamic_multimask_delta=0.05,
            dynamic_multimask_threshold=0.98,
            binarize_prompted_masks=True,
            use_mask_as_output=True,
            pointer_tpos="projected" if is_2_1 else "none",
            signed_pointer_tpos=is_2_1,
            past_pointers_only=True,
            fixed_no_obj_ptr=True,
            max_conditioning_frames=-1,
            memory_stride=1,
        ),
    )


def _all() -> Mapping[str, Architecture]:
    models = [
        _published(f"{family}_hiera_{size}", family, trunk)
        for family in ("sam2", "sam2.1")
        for size, trunk in HIERAS.items()
    ]
    perceiver = Perceiver(layers=2, latents_1d=256, latents_2d=256)
    models.append(_published("edgetam", "edgetam", _EDGE, layers=2, perceiver=perceiver))
    for size, trunk in _PLAIN.items():
        for suffix, pooled in _POOLED.items():
            name = f"efficienttam_{size}{suffix}"
            models.append(_published(name, "efficienttam", trunk, pooled=pooled))
        name = f"efficienttam_{size}_512x512"
        models.append(_published(name, "efficienttam", trunk, image_size=512))
    return {model.name: model for model in models}


OFFICIAL: Final = _all()
"""By upstream's name of the configuration."""
