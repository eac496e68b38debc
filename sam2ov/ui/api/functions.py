"""The public functions of the app: what its page does, for programs.

``gradio_client`` calls them by name, MCP clients as tools (``sam2ov app --mcp``). They share the
model with the pages, frame by frame, and keep nothing: a call opens a session of its own, which
ends with it. Files come as uploads that Gradio has checked, never as paths on the server.
"""

import json
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast, get_args

import gradio as gr
from gradio import FileData
from gradio.events import api
from PIL import Image
from pydantic import ValidationError

from sam2ov.engine.plan import Direction
from sam2ov.engine.policy import PolicyName
from sam2ov.errors import (
    ExportError,
    PromptError,
    plain_fault,
)
from sam2ov.export import ExportFormat
from sam2ov.export.formats import FORMATS, FormatName
from sam2ov.export.names import clip_stem
from sam2ov.jobs import ClipJob, ClipRun, Output
from sam2ov.mask_files.prompt_file import PromptFile, parse_prompt_file
from sam2ov.ui.api.calls import (
    TOLD_EVERY_SECONDS,
    called_by,
    checked_model,
    checked_upload,
    either,
    file_of,
    gives,
    reported,
)
from sam2ov.ui.api.everything import ImageApi
from sam2ov.ui.api.types import (
    FormatFields,
    FramePromptFields,
    ModelFields,
    PointFields,
    PromptFields,
)
from sam2ov.ui.events.abandoned import closed_elsewhere
from sam2ov.ui.events.export_form import options_of, wanted_format
from sam2ov.ui.gate.usage import Usage
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.pool.offers import offered_models
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.workspaces import caller_of_page
from sam2ov.unfinished import ScratchFolder
from sam2ov.values.clean_up import CleanUp
from sam2ov.values.field_order import FieldOrder
from sam2ov.values.objects import MAX_OBJECTS
from sam2ov.zoo.presets import PresetName


class PublicApi:
    """The functions; ``offer`` publishes them.

    Args:
        models: shared with the pages.
        settings: the same limits hold.
        choice: the model and the device that the server was started with.
        usage: counts what each user takes; None for no limits and no log.
    """

    def __init__(
        self,
        models: ModelPool,
        settings: Settings,
        choice: ModelChoice,
        usage: Usage | None = None,
    ) -> None:
        self._usage = usage or Usage()
        self._models = models
        self._settings = settings
        self._choice = choice

    def offer(self) -> None:
        """Publish the functions; called while the page is put together."""
        at_once = self._settings.max_tracking + 2
        api(closed_elsewhere(self.track), api_name="track", concurrency_limit=at_once)
        api(
            closed_elsewhere(self.segment_frame),
            api_name="segment_frame",
            concurrency_limit=at_once,
        )
        ImageApi(self._models, self._settings, self._choice, self._usage).offer(at_once)
        api(self.list_models, api_name="list_models", queue=False)
        api(self.list_formats, api_name="list_formats", queue=False)

    @gives(FileData)
    def track(
        self,
        video: FileData,
        prompts: PromptFields,
        model: str | None = None,
        direction: Direction = "both",
        output: FormatName = "overlay",
        options: dict[str, bool | float | str] | None = None,
        clean_up: dict[str, float] | None = None,
        preset: PresetName | None = None,
        field_order: FieldOrder = "auto",
        square_pixels: bool = False,
        memory: PolicyName | None = None,
        request: gr.Request | None = None,
    ) -> Iterator[dict[str, Any] | None]:
        """Track objects through a video and return a file with their masks.

        Args:
            video: the clip: mp4, mov, mkv, webm and more.
            prompts: what to track, as in a prompts.json: {"objects": [{"id": 1, "prompts":
                [{"frame": 0, "points": [{"x": 320, "y": 180, "label": 1}], "box": [x0, y0, x1,
                y1]}]}]}. Coordinates are video pixels, x to the right, y down; frames count from
                0; label 1 lies on the object, 0 does not.
            model: a name that list_models gives as "bundled" or "cached"; the server's own if
                left out.
            preset: quality (the best masks), balanced or fast; the server's own if left out.
            memory: upstream (the last frames) or distractor-aware (also frames with look-alikes,
                none without the object); the server's own if left out.
            direction: forward from each object's first prompt, backward from its last, or both,
                which gives it a mask on every frame.
            output: the format of the file: overlay (an mp4 with the objects in colour), matte (a
                black and white mp4), davis (a zip of PNGs, whose values are the numbers of the
                objects), masks (a zip of PNGs, one per object), and more: list_formats.
            options: of the format, as list_formats describes them.
            clean_up: what is done to all masks before they are written, in pixels of the video or
                frames: fill_holes, remove_specks, close_gaps, steady, smooth, grow, feather.
            field_order: how an interlaced clip is read: auto looks at its pictures and makes them
                whole, tff and bff say which field comes first, off leaves them.
            square_pixels: scale pictures and masks of a clip whose pixels are not square.
            request: who calls; not given by callers.

        Returns:
            The file.
        """
        with reported(), ScratchFolder("sam2ov-call-") as folder:
            clip, called = checked_upload(video), called_by(video)
            kind = _checked_form(output, options or {})
            place = folder / f"{clip_stem(called)}-{kind.name}{kind.file_suffix}"
            job = ClipJob(
                clip=clip,
                prompts=_checked_prompts(prompts),
                direction=_checked_direction(direction),
                clean_up=_checked_clean_up(clean_up or {}),
                outputs=(
                    Output(
                        path=place,
                        format=kind.name,
                        options=options or {},
                        square_pixels=square_pixels,
                    ),
                ),
                field_order=_checked_field_order(field_order),
            )
            with self._opened(job, called, model, preset, memory) as run:
                tell, task = gr.Progress(), Job("track", "Tracking", unit="frames")
                told, caller, counted = 0.0, caller_of_page(request), time.monotonic()
                self._usage.require(caller, "tracking")
                for step in self._models.turns.tracked(run.work(), task):
                    if step is None:
                        tell(0, desc=f"Waiting for a free place: {task.waiting} before this")
                    else:
                        tell((step.done, step.total), desc=step.stage)
                        self._usage.spend(caller, "tracking", time.monotonic() - counted)
                        self._usage.require(caller, "tracking")
                    counted = time.monotonic()
                    if time.monotonic() - told > TOLD_EVERY_SECONDS:
                        told = time.monotonic()
                        yield None
                export = Job("export", "Exporting")
                (path,) = yield from _followed(export.run(run.write), export, tell)
            self._usage.note(caller, "api track", bytes=path.stat().st_size)
            yield file_of(path)

    @gives(FileData)
    def segment_frame(
        self,
        video: FileData,
        frame: int = 0,
        points: list[PointFields] | None = None,
        box: list[float] | None = None,
        model: str | None = None,
        preset: PresetName | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Segment one object on one frame of a video.

        Args:
            video: the clip.
            frame: counted from 0.
            points: clicks in video pixels: [{"x": 320, "y": 180, "label": 1}]; label 1 lies on
                the object, 0 does not.
            box: a box around the object in video pixels, [x0, y0, x1, y1]; points, a box or both.
            model: a name that list_models gives as "bundled" or "cached"; the server's own if
                left out.
            preset: quality (the best masks), balanced or fast; the server's own if left out.

        Returns:
            A PNG of the video's size: 255 where the object is, 0 elsewhere.
        """
        with reported(), ScratchFolder("sam2ov-call-") as folder:
            clip, called = checked_upload(video), called_by(video)
            prompt: FramePromptFields = {"frame": frame, "points": points or [], "box": box}
            wanted = _checked_prompts({"objects": [{"id": 1, "prompts": [prompt]}]})
            job = ClipJob(clip=clip, prompts=wanted)
            with self._opened(job, called, model, preset) as run:
                with self._models.turns.click():
                    next(run.prompt())
                session = run.session
                logits = session.to_video_size(session.mask_logits(frame, [1]))
            path = folder / f"{clip_stem(called)}-{frame}.png"
            Image.fromarray((logits[0] > 0).astype("uint8") * 255).save(path)
            yield file_of(path)

    def list_models(self) -> list[ModelFields]:
        """List the models: those on the server can be used, others can be got on its page.

        Returns:
            Name, status ("bundled", "cached" or "available"), what it is good for, and its size
            in bytes as a download and on the server's disk.
        """
        return [
            ModelFields(
                name=offer.name,
                status=offer.status,
                description=offer.description,
                download_bytes=offer.download_bytes,
                disk_bytes=offer.disk_bytes,
            )
            for offer in offered_models(self._choice.model)
        ]

    def list_formats(self) -> list[FormatFields]:
        """List the formats that track writes.

        Returns:
            Name, what it is for, how the file's name ends, whether it has alpha and is lossless,
            and its options as JSON Schema.
        """
        return [
            FormatFields(
                name=known.name,
                purpose=known.purpose,
                suffix=known.file_suffix,
                alpha=known.has_alpha,
                lossless=known.is_lossless,
                options=known.options.model_json_schema().get("properties", {}),
            )
            for known in FORMATS.values()
        ]

    @contextmanager
    def _opened(
        self,
        job: ClipJob,
        called: str,
        model: str | None,
        preset: PresetName | None,
        memory: PolicyName | None = None,
    ) -> Iterator[ClipRun]:
        """A job on an upload with one of the server's models; closed afterwards."""
        tracker = self._models.get(checked_model(self._choice, model, preset, memory))
        with ClipRun(job, tracker, limits=self._settings.video, name=called) as run:
            yield run


def _followed(
    running: Generator[None, None, tuple[Path, ...]], job: Job, tell: gr.Progress
) -> Generator[None, None, tuple[Path, ...]]:
    """Tell the caller how far a job is until it is done; returns what it gives."""
    with closing(running):
        while True:
            try:
                next(running)
            except StopIteration as done:
                return cast("tuple[Path, ...]", done.value)
            tell((job.done, job.total or None), desc="Writing the file")
            yield None


def _checked_prompts(prompts: PromptFields) -> PromptFile:
    wanted = parse_prompt_file(json.dumps(prompts), "prompts")
    if len(wanted.objects) > MAX_OBJECTS:
        raise PromptError(
            f"There are {len(wanted.objects)} objects; a call takes up to {MAX_OBJECTS}. Split it."
        )
    return wanted


def _checked_form(output: str, options: dict[str, bool | float | str]) -> ExportFormat:
    """The format; options that would name a file of the server are refused."""
    wanted = wanted_format(output)
    options_of(wanted, options, {})
    return wanted


def _checked_clean_up(values: dict[str, float]) -> CleanUp:
    try:
        return CleanUp.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        what = ".".join(map(str, first["loc"])) or "values"
        known = ", ".join(CleanUp.model_fields)
        raise ExportError(
            f"The clean-up cannot be done ({what}: {plain_fault(first)}). There is: {known}."
        ) from error


def _checked_direction(direction: str) -> Direction:
    known = get_args(Direction)
    if direction not in known:
        raise PromptError(f"There is no direction {direction!r}: {either(known)}.")
    return cast("Direction", direction)


def _checked_field_order(order: str) -> FieldOrder:
    known = get_args(FieldOrder)
    if order not in known:
        raise PromptError(f"There is no field order {order!r}: {either(known)}.")
    return cast("FieldOrder", order)
