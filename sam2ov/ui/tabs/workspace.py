"""One browser tab on the server: its upload, its clip, what runs for it, and what it is told."""

import base64
import logging
import re
import secrets
import shutil
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sam2ov.errors import ClipClosedError, Sam2ovError, TrackingError
from sam2ov.locks import Rank
from sam2ov.project.folder import ProjectFolder
from sam2ov.project.library import ProjectLibrary
from sam2ov.store.journal import Step
from sam2ov.ui.contract.messages import (
    About,
    DownloadView,
    GettingView,
    MaskView,
    ProblemView,
    ProjectView,
    RangeView,
    Snapshot,
)
from sam2ov.ui.gate.caller import Caller
from sam2ov.ui.pool.models import ModelChoice
from sam2ov.ui.tabs.camera import Camera, Recorded
from sam2ov.ui.tabs.clip import OpenClip, Upload, new_token
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.turns import Turns
from sam2ov.ui.tabs.views import model_view, object_views

_MAX_NAME_LENGTH = 120
_REMEMBERED_CLIPS = 16
_REMEMBERED_EDITS = 256

_log = logging.getLogger(__name__)


def _shown_name(name: str) -> str:
    """A file name from the browser without folders and control characters, for people only."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[:_MAX_NAME_LENGTH].strip() or "clip"


def _kept_as(path: Path, name: str, suffix: str) -> Path:
    """Move an upload to a folder of its own, where it is called after what people call it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", _shown_name(name)).strip(".-") or "file"
    kept = path.with_suffix(suffix) / plain
    kept.parent.mkdir()
    path.rename(kept)
    return kept


@dataclass(frozen=True)
class Getting:
    """A model that is fetched and converted for the tab, beside whatever else it does."""

    model: str
    job: Job


class Workspace:
    """Everything that belongs to one browser tab.

    Args:
        choice: the model to start with.
        folder: for uploads and exports; deleted with the tab.
        caller: whose page it is.
        library: with the projects that it may open.
    """

    def __init__(
        self, choice: ModelChoice, folder: Path, caller: Caller, library: ProjectLibrary
    ) -> None:
        self.choice = choice
        self.caller = caller
        self.library = library
        self.token = new_token()
        self.clip: OpenClip | None = None
        self.camera: Camera | None = None
        self.job: Job | None = None
        self.getting: Getting | None = None
        self.last_used = time.monotonic()
        self.is_lost = False  # the connection to the page has ended
        self.closed_clips: deque[str] = deque(maxlen=_REMEMBERED_CLIPS)  # tokens
        self._is_closed = False
        self.upload: Upload | None = None
        self.checkpoint: Path | None = None
        self.attachment: Path | None = None
        self.problem: ProblemView | None = None
        self._problems = 0
        self.folder = folder
        self._turns = Turns(Rank.TAB)
        self._edit_turns = Turns(Rank.EDITS)
        self.edits = 0
        self.done_edits: deque[int] = deque(maxlen=_REMEMBERED_EDITS)  # their numbers
        self.opened = 0
        self._seq = 0

    def touch(self) -> None:
        """The page has asked for something: it is there and in use."""
        self.last_used = time.monotonic()
        self.is_lost = False

    def new_upload(self) -> Path:
        """Where the next upload is to be written."""
        self.touch()
        self.folder.mkdir(parents=True, exist_ok=True)  # somebody may have tidied up
        return self.folder / f"upload-{secrets.token_hex(8)}"

    def take_upload(self, path: Path, name: str) -> None:
        """Take a complete upload under the ``name`` that the user knows it by; it is moved."""
        kept = path.with_suffix(".video")
        path.rename(kept)
        self._replace_upload(Upload(kept, _shown_name(name)))

    def take_recording(self, recorded: Recorded) -> None:
        """Take what the camera has recorded as an upload, which has its masks with it."""
        name = f"camera {time.strftime('%Y-%m-%d %H.%M.%S')}.mp4"
        self._replace_upload(Upload(recorded.clip, name, recorded.journal))

    def _replace_upload(self, upload: Upload) -> None:
        self.upload, outdated = upload, self.upload
        if outdated is not None:
            outdated.discard()

    def take_camera(self, camera: Camera | None) -> None:
        """Switch the camera off, and perhaps another on. In the tab's turn.

        Raises:
            ClipClosedError: the tab has gone.
        """
        if camera is not None and self._is_closed:
            camera.close()
            raise ClipClosedError("The page of this camera has been closed.")
        self.camera, outdated = camera, self.camera
        if outdated is not None:
            outdated.close()

    def drop_lost_camera(self) -> None:
        """Switch the camera off for others, unless the page has come back meanwhile."""
        with self._turns.turn():  # which is no use of the tab
            if self.is_lost:
                self.take_camera(None)

    def take_checkpoint(self, path: Path, name: str) -> None:
        """Take a complete upload as a model's checkpoint, which is called after it; it is moved."""
        self.drop_checkpoint()
        self.checkpoint = _kept_as(path, name, ".checkpoint")

    def drop_checkpoint(self) -> None:
        """Delete the uploaded checkpoint, if there is one."""
        if self.checkpoint is not None:
            shutil.rmtree(self.checkpoint.parent, ignore_errors=True)
        self.checkpoint = None

    def take_attachment(self, path: Path, name: str) -> None:
        """Take a complete upload that goes with the next event; it is moved."""
        self.attachment, outdated = _kept_as(path, name, ".attachment"), self.attachment
        if outdated is not None:
            shutil.rmtree(outdated.parent, ignore_errors=True)

    @contextmanager
    def attached(self) -> Iterator[Path | None]:
        """The attachment, for whom it was uploaded; it is deleted afterwards."""
        path, self.attachment = self.attachment, None
        try:
            yield path
        finally:
            if path is not None:
                shutil.rmtree(path.parent, ignore_errors=True)

    def begin(self, about: About) -> None:
        """The user does something: what went wrong is over, but for what has a place of its own."""
        if self.problem is not None and (about == "model" or self.problem.about != "model"):
            self.problem = None

    def tell(self, about: About, text: str) -> None:
        """Have the page show what went wrong, until the next event."""
        self._problems += 1
        self.problem = ProblemView(number=self._problems, about=about, text=text)

    def new_export(self, name: str) -> Path:
        """Where a file that the page is to download as ``name`` is to be written."""
        folder = self.folder / "exports"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def exported(self, name: str) -> Path | None:
        """A file made for downloading, or None."""
        folder = self.folder / "exports"
        found = [path for path in folder.glob("*") if path.name == name and path.is_file()]
        return found[0] if found else None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the tab's state; changes are made in the order in which they were asked for."""
        with self._turns.turn():
            self.touch()
            yield

    @contextmanager
    def edit_turn(self) -> Iterator[None]:
        """Be the next edit: a later one waits, whatever this one has to wait for.

        The tab's state is held by ``turn`` only, so that others need not wait for what is loaded.
        """
        with self._edit_turns.turn():
            yield

    def clip_of(self, token: str) -> OpenClip:
        """The open clip, if it is the one that the page means.

        Raises:
            ClipClosedError: it has been closed or replaced.
        """
        if self.clip is None or self.clip.token != token:
            raise ClipClosedError(
                "This clip is no longer open here: it was closed after a long pause, to make room "
                "for others, or because another page opened it. Everything was kept: reload the "
                "page to go on."
            )
        return self.clip

    def keep_home(self) -> bool:
        """Where the folder of the open project was deleted, go on in another. In the tab's turn.

        What is found out here cannot have been lost: the files are open.

        Returns:
            Whether it was.

        Raises:
            StorageError: no other can be written.
        """
        if self.clip is None or not self.clip.is_homeless:
            return False
        self._move_home(self.clip, self.library.new_home())
        return True

    def _move_home(self, clip: OpenClip, folder: ProjectFolder) -> None:
        try:
            clip.move_to(folder)
        except BaseException:
            self.library.discard(folder)
            raise
        _log.warning("The folder of an open project was deleted; it was written to another.")

    def _rescue(self, clip: OpenClip) -> None:
        """Where the folder of a clip that is closed was deleted, leave what was done under the name
        by which its page knows it.
        """
        if not clip.is_homeless or clip.project.journal.done is None:
            return
        try:
            self._move_home(clip, self.library.new_home(clip.folder.token))
        except Sam2ovError as error:
            _log.error("A project whose folder was deleted cannot be kept: %s", error)

    def replace_clip(self, clip: OpenClip | None) -> None:
        """Close the open clip and take another.

        Raises:
            ClipClosedError: the tab has gone; the clip is closed then.
        """
        if clip is not None and self._is_closed:
            clip.close()
            raise ClipClosedError("The page that asked for this clip has been closed.")
        if self.job is not None and self.job.kind != "load":  # that may be what brings the new one
            self.job.cancel()
        if clip is not None:
            clip.is_busy = self._is_busy
        self.clip, outdated = clip, self.clip
        if outdated is not None:
            self.closed_clips.append(outdated.token)
            self._rescue(outdated)
            outdated.close()

    def start(self, job: Job) -> Job:
        """Take note of a long operation; there is one at a time.

        Raises:
            TrackingError: another one is running.
        """
        self.require_idle()
        self.job = job
        return job

    def require_idle(self) -> None:
        """Raise TrackingError while a long operation is running."""
        if self.job is not None:
            raise TrackingError(f"{self.job.label} is still running. Wait for it, or cancel it.")

    def require_editable(self) -> None:
        """Raise TrackingError while something is loaded that answers the prompts anew."""
        if self.job is not None and self.job.kind == "load":
            raise TrackingError(f"{self.job.label} is still running. Wait for it, or cancel it.")

    def stop_tracking(self) -> None:
        """Have a run of tracking stop: no further frame is tracked once the present one is done."""
        if self.job is not None and self.job.kind == "track":
            self.job.cancel()

    def finish(self, job: Job) -> None:
        """The operation has ended, however it did."""
        if self.job is job:
            self.job = None
        self.last_used = time.monotonic()

    def cancel(self) -> None:
        """Have what runs for the tab end soon; waits for nothing."""
        job, getting = self.job, self.getting
        if job is not None:
            job.cancel()
        if getting is not None:
            getting.job.cancel()

    def close(self) -> None:
        """Release everything and delete the tab's files; waits for whoever holds its state."""
        self.cancel()  # before the wait: it may be for what is asked to end
        with self._turns.turn():
            self._is_closed = True
            self.cancel()
            self.take_camera(None)
            self.replace_clip(None)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _is_busy(self) -> bool:
        return self.job is not None or self._turns.is_held or self._edit_turns.is_held

    def snapshot(
        self,
        *,
        mask_frame: int | None = None,
        show_frame: int | None = None,
        download: DownloadView | None = None,
    ) -> str:
        """The state of the tab for its page: the text of a ``Snapshot``.

        Args:
            mask_frame: send the masks of this frame along.
            show_frame: ask the page to go there.
            download: have the page fetch a file.
        """
        self._seq += 1
        clip = self.clip
        project = clip and clip.project
        mask = None
        if clip is not None and mask_frame is not None:
            overlay = clip.overlay(mask_frame)
            png = base64.b64encode(overlay.png).decode("ascii")
            mask = MaskView(frame=mask_frame, png=png, objects=overlay.objects)
        return Snapshot(
            seq=self._seq,
            edits=self.edits,
            opened=self.opened,
            upload=self.token,
            clip=clip and clip.view(),
            objects=object_views(project) if project else (),
            revision=project.history.revision if project else 0,
            range=_range_view(project.in_out) if project else None,
            undo=_label(project.journal.done) if project else None,
            redo=_label(project.journal.undone) if project else None,
            project=clip and ProjectView(token=clip.folder.token, name=clip.about.clip_name),
            model=model_view(self.choice),
            getting=_getting_view(self.getting),
            job=self.job and self.job.view(),
            mask=mask,
            found=clip and clip.found_view,
            show_frame=show_frame,
            download=download,
            problem=self.problem,
        ).model_dump_json(by_alias=True)


def _getting_view(getting: Getting | None) -> GettingView | None:
    if getting is None:
        return None
    return GettingView(model=getting.model, job=getting.job.view())


def _label(step: Step | None) -> str | None:
    return step.label if step else None


def _range_view(frames: range | None) -> RangeView | None:
    return RangeView(first=frames[0], last=frames[-1]) if frames else None
