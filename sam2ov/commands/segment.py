"""``sam2ov segment``: masks of everything in images."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2ov.commands.console import progress_display, say
from sam2ov.commands.interrupt import Interruptible, exit_code
from sam2ov.commands.model_options import (
    DEFAULT_DEVICE,
    DEFAULT_MODEL,
    CalibrateOption,
    DeviceOption,
    ModelOption,
    PrecisionOption,
    Preset,
    PresetOption,
    check_calibration,
)
from sam2ov.commands.outputs import OverwriteOption

if TYPE_CHECKING:
    from sam2ov.jobs.segment_images import SegmentRun


class _Format(StrEnum):
    coco = "coco"
    png = "png"
    overlay = "overlay"


def segment(
    images: Annotated[
        Path,
        typer.Argument(
            help="An image, or a folder of images of any sizes.", metavar="IMAGE|FOLDER"
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="coco: a .json file. png: a folder or .zip file. overlay: a .png or .jpg file; "
            "for a folder of images a folder or .zip file."
        ),
    ],
    output_format: Annotated[
        _Format,
        typer.Option(
            "--format",
            help="coco: run lengths with boxes and scores. png: a black and white picture for each "
            "mask. overlay: the images with their masks in colour.",
        ),
    ] = _Format.coco,
    points_per_side: Annotated[
        int, typer.Option(help="Clicks along a side of the image; 32 are 1,024 of them.")
    ] = 32,
    points_per_batch: Annotated[
        int, typer.Option(help="Clicks that go through the networks together, at most.")
    ] = 64,
    pred_iou_thresh: Annotated[
        float | None,
        typer.Option(
            help="Leave out masks that the model trusts less, 0 to 1. Left out: 0.8, with micro "
            "0.5."
        ),
    ] = None,
    stability_score_thresh: Annotated[
        float | None,
        typer.Option(
            help="Leave out masks with less certain edges, 0 to 1. Left out: 0.95, with micro 0.65."
        ),
    ] = None,
    stability_score_offset: Annotated[
        float, typer.Option(help="Logits by which edges are moved to see how certain they are.")
    ] = 1.0,
    mask_threshold: Annotated[float, typer.Option(help="Logits above it are the object.")] = 0.0,
    box_nms_thresh: Annotated[
        float, typer.Option(help="IoU of boxes above which the less trusted mask goes.")
    ] = 0.7,
    crop_n_layers: Annotated[
        int, typer.Option(help="Look at crops too: 1: 4 of them, 2: 16 more, …")
    ] = 0,
    crop_nms_thresh: Annotated[
        float, typer.Option(help="The same as --box-nms-thresh, between crops.")
    ] = 0.7,
    crop_overlap_ratio: Annotated[
        float, typer.Option(help="Share of the image's shorter side by which crops overlap.")
    ] = 512 / 1500,
    crop_n_points_downscale_factor: Annotated[
        int, typer.Option(help="By which each layer of crops has fewer points a side.")
    ] = 1,
    min_mask_region_area: Annotated[
        float,
        typer.Option(help="Fill holes and remove specks of so many low-resolution pixels; 0: no."),
    ] = 0.0,
    use_m2m: Annotated[
        bool, typer.Option("--use-m2m", help="Refine each mask once; four times the work.")
    ] = False,
    multimask_output: Annotated[
        bool, typer.Option(help="Three masks for each click: parts, wholes and more.")
    ] = True,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = DEFAULT_DEVICE,
    precision: PrecisionOption = None,
    preset: PresetOption = Preset.quality,
    calibrate: CalibrateOption = None,
    overwrite: OverwriteOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary in JSON instead of the output's path.")
    ] = False,
) -> None:
    """Find the masks of everything in an image, or in all images of a folder.

    Clicks all over an image give masks; those that are good are kept, each thing once. Images that
    cannot be read are told and left out (exit code 1). Ctrl-C writes what is found so far (130).
    """
    check_calibration(preset, calibrate)
    from sam2ov.jobs.segment_images import SegmentJob, SegmentRun, settings_for

    thresholds = {
        "pred_iou_thresh": pred_iou_thresh,
        "stability_score_thresh": stability_score_thresh,
    }
    settings = settings_for(
        model,
        {
            **{name: value for name, value in thresholds.items() if value is not None},
            "points_per_side": points_per_side,
            "points_per_batch": points_per_batch,
            "stability_score_offset": stability_score_offset,
            "mask_threshold": mask_threshold,
            "box_nms_thresh": box_nms_thresh,
            "crop_n_layers": crop_n_layers,
            "crop_nms_thresh": crop_nms_thresh,
            "crop_overlap_ratio": crop_overlap_ratio,
            "crop_n_points_downscale_factor": crop_n_points_downscale_factor,
            "min_mask_region_area": min_mask_region_area,
            "use_m2m": use_m2m,
            "multimask_output": multimask_output,
        },
    )
    job = SegmentJob(
        images=images,
        out=out,
        format=output_format.value,
        settings=settings,
        model=model,
        preset=preset.value,
        device=device,
        precision=precision.value if precision is not None else None,
        calibrate=calibrate,
        overwrite=overwrite,
    )
    run = SegmentRun(job)
    code = _run(run)
    _report(run, as_json=as_json)
    if code:
        raise typer.Exit(code)


def _run(run: "SegmentRun") -> int:
    """Do a job, which Ctrl-C and other signals end early; gives the command's exit code."""
    with progress_display() as progress:
        run.load(progress, note=say)
    with progress_display() as progress, Interruptible() as interruptible:
        for step in run.work(lambda: interruptible.requested is not None):
            progress(step)
        if interruptible.requested is not None:
            return exit_code(interruptible.requested)
    return 1 if run.outcome.unreadable else 0


def _report(run: "SegmentRun", *, as_json: bool) -> None:
    outcome, model = run.outcome, run.model
    for reason in outcome.unreadable:
        say(f"Left out: {reason}")
    if not outcome.out:
        say("Nothing was written: there is no image whose masks were found.")
        return
    say(
        f"{sum(image.masks for image in outcome.images)} masks in {len(outcome.images)} of "
        f"{len(run.paths)} images took {outcome.seconds:.1f} s with {model.manifest.name} on "
        f"{model.device} ({model.precision})."
    )
    print(json.dumps(asdict(outcome), indent=1) if as_json else outcome.out)
