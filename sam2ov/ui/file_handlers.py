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
from sam2ov.ui.model_pool import ModelPool
from sam2ov.ui.payloads import MAX_NAME_LENGTH, MAX_OBJECT_ID, MAX_OBJECTS
from sam2ov.ui.project import Project, ProjectObject
from sam2ov.ui.prompt_log import PromptLog
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
        models: shared by all tabs.
    """

    def __init__(self, workspaces: Workspaces, models: ModelPool) -> None:
        self._workspaces = workspaces
        self._models = models

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
            _check_size(prompts)
            project = self._answered(workspace, clip, prompts, progress, cancel)

            def finish() -> None:
                if workspace.clip is clip:
                    clip.adopt(project)
                else:
                    project.session.close()

            return finish

        job = Job("load", "Answering the prompts", unit="prompts")
        yield from carry_out(workspace, job, work)

    def _answered(
        self,
        workspace: Workspace,
        clip: OpenClip,
        prompts: PromptFile,
        progress: ProgressCallback,
        cancel: CancelCheck,
    ) -> Project:
        session = clip.new_session(self._models.get(workspace.choice), workspace.folder)
        try:
            log = PromptLog()
            for obj_id, by_frame in check_prompts(session, prompts):
                for frame_idx, prompt in by_frame.items():
                    log.restore(obj_id, frame_idx, (prompt,))
            objects = [
                ProjectObject(target.id, target.label[:MAX_NAME_LENGTH], to_hex(target.rgb))
                for target in prompts.objects
            ]
            return Project.restored(session, objects, log, progress, cancel)
        except BaseException:
            session.close()
            raise


def _required_clip(workspace: Workspace) -> OpenClip:
    if workspace.clip is None:
        raise PromptError("There is no clip open. Open the clip first.")
    return workspace.clip


def _check_size(prompts: PromptFile) -> None:
    highest = max(target.id for target in prompts.objects)
    if len(prompts.objects) > MAX_OBJECTS or highest > MAX_OBJECT_ID:
        raise PromptError(
            f"The app works with up to {MAX_OBJECTS} objects, numbered up to {MAX_OBJECT_ID:,}; "
            f"this file has {len(prompts.objects)}, up to number {highest:,}. Split it, or use "
            "sam2ov track."
        )


def _masks(project: Project) -> TrackedMasks:
    prompted = project.prompted_objects()
    if not prompted:
        raise ExportError("There is nothing to export yet: click on an object and track it first.")
    objects = [
        ExportedObject(target.obj_id, target.name, from_hex(target.colour))
        for target in project.objects
        if target.obj_id in prompted
    ]
    return TrackedMasks(project.session, objects)


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
        file=clip.upload.name, num_frames=info.num_frames, width=info.width, height=info.height
    )
    return PromptFile(video=facts, objects=tuple(objects))


def _stem(clip: OpenClip) -> str:
    """What files made from a clip begin with: a name that any file system takes."""
    stem = re.sub(r"[^\w.-]+", "_", Path(clip.upload.name).stem).strip("._")
    return stem[:48] or "clip"


def _download(workspace: Workspace, path: Path) -> DownloadView:
    return DownloadView(url=f"media/{workspace.token}/exports/{path.name}", name=path.name)
