"""Options of every command that loads a model."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sam2ov.engine.policy import PolicyName
from sam2ov.zoo.presets import PRESETS

PRESET_HELP = "What may be given up for speed. " + "; ".join(
    f"{preset.name}: {preset.description}" for preset in PRESETS.values()
)


class PrecisionName(StrEnum):
    """Inside the networks."""

    f32 = "f32"
    bf16 = "bf16"
    f16 = "f16"


class Preset(StrEnum):
    """See ``sam2ov.zoo.presets``."""

    quality = "quality"
    balanced = "balanced"
    fast = "fast"


MODEL_HELP = (
    'A name (see "sam2ov models"), a model folder, a checkpoint (a file, or a folder as '
    "transformers saves it), or hf:ORG/REPO/FILE on the model hub."
)

ModelOption = Annotated[str, typer.Option(help=MODEL_HELP)]
DeviceOption = Annotated[str, typer.Option(help='An OpenVINO device (see "sam2ov devices").')]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(help="Inside the networks; the fastest of the device if left out."),
]
PresetOption = Annotated[Preset, typer.Option(help=PRESET_HELP)]
MemoryOption = Annotated[
    PolicyName | None,
    typer.Option(
        help="Which frames are remembered. upstream: the last ones, as the model was trained; "
        "distractor-aware: also those with look-alikes, and none without the object, for crowds "
        "and long absences."
    ),
]
CalibrateOption = Annotated[
    Path | None,
    typer.Option(help="balanced, fast: a clip to calibrate INT8 on; the sample if left out."),
]

DEFAULT_MODEL = "micro"
DEFAULT_DEVICE = "CPU"


def check_calibration(preset: Preset, calibrate: Path | None) -> None:
    """Raise typer.BadParameter for a clip that nothing would be done with."""
    if calibrate is not None and not PRESETS[preset.value].int8:
        raise typer.BadParameter(f"--calibrate: the preset {preset.value} has no INT8.")
