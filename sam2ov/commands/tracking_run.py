"""What ``sam2ov track`` does once its command line is understood."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sam2ov.cleanup.settings import CleanUp
from sam2ov.commands.console import progress_display, say
from sam2ov.commands.interrupt import Interruptible
from sam2ov.commands.outputs import Output
from sam2ov.progress import ProgressCallback

if TYPE_CHECKING:
    from sam2ov.engine.devices import Precision
    from sam2ov.engine.session import VideoSession
    from sam2ov.engine.tracking_job import Direction, TrackingOutcome
    from sam2ov.export.tracked_masks import ExportedObject
    from sam2ov.mask_files.prompt_file import PromptFile
    from sam2ov.upstream.video_predictor import SAM2VideoPredictor
    from sam2ov.video import FrameReader
    from sam2ov.zoo.presets import PresetName


@dataclass(frozen=True)
class TrackingRun:
    """The options of ``sam2ov track``, see there; ``start`` and ``end`` are included."""

    video: Path
    prompts: "PromptFile"
    output: Output
    save_prompts: Path | None
    model: str
    device: str
    precision: "Precision | None"
    preset: "PresetName"
    calibrate: Path | None
    direction: "Direction"
    start: int | None
    end: int | None
    fill_hole_area: int
    non_overlap: bool
    clean_up: CleanUp


@dataclass(frozen=True)
class ObjectSummary:
    """An object in the summary; counts are frames, ``absent`` ones are among the ``tracked``."""

    id: int
    name: str
    prompted: int
    tracked: int
    absent: int


@dataclass(frozen=True)
class Summary:
    """What ``--json`` prints; ``seconds`` and ``fps`` are those of tracking alone."""

    video: str
    model: str
    device: str
    precision: str
    preset: str
    frames: int
    first_frame: int
    direction: str
    interrupted: bool
    objects: list[ObjectSummary]
    seconds: float
    fps: float
    outputs: list[str]


def run_tracking(run: TrackingRun) -> Summary | None:
    """Track and write; None if interrupted before there was anything to write.

    Raises:
        typer.BadParameter: the range of frames is not in the video.
        Sam2ovError: whatever went wrong.
    """
    from sam2ov.engine.tracking_job import check_prompts, track_prompts
    from sam2ov.export.names import clip_stem
    from sam2ov.video import open_video

    run.output.check_places([run.video], clip_stem(run.video.name), _exported(run))
    # A damaged frame is left out now instead of ending the work after hours.
    with open_video(run.video, verify=True) as reader:
        frames = _chosen_frames(run, reader.num_frames)
        predictor = _load(run)
        with progress_display() as progress, predictor.init_state(reader) as session:
            check_prompts(session, run.prompts)
            if run.save_prompts is not None:
                _save_prompts(run.save_prompts, run.prompts, reader)
            with Interruptible() as interruptible:
                outcome = track_prompts(
                    session,
                    run.prompts,
                    direction=run.direction,
                    frames=frames,
                    progress=progress,
                    cancel=lambda: interruptible.requested,
                )
            if not outcome.steps:
                return None
            if not outcome.completed:
                say("Interrupted; writing what is tracked so far (Ctrl-C again: write nothing).")
            outputs = _write(run, session, reader, frames, progress)
            return _summarise(run, predictor, session, frames, outcome, outputs)


def _chosen_frames(run: TrackingRun, num_frames: int) -> range:
    start = 0 if run.start is None else run.start
    end = num_frames - 1 if run.end is None else run.end
    if not start <= end < num_frames:
        raise typer.BadParameter(
            f"--start {start} --end {end}: the video has frames 0 to {num_frames - 1}, and the "
            "start comes first."
        )
    return range(start, end + 1)


def _load(run: TrackingRun) -> "SAM2VideoPredictor":
    from sam2ov.upstream.video_predictor import SAM2VideoPredictor
    from sam2ov.zoo.loading import prepare_model

    with progress_display() as progress:
        prepared = prepare_model(
            run.model,
            device=run.device,
            precision=run.precision,
            preset=run.preset,
            calibrate=run.calibrate,
            progress=progress,
        )
    for note in prepared.notes:
        say(note)
    say(f"Loading {run.model} for {run.device} …")
    model = prepared.compile(run.device, run.precision)
    return SAM2VideoPredictor(
        model, fill_hole_area=run.fill_hole_area, non_overlap_masks=run.non_overlap
    )


def _save_prompts(path: Path, prompts: "PromptFile", reader: "FrameReader") -> None:
    from sam2ov.mask_files.prompt_file import VideoFacts, write_prompt_file

    height, width = reader.size_hw
    facts = VideoFacts(
        file=reader.info.path.name, num_frames=reader.num_frames, width=width, height=height
    )
    write_prompt_file(path, prompts.model_copy(update={"video": facts}))


def _exported(run: TrackingRun) -> list["ExportedObject"]:
    from sam2ov.export.tracked_masks import ExportedObject

    return [
        ExportedObject(target.id, target.label, target.rgb, run.clean_up)
        for target in run.prompts.objects
    ]


def _write(
    run: TrackingRun,
    session: "VideoSession",
    reader: "FrameReader",
    frames: range,
    progress: ProgressCallback,
) -> list[Path]:
    from sam2ov.export.plan import ExportSource
    from sam2ov.export.tracked_masks import TrackedMasks

    masks = TrackedMasks(session, _exported(run), frames, non_overlapping=run.non_overlap)
    return run.output.write([ExportSource.of(run.video.name, reader, masks)], progress)


def _summarise(
    run: TrackingRun,
    predictor: "SAM2VideoPredictor",
    session: "VideoSession",
    frames: range,
    outcome: "TrackingOutcome",
    outputs: list[Path],
) -> Summary:
    from sam2ov.engine.tracking_job import count_frames

    names = {target.id: target.label for target in run.prompts.objects}
    return Summary(
        video=str(run.video),
        model=predictor.model.manifest.name,
        device=predictor.model.device,
        precision=predictor.model.precision,
        preset=run.preset,
        frames=len(frames),
        first_frame=frames[0],
        direction=run.direction,
        interrupted=not outcome.completed,
        objects=[
            ObjectSummary(
                counts.obj_id, names[counts.obj_id], counts.prompted, counts.tracked, counts.absent
            )
            for counts in count_frames(session, frames)
        ],
        seconds=round(outcome.seconds, 3),
        fps=round(outcome.steps / outcome.seconds, 3),
        outputs=[str(path) for path in outputs],
    )
