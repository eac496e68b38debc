"""Options of every command that loads a model."""

from enum import StrEnum
from typing import Annotated

import typer

from sam2ov.presets import PRESETS

PRESET_HELP = "What may be given up for speed. " + "; ".join(
    f"{preset.name}: {preset.description}" for preset in PRESETS.values()
)


class PrecisionName(StrEnum):
    """Inside the networks."""

    f32 = "f32"
    bf16 = "bf16"
    f16 = "f16"


class Preset(StrEnum):
    """See ``sam2ov.presets``."""

    quality = "quality"
    balanced = "balanced"
    fast = "fast"


ModelOption = Annotated[str, typer.Option(help='A name (see "sam2ov models") or a model folder.')]
DeviceOption = Annotated[str, typer.Option(help='An OpenVINO device (see "sam2ov devices").')]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(help="Inside the networks; the fastest of the device if left out."),
]
PresetOption = Annotated[Preset, typer.Option(help=PRESET_HELP)]

DEFAULT_MODEL = "micro"
DEFAULT_DEVICE = "CPU"
