"""``sam2ov track``: prompts in, a tracked video or masks out."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sam2ov.commands.clean_up_options import CleanUpOption, changed
from sam2ov.commands.console import say
from sam2ov.commands.detection_options import (
    BoxesOption,
    ClassesOption,
    EveryOption,
    MinScoreOption,
    read_boxes,
)
from sam2ov.commands.model_options import (
    DEFAULT_DEVICE,
    DEFAULT_MODEL,
    CalibrateOption,
    DeviceOption,
    MemoryOption,
    ModelOption,
    PrecisionOption,
    Preset,
    PresetOption,
    check_calibration,
)
from sam2ov.commands.outputs import (
    FieldOrderOption,
    FirstNumberOption,
    FormatOption,
    KeepStartOption,
    NamesOption,
    OutOption,
    OverwriteOption,
    PerObjectOption,
    SetOption,
    SquarePixelsOption,
    make_output,
)
from sam2ov.commands.prompt_options import (
    BOX_FORM,
    MASK_FORM,
    POINT_FORM,
    BoxOption,
    MaskOption,
    PointOption,
    collect_prompts,
    parse_box,
    parse_mask,
    parse_point,
    read_mask_files,
)
from sam2ov.commands.tracking_run import run_tracking
from sam2ov.export import FORMATS
from sam2ov.values.clean_up import NO_CLEAN_UP

if TYPE_CHECKING:
    from sam2ov.jobs import ClipOutcome


class DirectionName(StrEnum):
    """Where objects are tracked."""

    forward = "forward"
    backward = "backward"
    both = "both"


def track(
    video: Annotated[
        Path, typer.Argument(help="A video file, or a folder of numbered images.", metavar="VIDEO")
    ],
    out: OutOption,
    point: Annotated[
        list[PointOption] | None,
        typer.Option(
            parser=parse_point,
            metavar=POINT_FORM,
            help='A click on an object, in pixels; with ":-" at the end, beside the object.',
        ),
    ] = None,
    box: Annotated[
        list[BoxOption] | None,
        typer.Option(parser=parse_box, metavar=BOX_FORM, help="A box around an object."),
    ] = None,
    mask: Annotated[
        list[MaskOption] | None,
        typer.Option(parser=parse_mask, metavar=MASK_FORM, help="The mask of an object: a PNG."),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(help='A prompt file; "sam2ov schema prompts" describes it.'),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            help="Masks from elsewhere as prompts: COCO or SA-V JSON, CVAT XML, PNGs as in DAVIS "
            "or MOTS, or PNGs in a folder per object; a file, a folder or a .zip file."
        ),
    ] = None,
    masks_frames: Annotated[
        str,
        typer.Option(
            metavar="first|all|N",
            help="--masks: the first mask of each object, all, or the first and every N-th frame "
            "behind it.",
        ),
    ] = "first",
    masks_first_number: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="--masks: the number that the video's frame 0 has there. Left out: that of its "
            "image, or 0.",
        ),
    ] = None,
    masks_kind: Annotated[
        Literal["auto", "labels", "matte"],
        typer.Option(
            help="--masks: what the values of PNGs are: a label for each object, or the one object "
            "of a matte, soft or hard; auto looks at the picture."
        ),
    ] = "auto",
    masks_threshold: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="--masks: where a soft matte is cut; 0.5 is half of white."
        ),
    ] = 0.5,
    boxes: BoxesOption = None,
    classes: ClassesOption = None,
    min_score: MinScoreOption = 0.5,
    every: EveryOption = 1,
    direction: Annotated[
        DirectionName,
        typer.Option(
            help="From each object's first prompt forward to the end; from its last prompt "
            "backward to the beginning; or both ways, so that it has a mask on every frame."
        ),
    ] = DirectionName.both,
    output_format: FormatOption = FORMATS["overlay"],
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = DEFAULT_DEVICE,
    precision: PrecisionOption = None,
    preset: PresetOption = Preset.quality,
    memory: MemoryOption = None,
    calibrate: CalibrateOption = None,
    start: Annotated[
        int | None, typer.Option(min=0, help="The first frame to track and write, from 0.")
    ] = None,
    end: Annotated[int | None, typer.Option(min=0, help="The last frame, included.")] = None,
    at_cuts: Annotated[
        Literal["go-on", "stop", "search"],
        typer.Option(
            help="Where a scene ends. go-on: track on; stop: an object is tracked up to there, in "
            "each direction; search: look for it with what was remembered before the cut, until it "
            "is found again. --json lists the cuts."
        ),
    ] = "go-on",
    hold_pictures: Annotated[
        bool,
        typer.Option(
            help="A frame with the picture of the one before (animation on twos, a screen that "
            "stands still) takes over its masks."
        ),
    ] = True,
    fill_hole_area: Annotated[
        int,
        typer.Option(min=0, help="Fill holes of up to this many low-resolution pixels; 0: none."),
    ] = 8,
    non_overlap: Annotated[
        bool, typer.Option("--non-overlap", help="Give each pixel to one object at most.")
    ] = False,
    clean_up: CleanUpOption = None,
    field_order: FieldOrderOption = "auto",
    hold_gaps: Annotated[
        bool,
        typer.Option(
            help="Image sequences: where numbers are missing, show the image before, with masks; "
            "otherwise they are left out."
        ),
    ] = False,
    per_object: PerObjectOption = False,
    first_number: FirstNumberOption = None,
    names: NamesOption = None,
    keep_start: KeepStartOption = False,
    square_pixels: SquarePixelsOption = False,
    options: SetOption = None,
    overwrite: OverwriteOption = False,
    save_prompts: Annotated[
        Path | None, typer.Option(help="Write all prompts into a prompt file, before tracking.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary in JSON instead of the output's path.")
    ] = False,
) -> None:
    """Track objects through a video, and write what was found.

    Points, boxes and masks on any frames say what the objects are. Frames count from 0, objects
    from 1; coordinates are pixels of the video. All prompts of an object on a frame are taken
    together.

    Ctrl-C ends tracking early and writes what is tracked so far (exit code 130): the output has
    all its frames, without masks where nothing was tracked. So do SIGTERM (143) and a terminal
    that closes (129).
    """
    check_calibration(preset, calibrate)
    imported = None
    if masks is not None:
        imported = read_mask_files(
            masks,
            masks_frames,
            masks_first_number,
            masks_kind,
            masks_threshold,
            video,
            hold_gaps=hold_gaps,
        )
    detections = read_boxes(boxes, classes, min_score, every, video, hold_gaps=hold_gaps)
    collected = None
    if not detections or any((point, box, mask, prompts, imported)):
        collected = collect_prompts(point or [], box or [], mask or [], prompts, imported)
    output = make_output(
        out,
        output_format,
        options or [],
        per_object=per_object,
        first_number=first_number,
        names=names,
        keep_start=keep_start,
        square_pixels=square_pixels,
        overwrite=overwrite,
    )
    from sam2ov.jobs import ClipJob

    run = run_tracking(
        ClipJob(
            clip=video,
            prompts=collected,
            detections=detections,
            model=model,
            preset=preset.value,
            memory=memory,
            device=device,
            precision=precision.value if precision is not None else None,
            calibrate=calibrate,
            hold_pictures=hold_pictures,
            at_cuts=at_cuts,
            direction=direction.value,
            first=start,
            last=end,
            fill_hole_area=fill_hole_area,
            non_overlap=non_overlap,
            clean_up=changed(NO_CLEAN_UP, clean_up or []),
            save_prompts=save_prompts,
            outputs=(output,),
            field_order=field_order,
            hold_gaps=hold_gaps,
        )
    )
    if run.outcome is None:
        say("Interrupted before the first frame was tracked; nothing was written.")
    else:
        _report(run.outcome, as_json=as_json)
    if run.exit_code:
        raise typer.Exit(run.exit_code)


def _report(outcome: "ClipOutcome", *, as_json: bool) -> None:
    say(
        f"Tracking took {outcome.seconds:.1f} s ({outcome.fps:.1f} frames/s) with {outcome.model} "
        f"on {outcome.device} ({outcome.precision}, preset {outcome.preset})."
    )
    for target in outcome.objects:
        say(
            f"  {target.name}: tracked on {target.tracked} of {outcome.frames} frames, "
            f"not to be seen on {target.absent} of them"
        )
    if outcome.left_out:
        say(f"{outcome.left_out} more detections had no room: too many objects at once.")
    if outcome.cuts:
        shown = ", ".join(map(str, outcome.cuts[:20])) + (" …" if len(outcome.cuts) > 20 else "")
        say(f"  Scenes begin on frame {shown}")
    if as_json:
        print(json.dumps(asdict(outcome), indent=1))
    else:
        print("\n".join(outcome.outputs))
