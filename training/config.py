"""What decides a training run: its stages, batch sizes and rates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["pretext", "images", "clips"]


@dataclass(frozen=True)
class Stage:
    """One part of the training: `steps` of one kind; batch sizes are per process."""

    name: str
    kind: Kind
    steps: int
    size: int
    lr: float
    lr_end: float
    images: int
    clips: int = 0
    frames: int = 1
    objects: int = 2
    image_share: float = 0.0  # of the steps of a clip stage
    encoder_frames: int = 0  # of each clip that teach the image encoder, 0 = all
    teacher: float = 0.0  # true masks into memory, falling to 0 over the stage
    ema: float = 0.995  # the part of the averaged weights that a step keeps
    long_share: float = 0.0  # of the clips that begin with `burn_in` frames without learning
    burn_in: int = 0
    small_share: float = 0.0  # of the steps run at 128 px with four times the batch


_STEADY = Stage(
    "steady",
    "clips",
    0,
    256,
    4e-4,
    4e-4,
    images=12,
    clips=1,
    frames=10,
    objects=4,
    encoder_frames=4,
    image_share=0.5,
    ema=0.999,
    long_share=0.3,
    burn_in=14,
    small_share=0.6,
)
_FALLING = replace(
    _STEADY,
    name="falling",
    size=320,
    lr_end=2e-6,
    images=8,
    frames=8,
    ema=0.998,
    long_share=0.25,
    burn_in=10,
    small_share=0.4,
)
"""What the later stages have in common: long ones at a constant rate, each followed by one at a
falling rate and the final size."""


@dataclass(frozen=True)
class Config:
    """Everything that decides a run, written into its log."""

    seed: int = 0
    processes: int = 2
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    warm_up: int = 100
    checkpoint_seconds: float = 60.0
    validate_steps: int = 400
    validation_clips: int = 16
    validation_frames: int = 12
    stages: tuple[Stage, ...] = (
        Stage("pretext", "pretext", 1130, 128, 1e-3, 1e-3, images=64),
        Stage("images_128", "images", 1260, 128, 1e-3, 5e-4, images=16),
        Stage(
            "clips_128",
            "clips",
            840,
            128,
            6e-4,
            4e-4,
            images=16,
            clips=4,
            frames=8,
            objects=4,
            encoder_frames=3,
            image_share=0.3,
            teacher=0.6,
        ),
        Stage(
            "clips_256",
            "clips",
            1010,
            256,
            3e-4,
            1e-5,
            images=8,
            clips=1,
            frames=12,
            objects=4,
            encoder_frames=4,
            image_share=0.5,
        ),
        Stage(
            "photos_256",
            "clips",
            435,
            256,
            5e-4,
            5e-4,
            images=12,
            clips=1,
            frames=8,
            objects=4,
            encoder_frames=4,
            image_share=0.75,
            ema=0.998,
        ),
        replace(_STEADY, name="long_256", steps=1115, lr=5e-4, lr_end=5e-4, small_share=0.5),
        replace(_FALLING, name="sharp_320", steps=360, lr=5e-4, lr_end=1e-5, ema=0.99),
        replace(_STEADY, name="longer_256", steps=5_600, image_share=0.6),
        replace(_FALLING, name="sharper_320", steps=2_800),
        replace(_STEADY, name="panels_256", steps=1_800, long_share=0.5),
        replace(_FALLING, name="panels_320", steps=2_700, long_share=0.4),
    )


def smoke(config: Config) -> Config:
    """The same stages, a few steps each, small."""
    stages = tuple(
        replace(
            stage,
            steps=2,
            size=64,
            images=2,
            clips=min(stage.clips, 1),
            frames=min(stage.frames, 3),
            burn_in=min(stage.burn_in, 2),
        )
        for stage in config.stages
    )
    return replace(
        config,
        stages=stages,
        processes=1,
        warm_up=2,
        validation_clips=1,
        validation_frames=2,
        checkpoint_seconds=0.0,
    )
