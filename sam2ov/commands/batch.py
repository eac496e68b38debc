"""``sam2ov batch``: many clips, side by side, resumed where they were."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sam2ov.commands.batch_display import batch_display, tell_summary
from sam2ov.commands.batch_options import (
    AtOnceOption,
    FormatsOption,
    KeepProjectsOption,
    MemoryGbOption,
    RayOption,
    SharedPromptsOption,
    make_defaults,
)
from sam2ov.commands.clean_up_options import CleanUpOption
from sam2ov.commands.console import progress_display, say
from sam2ov.commands.detection_options import ClassesOption, EveryOption, MinScoreOption
from sam2ov.commands.interrupt import Interruptible, exit_code
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
)
from sam2ov.commands.outputs import FieldOrderOption
from sam2ov.commands.track import DirectionName

if TYPE_CHECKING:
    from sam2ov.jobs import TrackingSettings
    from sam2ov.jobs.batch import BatchItem, BatchSummary, Place
    from sam2ov.jobs.batch.run import Executor
    from sam2ov.progress import CancelCheck


def batch(
    jobs: Annotated[
        Path,
        typer.Argument(
            help="A folder of clips, each with a prompt file beside it; or a manifest: .csv, "
            ".jsonl or .yaml.",
            metavar="JOBS",
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            help="A folder for the results, one in it for each clip; or a URL that fsspec knows, "
            "as in s3://bucket/results."
        ),
    ],
    prompts: SharedPromptsOption = None,
    classes: ClassesOption = None,
    min_score: MinScoreOption = 0.5,
    every: EveryOption = 1,
    formats: FormatsOption = None,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = DEFAULT_DEVICE,
    precision: PrecisionOption = None,
    preset: PresetOption = Preset.quality,
    memory: MemoryOption = None,
    calibrate: CalibrateOption = None,
    direction: Annotated[DirectionName, typer.Option(help="As for track.")] = DirectionName.both,
    start: Annotated[
        int | None, typer.Option(min=0, help="The first frame to track and write, from 0.")
    ] = None,
    end: Annotated[int | None, typer.Option(min=0, help="The last frame, included.")] = None,
    non_overlap: Annotated[
        bool, typer.Option("--non-overlap", help="Give each pixel to one object at most.")
    ] = False,
    clean_up: CleanUpOption = None,
    field_order: FieldOrderOption = "auto",
    hold_gaps: Annotated[bool, typer.Option(help="As for track.")] = False,
    keep_projects: KeepProjectsOption = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try clips again that have failed before.")
    ] = False,
    at_once: AtOnceOption = None,
    memory_gb: MemoryGbOption = None,
    ray: RayOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary in JSON instead of a table.")
    ] = False,
) -> None:
    """Track many clips, side by side, and write each one's results into a folder of its own.

    What is done is not done again: a batch that was ended goes on, and of one whose clips, prompts
    or settings have changed only that is done which they touch. A clip that fails is written down
    with its reason and stops nothing.

    Ctrl-C ends the batch at a frame; clips that are done stay. Exit code 1 if a clip has failed.
    """
    from sam2ov.jobs.batch import list_jobs, open_place

    defaults = make_defaults(
        prompts=prompts,
        formats=formats,
        model=model,
        device=device,
        precision=precision,
        preset=preset,
        memory=memory,
        calibrate=calibrate,
        direction=direction.value,
        first=start,
        last=end,
        non_overlap=non_overlap,
        clean_up=clean_up,
        field_order=field_order,
        hold_gaps=hold_gaps,
        keep_projects=keep_projects,
        classes=classes,
        min_score=min_score,
        every=every,
    )
    require_apart(jobs, out)
    items = list_jobs(jobs, defaults)
    place = open_place(out)
    say(f"{len(items)} clips; results go to {out}.")
    prepare_models(item.settings for item in items)
    with Interruptible() as interruptible:

        def is_ended() -> bool:
            return interruptible.requested is not None

        executor = make_executor(
            place, is_ended, at_once=at_once, memory_gb=memory_gb, ray=ray, clips=len(items)
        )
        summary = run_shown(
            items,
            place,
            executor,
            is_ended,
            total=len(items),
            retry_failed=retry_failed,
        )
        requested = interruptible.requested
    end_with(summary, requested, as_json=as_json)


def require_apart(clips: Path, out: str) -> None:
    """Raise typer.BadParameter where results would be found among the clips, and be taken for some.

    Links and ``..`` are followed.
    """
    if clips.is_dir() and "://" not in out and Path(out).resolve().is_relative_to(clips.resolve()):
        raise typer.BadParameter(
            f"{out} is in {clips}: the results would be taken for clips.", param_hint="--out"
        )


def end_with(summary: "BatchSummary", requested: int | None, *, as_json: bool) -> None:
    """Say how it went, and end with the exit code of that."""
    tell_summary(summary)
    if as_json:
        print(json.dumps(_facts(summary), indent=1))
    if summary.interrupted and requested is not None:
        raise typer.Exit(exit_code(requested))
    if summary.failed:
        raise typer.Exit(1)


def _facts(summary: "BatchSummary") -> dict[str, Any]:
    """A summary as it is printed in JSON."""
    return {
        "clips": summary.total,
        "done": sorted(summary.done),
        "unchanged": summary.unchanged,
        "failed": dict(sorted(summary.failed.items())),
        "left": summary.left,
        "frames": summary.frames,
        "seconds": round(summary.seconds, 3),
        "interrupted": summary.interrupted,
    }


def run_shown(
    items: "Iterable[BatchItem | None]",
    place: "Place",
    executor: "Executor",
    is_ended: "CancelCheck",
    *,
    total: int | None = None,
    retry_failed: bool = False,
) -> "BatchSummary":
    """Run a batch with a table of what is being done on a terminal, and lines elsewhere."""
    from sam2ov.jobs.batch import run_batch

    with batch_display() as look:
        return run_batch(
            items,
            place,
            executor,
            total=total,
            retry_failed=retry_failed,
            look=look,
            cancel=is_ended,
        )


def make_executor(
    place: "Place",
    is_ended: "CancelCheck",
    *,
    at_once: int | None,
    memory_gb: float | None,
    ray: str | None,
    clips: int | None = None,
) -> "Executor":
    """Who tracks: processes of this machine, or a cluster.

    Raises:
        DeviceError: the cluster cannot be reached, or Ray is not installed.
    """
    from sam2ov.jobs.batch.machine import machine_limits
    from sam2ov.jobs.batch.pool import Pool

    if ray is None:
        return Pool(place, machine_limits(at_once, memory_gb, clips), is_ended)
    if at_once is not None or memory_gb is not None:
        raise typer.BadParameter("--at-once and --memory-gb are for this machine, not for --ray.")
    from sam2ov.jobs.batch.cluster import Cluster

    return Cluster(place, ray, is_ended)


def prepare_models(wanted: "Iterable[TrackingSettings]") -> None:
    """Fetch and convert what the clips need, before processes wait for each other to do it."""
    from sam2ov.zoo.loading import prepare_model

    seen = set()
    with progress_display() as progress:
        for settings in wanted:
            key = (
                settings.model,
                settings.device,
                settings.precision,
                settings.preset,
                settings.memory,
                settings.calibrate,
            )
            if key in seen:
                continue
            seen.add(key)
            prepared = prepare_model(
                settings.model,
                device=settings.device,
                precision=settings.precision,
                preset=settings.preset,
                memory=settings.memory,
                calibrate=settings.calibrate,
                progress=progress,
            )
            for note in prepared.notes:
                say(note)
