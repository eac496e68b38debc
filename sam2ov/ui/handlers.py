"""What happens on the server when the user does something in the editor."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import gradio as gr

from sam2ov.errors import TrackingError, VideoError
from sam2ov.samples import SAMPLE_NAME, SAMPLE_PATH
from sam2ov.tracking_job import Segment
from sam2ov.ui.clip import OpenClip, Upload
from sam2ov.ui.job import Job
from sam2ov.ui.model_pool import ModelPool
from sam2ov.ui.payloads import (
    AddObject,
    Box,
    ChangeObject,
    ClearFrame,
    Click,
    Edit,
    Open,
    Prepare,
    Track,
    Undo,
    parse,
    parse_edit,
)
from sam2ov.ui.project import Project
from sam2ov.ui.reporting import reported
from sam2ov.ui.tracking import plan_tracking
from sam2ov.ui.workspace import Workspace
from sam2ov.ui.workspaces import Workspaces

_SECONDS_BETWEEN_FRAMES = 0.07
"""While tracking, the page is told of a frame at most this often."""


@dataclass(frozen=True)
class _Change:
    """The frame that an edit changed; ``moves`` says that the page should go there."""

    frame_idx: int | None = None
    moves: bool = False


class EditorHandlers:
    """The editor's events. Each answers with a snapshot, also when something went wrong.

    Args:
        workspaces: of all tabs.
        models: shared by all tabs.
    """

    def __init__(self, workspaces: Workspaces, models: ModelPool) -> None:
        self._workspaces = workspaces
        self._models = models

    def ready(self, request: gr.Request) -> str:
        """The page has been loaded."""
        workspace = self._workspaces.of(request)
        with workspace.turn():
            return workspace.snapshot()

    def unload(self, request: gr.Request) -> None:
        """The connection to the page has ended, perhaps only for a while."""
        if request.session_hash is not None:
            self._workspaces.lose(request.session_hash)

    def open(self, event: gr.EventData, request: gr.Request) -> str:
        """Open the sample or what was uploaded last."""
        workspace = self._workspaces.of(request)
        with workspace.turn():
            with reported():
                wanted = parse(Open, event)
                sample = Upload(SAMPLE_PATH, SAMPLE_NAME)
                source = sample if wanted.source == "sample" else workspace.upload
                if source is None:
                    raise VideoError("There is no upload to open. Choose the clip again.")
                self._workspaces.make_room(workspace)
                workspace.replace_clip(self._open_clip(workspace, source))
            workspace.opened += 1
            return workspace.snapshot(show_frame=0)

    def edit(self, event: gr.EventData, request: gr.Request) -> str:
        """Change prompts or objects."""
        workspace = self._workspaces.of(request)
        with workspace.turn():
            change = _Change()
            with reported():
                edit = parse_edit(event)
                workspace.edits = max(workspace.edits, edit.number)
                workspace.require_editable()
                change = _apply(edit, workspace.clip_of(edit.clip).project)
            return workspace.snapshot(
                mask_frame=change.frame_idx,
                show_frame=change.frame_idx if change.moves else None,
            )

    def prepare(self, event: gr.EventData, request: gr.Request) -> None:
        """Embed the frame that the user looks at, so that a click is answered at once."""
        workspace = self._workspaces.of(request)
        with reported():
            wanted = parse(Prepare, event)
            clip = workspace.clip
            if clip is not None and clip.token == wanted.clip and workspace.job is None:
                clip.project.session.prepare_frame(wanted.frame)

    def cancel(self, request: gr.Request) -> None:
        """Stop the tab's long operation after its current step."""
        job = self._workspaces.of(request).job
        if job is not None:
            job.cancel()

    def track(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Track all objects; yields while it goes on. What is done when it stops is kept."""
        workspace = self._workspaces.of(request)
        job: Job | None = None
        with workspace.turn():
            with reported():
                wanted = parse(Track, event)
                project = workspace.clip_of(wanted.clip).project
                segments = _plan(project, wanted)
                total = sum(segment.num_frames for segment in segments)
                job = workspace.start(Job("track", "Tracking", total))
            snapshot = workspace.snapshot()
        yield snapshot
        if job is None:
            return
        last: int | None = None
        try:
            with reported():
                for last in _throttled(_run(project, segments, job)):
                    with workspace.turn():
                        snapshot = workspace.snapshot(mask_frame=last, show_frame=last)
                    yield snapshot
        finally:
            workspace.finish(job)
        with workspace.turn():
            project.revision += 1
            snapshot = workspace.snapshot(mask_frame=last, show_frame=last)
        yield snapshot

    def _open_clip(self, workspace: Workspace, source: Upload) -> OpenClip:
        tracker = self._models.get(workspace.choice)
        try:
            limits = self._workspaces.settings.video
            return OpenClip.open(source, tracker, workspace.folder, limits)
        except VideoError as error:
            # The user knows the file by another name than the server.
            raise VideoError(str(error).replace(str(source.path), source.name)) from error


def _apply(edit: Edit, project: Project) -> _Change:
    match edit:
        case Click():
            project.click(edit)
            return _Change(edit.frame)
        case Box():
            project.box(edit)
            return _Change(edit.frame)
        case ClearFrame():
            project.clear_frame(edit.object, edit.frame)
            return _Change(edit.frame)
        case Undo():
            return _Change(project.undo(), moves=True)
        case AddObject():
            project.add_object()
        case ChangeObject():
            project.change_object(edit.object, edit.name, edit.colour)
        case _:
            project.remove_object(edit.object)
    return _Change()


def _plan(project: Project, wanted: Track) -> list[Segment]:
    if not project.prompted_objects():
        raise TrackingError(
            "There is nothing to track yet: click on an object in the picture first."
        )
    segments = plan_tracking(project, wanted.direction, wanted.frame)
    if not segments:
        raise TrackingError(
            "Everything in this direction is tracked already from the present prompts. Correct a "
            "frame with a click, or go to another part of the clip."
        )
    return segments


def _run(project: Project, segments: list[Segment], job: Job) -> Iterator[int]:
    """Track, and yield each finished frame."""
    for segment in segments:
        present = [i for i in segment.obj_ids if i in project.session.obj_ids]
        if not present:
            continue
        for step in project.session.propagate(
            segment.first, segment.num_frames - 1, reverse=segment.reverse, obj_ids=present
        ):
            job.done += 1
            yield step.frame_idx
            if job.cancelled:
                return


def _throttled(frames: Iterator[int]) -> Iterator[int]:
    """The frames that the page can keep up with, and the last one."""
    told = 0.0
    frame_idx: int | None = None
    is_told = True
    for frame_idx in frames:
        is_told = time.monotonic() - told >= _SECONDS_BETWEEN_FRAMES
        if is_told:
            told = time.monotonic()
            yield frame_idx
    if not is_told and frame_idx is not None:
        yield frame_idx
