"""Options of the commands that track many clips."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2ov.commands.clean_up_options import changed
from sam2ov.commands.detection_options import class_names
from sam2ov.commands.model_options import PrecisionName, Preset, check_calibration
from sam2ov.commands.outputs import OptionValue
from sam2ov.engine.policy import PolicyName
from sam2ov.errors import ExportError
from sam2ov.values.clean_up import NO_CLEAN_UP
from sam2ov.values.field_order import FieldOrder

if TYPE_CHECKING:
    from sam2ov.jobs.batch.listing import Defaults

DEFAULT_FORMATS = ("masks",)

SharedPromptsOption = Annotated[
    Path | None,
    typer.Option(
        help="One prompt file, or masks from elsewhere, for all clips; left out, each has its own "
        "beside it: CLIP.json, CLIP.xml, CLIP.txt or CLIP.zip."
    ),
]
FormatsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="FORMAT[:NAME=VALUE,…]",
        show_default=DEFAULT_FORMATS[0],
        help="What to write of each clip, several times for several. NAME is an option of the "
        'format ("sam2ov formats" lists them), names, per_object, first_number, keep_start or '
        "square_pixels.",
    ),
]
KeepProjectsOption = Annotated[
    bool,
    typer.Option(
        "--keep-projects",
        help="Write a project file of each clip, to look at the result and correct it.",
    ),
]
AtOnceOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="Clips that are tracked at once; left out: as many as cores and memory carry."
    ),
]
MemoryGbOption = Annotated[
    float | None,
    typer.Option(
        min=0.25, help="Memory that they may take together; left out: 80 % of what is free."
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        metavar="auto|ADDRESS",
        help="Track on a Ray cluster: the one that this machine is part of, or that of an address.",
    ),
]


def make_defaults(
    *,
    prompts: Path | None,
    formats: list[str] | None,
    model: str,
    device: str,
    precision: PrecisionName | None,
    preset: Preset,
    memory: PolicyName | None,
    calibrate: Path | None,
    direction: str,
    first: int | None,
    last: int | None,
    non_overlap: bool,
    clean_up: list[OptionValue] | None,
    field_order: FieldOrder,
    hold_gaps: bool,
    keep_projects: bool,
    classes: str | None,
    min_score: float,
    every: int,
) -> "Defaults":
    """Understand the options.

    Raises:
        typer.BadParameter: options contradict each other, or there is no such format.
    """
    from sam2ov.jobs import TrackingSettings
    from sam2ov.jobs.batch import OutputWish
    from sam2ov.jobs.batch.item import DetectionChoice
    from sam2ov.jobs.batch.listing import Defaults

    check_calibration(preset, calibrate)
    try:
        outputs = tuple(OutputWish.parse(text) for text in formats or DEFAULT_FORMATS)
    except ExportError as error:
        raise typer.BadParameter(str(error), param_hint="--format") from error
    settings = TrackingSettings.model_validate(
        {
            "model": model,
            "device": device,
            "precision": precision.value if precision is not None else None,
            "preset": preset.value,
            "memory": memory,
            "calibrate": calibrate,
            "direction": direction,
            "first": first,
            "last": last,
            "non_overlap": non_overlap,
            "clean_up": changed(NO_CLEAN_UP, clean_up or []),
            "field_order": field_order,
            "hold_gaps": hold_gaps,
        }
    )
    shared = prompts.absolute() if prompts is not None else None
    detect = DetectionChoice(classes=class_names(classes), min_score=min_score, every=every)
    return Defaults(settings, outputs, shared, keep_projects, detect)
