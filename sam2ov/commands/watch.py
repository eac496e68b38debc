"""``sam2ov watch``: the clips of a folder, as they come."""

from pathlib import Path
from typing import Annotated

import typer

from sam2ov.commands.batch import (
    end_with,
    make_executor,
    prepare_models,
    require_apart,
    run_shown,
)
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
from sam2ov.commands.console import say
from sam2ov.commands.detection_options import ClassesOption, EveryOption, MinScoreOption
from sam2ov.commands.interrupt import Interruptible
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
from sam2ov.errors import PromptError


def watch(
    folder: Annotated[Path, typer.Argument(help="Where clips arrive.", metavar="FOLDER")],
    out: Annotated[
        str, typer.Option(help="A folder for the results, outside of FOLDER, or a URL; see batch.")
    ],
    still: Annotated[
        float,
        typer.Option(
            min=0.5, help="A clip is complete when its files stay the same for so many seconds."
        ),
    ] = 5.0,
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
    non_overlap: Annotated[
        bool, typer.Option("--non-overlap", help="Give each pixel to one object at most.")
    ] = False,
    clean_up: CleanUpOption = None,
    field_order: FieldOrderOption = "auto",
    hold_gaps: Annotated[bool, typer.Option(help="As for track.")] = False,
    keep_projects: KeepProjectsOption = False,
    at_once: AtOnceOption = None,
    memory_gb: MemoryGbOption = None,
    ray: RayOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary in JSON at the end.")
    ] = False,
) -> None:
    """Track the clips of a folder, those that are there and those that come, until Ctrl-C.

    A clip is taken up when it is complete and has prompts: its own beside it, or those for all.
    What is done already is not done again; see batch.
    """
    from sam2ov.jobs.batch import open_place
    from sam2ov.jobs.batch.watching import WatchedFolder

    if not folder.is_dir():
        raise PromptError(f"{folder} is no folder. Make it first, or check the path.")
    require_apart(folder, out)
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
        first=None,
        last=None,
        non_overlap=non_overlap,
        clean_up=clean_up,
        field_order=field_order,
        hold_gaps=hold_gaps,
        keep_projects=keep_projects,
        classes=classes,
        min_score=min_score,
        every=every,
    )
    place = open_place(out)
    prepare_models([defaults.settings])
    say(f"Watching {folder}; results go to {out}. Ctrl-C ends it.")
    with Interruptible() as interruptible:

        def is_ended() -> bool:
            return interruptible.requested is not None

        executor = make_executor(place, is_ended, at_once=at_once, memory_gb=memory_gb, ray=ray)
        watched = WatchedFolder(folder, defaults, still, is_ended)
        summary = run_shown(watched.items(), place, executor, is_ended)
    end_with(summary, interruptible.requested, as_json=as_json)
