"""Files that go out of the app and come back in: exports and prompts."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from sam2ov.errors import ExportError, PromptError
from sam2ov.export import (
    ExportedObject,
    TrackedMasks,
    export_masks,
    export_matte,
    export_overlay,
)
from sam2ov.palette import from_hex, to_hex
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project import NewObject, Project
from sam2ov.project.archive import SUFFIX, save_project_file
from sam2ov.project.documents import MAX_NAME_LENGTH
from sam2ov.prompt_file import (
    ObjectPrompts,
    PromptFile,
    VideoFacts,
    from_prompts,
    parse_prompt_file,
    write_prompt_file,
)
from sam2ov.tracking_job import check_prompts
from sam2ov.ui.background import Finish, carry_out
from sam2ov.ui.clip import OpenClip
from sam2ov.ui.job import Job
from sam2ov.ui.messages import DownloadView
from sam2ov.ui.reporting import reported
from sam2ov.ui.workspace import Workspace
from sam2ov.ui.workspaces import Workspaces
from sam2ov.video import FrameReader

_Write = Callable[[TrackedMasks, FrameReader, Path, ProgressCallback, CancelCheck], object]


@dataclass(frozen=True)
class ExportKind:
    """Something that the page offers for download: its label, its file name, how it is made."""

    label: str
    suffix: str
    write: _Write


EXPORT_KINDS = {
    "overlay": ExportKind(
        "Overlay video (mp4)",
        "-overlay.mp4",
        lambda masks, video, path, progress, cancel: export_overlay(
            masks, video, path, progress=progress, cancel=cancel
        ),
    ),
    "matte": ExportKind(
        "Matte video (mp4)",
        "-matte.mp4",
        lambda masks, video, path, progress, cancel: export_matte(
            masks, video, path, progress=progress, cancel=cancel
        ),
    ),
    "masks": ExportKind(
        "Masks as PNGs (zip)",
        "-masks.zip",
        lambda masks, _, path, progress, cancel: export_masks(
            masks, path, progress=progress, cancel=cancel
        ),
    ),
}


class FileHandlers:
    """Events of exports and prompt files.

    Args:
        workspaces: of all tabs.
    """

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def export(self, kind: str, request: gr.Request) -> Iterator[str]:
        """Write a file and have the page download it; yields while it goes on."""
        workspace = self._workspaces.of(request)

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            clip = _required_clip(workspace)
            chosen = EXPORT_KINDS.get(kind)
            if chosen is None:
                raise ExportError(f"There is no export {kind!r}. Choose one from the list.")
            path = workspace.new_export(_stem(clip) + chosen.suffix)
            with clip.new_reader() as reader:
                chosen.write(_masks(clip.project), reader, path, progress, cancel)
            return lambda: _download(workspace, path)

        yield from carry_out(workspace, Job("export", "Exporting"), work)

    def save_prompts(self, request: gr.Request) -> str:
        """Write the prompts of all objects and have the page download them."""
        workspace = self._workspaces.of(request)
        with workspace.turn():
            download = None
            with reported():
                clip = _required_clip(workspace)
                path = workspace.new_export(_stem(clip) + "-prompts.json")
                write_prompt_file(path, _prompt_file(clip))
                download = _download(workspace, path)
            return workspace.snapshot(download=download)

    def open_prompts(self, path: str, request: gr.Request) -> Iterator[str]:
        """Replace the project by the prompts of a file; nothing changes if they do not fit."""
        workspace = self._workspaces.of(request)

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            clip = _required_clip(workspace)
            source = Path(path)
            prompts = parse_prompt_file(source.read_bytes(), source.name)
            clip.project.replace_objects(
                [
                    NewObject(
                        target.id,
                        target.label[:MAX_NAME_LENGTH],
                        to_hex(target.rgb),
                        {frame: (prompt,) for frame, prompt in by_frame.items()},
                    )
                    for target, (_, by_frame) in zip(
                        prompts.objects, check_prompts(clip.project.session, prompts), strict=True
                    )
                ],
                progress,
                cancel,
            )
            return lambda: None

        job = Job("load", "Answering the prompts", unit="prompts")
        yield from carry_out(workspace, job, work)

    def save_project(self, with_clip: bool, request: gr.Request) -> Iterator[str]:
        """Write the project to a file and have the page download it."""
        workspace = self._workspaces.of(request)

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            clip = _required_clip(workspace)
            path = workspace.new_export(_stem(clip) + SUFFIX)
            source = clip.path if with_clip and not clip.about.is_sample else None
            save_project_file(path, clip.about, clip.project.journal, source, progress, cancel)
            return lambda: _download(workspace, path)

        yield from carry_out(workspace, Job("export", "Saving the project", unit="bytes"), work)


def _required_clip(workspace: Workspace) -> OpenClip:
    if workspace.clip is None:
        raise PromptError("There is no clip open. Open the clip first.")
    return workspace.clip


def _masks(project: Project) -> TrackedMasks:
    prompted = project.prompted_objects()
    if not prompted:
        raise ExportError("There is nothing to export yet: click on an object and track it first.")
    objects = [
        ExportedObject(target.obj_id, target.name, from_hex(target.colour))
        for target in project.objects
        if target.obj_id in prompted and not target.hidden
    ]
    if not objects:
        raise ExportError("All objects are hidden. Show those that you want to export.")
    return TrackedMasks(project.session, objects, project.in_out)


def _prompt_file(clip: OpenClip) -> PromptFile:
    project = clip.project
    objects: list[ObjectPrompts] = [
        from_prompts(
            target.obj_id,
            project.session.prompts(target.obj_id),
            name=target.name,
            colour=target.colour,
        )
        for target in project.objects
        if target.obj_id in project.prompted_objects()
    ]
    if not objects:
        raise PromptError("There are no prompts to save yet: click on an object first.")
    info = clip.info
    facts = VideoFacts(
        file=clip.about.clip_name, num_frames=info.num_frames, width=info.width, height=info.height
    )
    return PromptFile(video=facts, objects=tuple(objects))


def _stem(clip: OpenClip) -> str:
    """What files made from a clip begin with: a name that any file system takes."""
    stem = re.sub(r"[^\w.-]+", "_", Path(clip.about.clip_name).stem).strip("._")
    return stem[:48] or "clip"


def _download(workspace: Workspace, path: Path) -> DownloadView:
    return DownloadView(url=f"media/{workspace.token}/exports/{path.name}", name=path.name)
