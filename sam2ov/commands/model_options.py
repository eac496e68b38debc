"""Options of every command that loads a model."""

from enum import StrEnum
from typing import Annotated

import typer


class PrecisionName(StrEnum):
    """Inside the networks."""

    f32 = "f32"
    bf16 = "bf16"
    f16 = "f16"


ModelOption = Annotated[str, typer.Option(help='A name (see "sam2ov models") or a model folder.')]
DeviceOption = Annotated[str, typer.Option(help='An OpenVINO device (see "sam2ov devices").')]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(help="Inside the networks; the fastest of the device if left out."),
]

DEFAULT_MODEL = "micro"
DEFAULT_DEVICE = "CPU"
