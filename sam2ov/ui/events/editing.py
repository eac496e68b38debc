"""What happens on the server when the user does something in the editor."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import gradio as gr

from sam2ov.errors import PageUnknownError, ProjectError, ServerFullError, VideoError
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project import ModelChangedError, ModelDocument, Project
from sam2ov.project.folder import ProjectFolder
from sam2ov.ui.contract.messages import Refusal
from sam2ov.ui.contract.payloads import (
    AddObject,
    Box,
    Brush,
    ClassifyObjects,
    CleanUpObject,
    ClearAll,
    ClearFrame,
    ClearObject,
    Click,
    Close,
    DeletePoint,
    Edit,
    HideObjects,
    LockObjects,
    MoveObject,
    MovePoint,
    Open,
    Prepare,
    RecolourObjects,
    Redo,
    RemoveObjects,
    RenameObject,
    SetRange,
    TakeFound,
    Undo,
    number_of,
    parse,
    parse_edit,
)
from sam2ov.ui.events.background import Finish, carry_out
from sam2ov.ui.events.home import keep_home
from sam2ov.ui.events.reporting import reported
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.tabs.clip import OpenClip
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.opener import LoadedModel, ProjectOpener
from sam2ov.ui.tabs.workspace import Workspace
from sam2ov.ui.tabs.workspaces import Workspaces, caller_of_page


@dataclass(frozen=True)
class _Change:
    """What came of an edit.

    Attributes:
        frame_idx: the frame that it changed.
        moves: the page should go there.
        needs: nothing has changed yet; this model has to be loaded first.
    """

    frame_idx: int | None = None
    moves: bool = False
    needs: ModelDocument | None = None


class EditorHandlers:
    """The editor's events. Each answers with a snapshot, also when something went wrong.

    Args:
        workspaces: of all tabs.
        models: shared by all tabs.
        opener: opens projects.
    """

    def __init__(self, workspaces: Workspaces, models: ModelPool, opener: ProjectOpener) -> None:
        self._workspaces = workspaces
        self._models = models
        self._opener = opener

    def ready(self, request: gr.Request) -> str:
        """The page has been loaded; it asks again after a while if it could not be let in."""
        try:
            workspace = self._workspaces.enter(str(request.session_hash), caller_of_page(request))
        except ServerFullError as error:
            return Refusal(full=str(error)).model_dump_json()
        with workspace.turn():
            return workspace.snapshot()

    def unload(self, request: gr.Request) -> None:
        """The connection to the page has ended, perhaps only for a while."""
        if request.session_hash is not None:
            self._workspaces.lose(request.session_hash, caller_of_page(request).user)

    def open(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Open the sample, what was uploaded last, or a kept project; yields meanwhile."""
        workspace = self._workspaces.of(request)
        waiting: list[OpenClip] = []

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            wanted = parse(Open, event)
            clip, choice = self._opened(workspace, wanted, progress, cancel)
            waiting.append(clip)

            def finish() -> None:
                self._workspaces.usage.note(workspace.caller, "open", frames=clip.info.num_frames)
                workspace.choice = choice
                workspace.replace_clip(waiting.pop())
                workspace.opened += 1

            return finish

        opened = workspace.opened
        job = Job("load", "Opening the clip", unit="prompts")
        try:
            yield from carry_out(workspace, "clip", job, work, show_frame=0)
        finally:
            for clip in waiting:  # the page has gone meanwhile; the project can be opened again
                clip.close()
        if workspace.opened == opened:
            with workspace.turn():
                workspace.opened += 1  # answered, if without success
                snapshot = workspace.snapshot()
            yield snapshot

    def close(self, event: gr.EventData, request: gr.Request) -> str:
        """Close the clip; its project is kept."""
        workspace = self._workspaces.of(request)
        with workspace.turn():
            workspace.begin("project")
            with reported(workspace, "project"):
                workspace.clip_of(parse(Close, event).clip)
                workspace.require_idle()
                workspace.replace_clip(None)
            return workspace.snapshot()

    def edit(self, event: gr.EventData, request: gr.Request) -> str:
        """Change prompts, objects or the range, or go back and forth between steps."""
        workspace = self._workspaces.of(request)
        loaded: LoadedModel | None = None
        with workspace.edit_turn():
            workspace.begin("edit")
            while True:
                with workspace.turn():
                    change = _Change()
                    with reported(workspace, "edit"):
                        # Refused is answered, too: the page waits for each number.
                        workspace.edits = max(workspace.edits, number_of(event) or 0)
                        change = self._done(workspace, parse_edit(event), loaded)
                    if change.needs is None:
                        return workspace.snapshot(
                            mask_frame=change.frame_idx,
                            show_frame=change.frame_idx if change.moves else None,
                        )
                with reported(
                    workspace, "edit"
                ):  # may take a while: nobody waits for it but later edits
                    loaded = self._opener.load(change.needs)
                    continue
                with workspace.turn():
                    return workspace.snapshot()

    def prepare(self, event: gr.EventData, request: gr.Request) -> None:
        """Embed the frame that the user looks at, so that a click is answered at once."""
        with suppress(PageUnknownError):
            workspace = self._workspaces.of(request)
            with reported(workspace, "edit"):
                wanted = parse(Prepare, event)
                clip = workspace.clip
                if clip is not None and clip.token == wanted.clip and workspace.job is None:
                    # Of no use any more once the clip is closed.
                    with self._models.turns.background(lambda: workspace.clip is not clip):
                        clip.project.session.prepare_frame(wanted.frame, wanted.object)

    def cancel(self, request: gr.Request) -> None:
        """Stop the tab's long operation after its current item."""
        with suppress(PageUnknownError):
            job = self._workspaces.of(request).job
            if job is not None:
                job.cancel()

    def _opened(
        self,
        workspace: Workspace,
        wanted: Open,
        progress: ProgressCallback,
        cancel: CancelCheck,
    ) -> tuple[OpenClip, ModelChoice]:
        if wanted.source == "project":
            if wanted.project is None:
                raise ProjectError("The page did not say which project. Choose one from the list.")
            folder = workspace.library.reopen(wanted.project)
            with workspace.turn():
                if workspace.clip is not None and workspace.clip.folder.token == folder.token:
                    workspace.replace_clip(None)
            self._workspaces.take_project(folder.token, workspace)
            if wanted.field_order is not None:
                order = {"field_order": wanted.field_order}
                folder.write_info(folder.read_info().model_copy(update=order))
            self._workspaces.make_room(workspace)
            return self._opener.open(folder, workspace.choice, progress, cancel)
        self._workspaces.require_disk(workspace)
        folder = self._made(workspace, wanted, progress, cancel)
        try:
            self._workspaces.make_room(workspace)
            return self._opener.open(folder, workspace.choice, progress, cancel)
        except BaseException:
            workspace.library.discard(folder)  # nobody knows of it yet
            raise

    def _made(
        self,
        workspace: Workspace,
        wanted: Open,
        progress: ProgressCallback,
        cancel: CancelCheck,
    ) -> ProjectFolder:
        if wanted.source == "sample":
            return self._opener.make_sample(workspace.library)
        upload, present = workspace.upload, workspace.clip
        if upload is None:
            raise VideoError("There is no upload to open. Choose the clip again.")
        clip = present.path if present else None
        return self._opener.make(workspace.library, upload, clip, progress, cancel)

    def _done(self, workspace: Workspace, edit: Edit, loaded: LoadedModel | None) -> _Change:
        """Do an edit, in the tab's turn.

        Args:
            workspace: of the tab.
            edit: what to do.
            loaded: the model that it was found to need.
        """
        if loaded is None:
            if edit.number in workspace.done_edits:
                return _Change()  # the page has missed the answer, and asks once more
            workspace.done_edits.append(edit.number)
        workspace.require_editable()
        keep_home(workspace)
        clip = workspace.clip_of(edit.clip)
        if isinstance(edit, Undo | Redo):
            workspace.stop_tracking()
            return self._move(workspace, clip, edit, loaded)
        if isinstance(edit, TakeFound):  # there may be many: others have their turns in between
            return _Change(clip.take_found(edit.found, edit.chosen, self._models.turns.click))
        with self._models.turns.click():
            aspect = clip.info.pixel_aspect
            return _Change(_apply(edit, clip.project, aspect))

    def _move(
        self, workspace: Workspace, clip: OpenClip, edit: Undo | Redo, loaded: LoadedModel | None
    ) -> _Change:
        history = clip.project.history
        there, back = history.undo, history.redo
        if isinstance(edit, Redo):
            there, back = back, there
        with self._models.turns.click():  # so no frame is tracked meanwhile, nor after
            try:
                return _Change(there(), moves=True)
            except ModelChangedError as changed:
                if loaded is None or loaded.wanted != changed.model:
                    back()
                    return _Change(needs=changed.model)
        try:
            self._opener.follow(clip, loaded)
        except BaseException:
            back()
            raise
        workspace.choice = loaded.choice
        return _Change()


def _apply(edit: Edit, project: Project, pixel_aspect: float) -> int | None:
    """Do what was asked for; returns the frame whose masks it changed."""
    match edit:
        case Click():
            xy = (edit.x, edit.y)
            project.prompts.click(edit.object, edit.frame, xy, positive=edit.positive)
            return edit.frame
        case Box():
            project.prompts.box(edit.object, edit.frame, (edit.x0, edit.y0), (edit.x1, edit.y1))
            return edit.frame
        case Brush():
            project.prompts.brush(
                edit.object,
                edit.frame,
                edit.points,
                edit.radius,
                erase=edit.erase,
                pixel_aspect=pixel_aspect,
            )
            return edit.frame
        case MovePoint():
            project.prompts.move_point(edit.object, edit.frame, edit.index, (edit.x, edit.y))
            return edit.frame
        case DeletePoint():
            project.prompts.delete_point(edit.object, edit.frame, edit.index)
            return edit.frame
        case ClearFrame():
            project.prompts.clear_frame(edit.object, edit.frame)
            return edit.frame
        case ClearObject():
            project.prompts.clear_object(edit.object)
        case ClearAll():
            project.prompts.clear_all()
        case AddObject():
            project.objects.add()
        case RenameObject():
            project.objects.rename(edit.object, edit.name)
        case RecolourObjects():
            project.objects.recolour(edit.objects, edit.colour)
        case ClassifyObjects():
            project.objects.classify(edit.objects, edit.category)
        case HideObjects():
            project.objects.hide(edit.objects, hidden=edit.hidden)
        case LockObjects():
            project.objects.lock(edit.objects, locked=edit.locked)
        case CleanUpObject():
            project.objects.set_clean_up(edit.object, edit.clean_up)
        case MoveObject():
            project.objects.move(edit.object, edit.position)
        case RemoveObjects():
            project.objects.remove(edit.objects)
        case SetRange():
            project.set_in_out(_frames_of(edit))
    return None


def _frames_of(edit: SetRange) -> range | None:
    if edit.first is None or edit.last is None:
        return None
    return range(edit.first, edit.last + 1)
