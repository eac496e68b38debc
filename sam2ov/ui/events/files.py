"""Files that go out of the app and come back in: exports and prompts."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import gradio as gr

from sam2ov.errors import ExportError, PromptError
from sam2ov.export.names import clip_stem
from sam2ov.export.plan import ExportSource
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.mask_files.fitting import fitted
from sam2ov.mask_files.isolated import read_prompts_or_masks
from sam2ov.mask_files.prompt_file import (
    ObjectPrompts,
    PromptFile,
    VideoFacts,
    fitting_prompts,
    from_prompts,
    write_prompt_file,
)
from sam2ov.mask_files.reading import Choice
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project import NewObject, Project
from sam2ov.project.archive import SUFFIX, save_project_file
from sam2ov.ui.contract.messages import DownloadView
from sam2ov.ui.contract.payloads import Export, OpenPrompts, Save, parse
from sam2ov.ui.events.background import Finish, carry_out
from sam2ov.ui.events.export_form import settings_of, wanted_format, write_download
from sam2ov.ui.events.reporting import reported
from sam2ov.ui.pool.models import ModelPool
from sam2ov.ui.tabs.clip import OpenClip
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.workspace import Workspace
from sam2ov.ui.tabs.workspaces import Workspaces
from sam2ov.values.objects import MAX_NAME_LENGTH, ClipObject

_MAX_TEXT_BYTES = 64 << 20


class FileHandlers:
    """Events of exports and prompt files.

    Args:
        workspaces: of all tabs.
        models: shared by all tabs.
    """

    def __init__(self, workspaces: Workspaces, models: ModelPool) -> None:
        self._workspaces = workspaces
        self._models = models

    def export(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Write a file and have the page download it; yields while it goes on."""
        workspace = self._workspaces.of(request)

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            with workspace.attached() as attachment:
                asked = parse(Export, event)
                clip = _required_clip(workspace)
                wanted, settings = wanted_format(asked.format), settings_of(asked, attachment)
                project = clip.project
                shown = _to_export(project, asked.objects)
                frames = None if asked.whole_clip else project.in_out
                masks = TrackedMasks(project.session, shown, frames)
                place = workspace.new_export(f"{_stem(clip)}-{wanted.name}")
                with clip.new_reader() as reader:
                    source = ExportSource.of(clip.about.clip_name, reader, masks)
                    path = write_download(wanted, source, place, settings, progress, cancel)
            self._note(workspace, "export", path)
            return lambda: _download(workspace, path)

        yield from carry_out(workspace, "export", Job("export", "Exporting"), work)

    def save_prompts(self, request: gr.Request) -> str:
        """Write the prompts of all objects and have the page download them."""
        workspace = self._workspaces.of(request)
        with workspace.turn():
            workspace.begin("prompts")
            download = None
            with reported(workspace, "prompts"):
                clip = _required_clip(workspace)
                path = workspace.new_export(_stem(clip) + "-prompts.json")
                write_prompt_file(path, _prompt_file(clip))
                download = _download(workspace, path)
            return workspace.snapshot(download=download)

    def open_prompts(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Replace the project by the prompts or masks of the attachment; yields meanwhile.

        It is of any kind that ``sam2ov.mask_files`` reads. Nothing changes if they do not fit.
        """
        workspace = self._workspaces.of(request)

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            asked = parse(OpenPrompts, event)
            clip = _required_clip(workspace)
            numbers = clip.info.frame_numbers
            choice = Choice(
                every=1 if asked.masks == "all" else None,
                numbers=() if numbers is None else tuple(numbers.tolist()),
                size_hw=clip.info.size_hw,
            )
            with workspace.attached() as path:
                if path is None:
                    raise PromptError("There is no file of prompts or masks. Choose one.")
                prompts = read_prompts_or_masks(path, choice, _MAX_TEXT_BYTES, cancel)
            session = clip.project.session
            known = fitted(prompts, clip.about.clip_name, session.num_frames, session.size_hw)
            prompts = known.prompts
            fitting = fitting_prompts(prompts, session.num_frames, session.size_hw)
            clip.project.objects.replace(
                [
                    NewObject(
                        _with_short_name(target.known_as()),
                        {frame: (prompt,) for frame, prompt in by_frame.items()},
                    )
                    for target, by_frame in zip(prompts.objects, fitting.values(), strict=True)
                ],
                progress,
                cancel,
                lambda: self._models.turns.step(cancel),
            )
            return lambda: workspace.tell("prompts", known.note) if known.note else None

        job = Job("load", "Answering the prompts", unit="prompts")
        yield from carry_out(workspace, "prompts", job, work)

    def save_project(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Write the project to a file and have the page download it."""
        workspace = self._workspaces.of(request)

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            with_clip = parse(Save, event).with_clip
            clip = _required_clip(workspace)
            path = workspace.new_export(_stem(clip) + SUFFIX)
            source = clip.path if with_clip and not clip.about.is_sample else None
            with ExitStack() as stack:
                pictures = None
                if source is None and not clip.about.is_sample:
                    pictures = stack.enter_context(clip.new_reader())
                save_project_file(
                    path,
                    clip.about,
                    clip.project.journal,
                    source,
                    progress,
                    cancel,
                    pictures=pictures,
                )
            self._note(workspace, "save project", path)
            return lambda: _download(workspace, path)

        job = Job("export", "Saving the project", unit="bytes")
        yield from carry_out(workspace, "project", job, work)

    def _note(self, workspace: Workspace, action: str, path: Path) -> None:
        self._workspaces.usage.note(workspace.caller, action, bytes=path.stat().st_size)


def _required_clip(workspace: Workspace) -> OpenClip:
    if workspace.clip is None:
        raise PromptError("There is no clip open. Open the clip first.")
    return workspace.clip


def _to_export(project: Project, chosen: list[int] | None) -> list[ClipObject]:
    return _shown(project) if chosen is None else _chosen(project, chosen)


def _shown(project: Project) -> list[ClipObject]:
    """All objects that have masks and are not hidden."""
    prompted = project.prompts.obj_ids()
    if not prompted:
        raise ExportError("There is nothing to export yet: click on an object and track it first.")
    shown = [o for o in project.objects if o.obj_id in prompted and not o.hidden]
    if not shown:
        raise ExportError("All objects are hidden. Show those that you want to export.")
    return shown


def _chosen(project: Project, obj_ids: list[int]) -> list[ClipObject]:
    """The objects that are chosen on the page, in the order of the list."""
    prompted = project.prompts.obj_ids()
    chosen = [o for o in project.objects if o.obj_id in obj_ids and o.obj_id in prompted]
    if not chosen:
        raise ExportError(
            "What is chosen has no masks yet: click on it and track it first, or export all."
        )
    return chosen


def _with_short_name(target: ClipObject) -> ClipObject:
    return replace(target, name=target.name[:MAX_NAME_LENGTH])


def _prompt_file(clip: OpenClip) -> PromptFile:
    project = clip.project
    objects: list[ObjectPrompts] = [
        from_prompts(target, project.session.prompts(target.obj_id))
        for target in project.objects
        if target.obj_id in project.prompts.obj_ids()
    ]
    if not objects:
        raise PromptError("There are no prompts to save yet: click on an object first.")
    info = clip.info
    facts = VideoFacts(
        file=clip.about.clip_name, num_frames=info.num_frames, width=info.width, height=info.height
    )
    return PromptFile(video=facts, objects=tuple(objects))


def _stem(clip: OpenClip) -> str:
    return clip_stem(clip.about.clip_name)


def _download(workspace: Workspace, path: Path) -> DownloadView:
    return DownloadView(
        url=f"media/{workspace.token}/exports/{path.name}",
        name=path.name,
        bytes=path.stat().st_size,
    )
