"""``--boxes``: objects that begin where a detector has found them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sam2ov.mask_files.detections import Detection

BoxesOption = Annotated[
    Path | None,
    typer.Option(
        help="What a detector has found: COCO results or instances, YOLO's texts, MOT, "
        "supervision's JSON, CVAT or Label Studio. What no object covers becomes one."
    ),
]
ClassesOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,NAME…",
        help="--boxes: these kinds alone, by name, or by number where the file has no names.",
    ),
]
MinScoreOption = Annotated[
    float, typer.Option(min=0, max=1, help="--boxes: those that the detector is so sure of.")
]
EveryOption = Annotated[
    int, typer.Option(min=1, help="--boxes: look at every N-th frame for new objects.")
]


def read_boxes(
    boxes: Path | None,
    classes: str | None,
    min_score: float,
    every: int,
    video: Path,
    *,
    hold_gaps: bool,
) -> "tuple[Detection, ...]":
    """Read the detections of ``--boxes``; none without it.

    Raises:
        PromptError: they cannot be read, or none is of those that are asked for.
    """
    if boxes is None:
        if classes is not None:
            raise typer.BadParameter("--classes: there are no --boxes to choose from.")
        return ()
    from sam2ov.jobs.clip_prompts import read_detections_for

    return read_detections_for(
        video,
        boxes,
        labels=class_names(classes),
        min_score=min_score,
        every=every,
        hold_gaps=hold_gaps,
    )


def class_names(text: str | None) -> tuple[str, ...]:
    """The names of ``--classes``; none for all."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
