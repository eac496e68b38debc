"""The workspaces of all browser tabs, by Gradio's session hash; idle ones are closed."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

import gradio as gr

from sam2ov.errors import ClipClosedError, PageUnknownError, QuotaError, ServerFullError
from sam2ov.locks import Rank, new_lock
from sam2ov.project.library import ProjectLibrary
from sam2ov.ui.gate.caller import Caller, caller_of
from sam2ov.ui.gate.usage import Usage
from sam2ov.ui.pool.models import ModelChoice
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.allocator import release_memory
from sam2ov.ui.tabs.camera_places import CameraPlaces
from sam2ov.ui.tabs.clip import OpenClip
from sam2ov.ui.tabs.libraries import Libraries
from sam2ov.ui.tabs.workspace import Workspace

_SWEEP_SECONDS = 30.0
_SPARED_SECONDS = 300.0
"""A tab that was used within this time does not make room for a new one."""

_REMEMBERED_PAGES = 1000

_STOP_SECONDS = 1.5
"""So long the server's end waits for tabs in all; what they leave is swept at the next start."""

_log = logging.getLogger(__name__)


class Workspaces:
    """Keeps the tabs apart and frees what nobody uses.

    A page that is closed says so; what it had is freed at once. One whose connection ends without
    a word may come back (a laptop wakes up, a phone changes its network), and is given some time.

    Args:
        choice: the model that a tab starts with.
        settings: how many there may be, and how long one that is not used is kept.
        library: where projects are kept; users with accounts have folders in it.
        usage: counts what each user takes; None for no limits and no log.
    """

    def __init__(
        self,
        choice: ModelChoice,
        settings: Settings,
        library: ProjectLibrary,
        usage: Usage | None = None,
    ) -> None:
        self.settings = settings
        self.usage = usage or Usage()
        self.libraries = Libraries(library)
        self.camera_places = CameraPlaces()
        self._choice = choice
        self._ttl_seconds = settings.idle_minutes * 60
        self._lost_seconds = min(settings.lost_minutes * 60, self._ttl_seconds)
        self._lock = new_lock(Rank.LEAF)
        self._by_session: dict[tuple[str, str], Workspace] = {}  # user and session hash
        self._left: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED_PAGES)
        self._closing: dict[threading.Thread, str | None] = {}  # the projects that they still have
        self._stopped = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="sam2ov-sweep", daemon=True)
        self._sweeper.start()

    def __len__(self) -> int:
        with self._lock:
            return len(self._by_session)

    def get(self, session_hash: str, user: str = "") -> Workspace:
        """The workspace of a tab whose page has said hello.

        Raises:
            PageUnknownError: it has not, was closed, or is another user's.
        """
        with self._lock:
            known = self._by_session.get((user, session_hash))
        if known is None:
            raise PageUnknownError("The server does not know this page. Reload it.")
        return known

    def enter(self, session_hash: str, caller: Caller) -> Workspace:
        """The workspace of a tab whose page says hello; a new one the first time.

        Raises:
            ServerFullError: there are as many as there may be, in all or of this client, and all
                are in use.
            ClipClosedError: the page has said that it is gone.
            StorageError: no folder can be made for it.
        """
        key = caller.user, session_hash
        with self._lock:
            known = self._by_session.get(key)
            is_full = len(self._by_session) >= self.settings.max_sessions
            is_greedy = self._of_client(caller) >= self.settings.max_sessions_per_client
        if known is None and (is_full or is_greedy):
            spared = time.monotonic() - _SPARED_SECONDS
            self._close_longest_idle(
                lambda tab: (
                    (tab.is_lost or tab.last_used < spared)
                    and (not is_greedy or tab.caller.place == caller.place)
                )
            )
        with self._lock:
            known = self._known(key, caller)
        if known is not None:
            return known
        # The library's folder is on a disk: nobody waits for that but who asked.
        library = self.libraries.of(caller.user)
        made = Workspace(self._choice, library.new_incoming(), caller, library)
        try:
            with self._lock:
                known = self._known(key, caller)  # to another request of the same page
                if known is None:
                    self._by_session[key] = made
                    return made
        except BaseException:
            made.close()
            raise
        made.close()
        return known

    def take_project(self, token: str, workspace: Workspace) -> None:
        """Before ``workspace`` opens a project: close it where it is open, as after a reload."""
        for other in self._all():
            clip = other.clip
            if clip is not None and clip.folder.token == token:
                with other.turn():
                    if other.clip is clip and other is not workspace:
                        other.replace_clip(None)
        with self._lock:
            closing = [thread for thread, had in self._closing.items() if had == token]
        for thread in closing:
            thread.join()

    def require_disk(self, workspace: Workspace) -> None:
        """Before a project is made for ``workspace``.

        Raises:
            QuotaError: those of its user take as much disk as they may.
        """
        limit = self.settings.user_disk_bytes
        if limit and workspace.library.num_bytes() >= limit:
            raise QuotaError(
                f"Your projects take {self.settings.user_disk_gb:g} GB or more, as much as one may "
                "keep here. Delete some of them first."
            )

    def has_open(self, token: str) -> bool:
        """Whether a project is open anywhere."""
        clips = [workspace.clip for workspace in self._all()]
        with self._lock:
            is_closing = token in self._closing.values()
        return is_closing or any(clip is not None and clip.folder.token == token for clip in clips)

    def free_camera(self) -> None:
        """Where no place for a camera is left, switch one off whose page's connection has ended.

        No tab's turn may be held.
        """
        if not self.camera_places.is_full(self.settings.max_cameras):
            return
        lost = [tab for tab in self._all() if tab.is_lost and tab.camera is not None]
        if lost:
            min(lost, key=lambda tab: tab.last_used).drop_lost_camera()

    @property
    def is_working(self) -> bool:
        """Whether any tab tracks, exports or loads something."""
        return any(workspace.job is not None for workspace in self._all())

    def make_room(self, workspace: Workspace) -> None:
        """Before ``workspace`` opens a clip: close others that would be too many with it.

        Raises:
            QuotaError: its user has as many open as one may, and all are at work.
        """
        most, account = self.settings.user_clips, workspace.caller.account

        def is_own(other: Workspace) -> bool:
            is_open = other is not workspace and other.clip is not None
            return is_open and other.caller.account == account

        if most and sum(map(is_own, self._all())) >= most:
            self._close_longest_idle(is_own)
            if sum(map(is_own, self._all())) >= most:
                raise QuotaError(
                    f"You have {most} clips open, as many as one may here, and work goes on in all "
                    "of them. Close one first."
                )
        others = [w for w in self._all() if w is not workspace and w.clip is not None]
        if len(others) >= self.settings.max_clips:
            self._close_longest_idle(lambda w: w is not workspace and w.clip is not None)

    def of(self, request: gr.Request) -> Workspace:
        """The workspace of the tab that a request comes from.

        Raises:
            gr.Error: the request comes from no page.
            PageUnknownError: from one that has not said hello, or was closed.
        """
        if request.session_hash is None:
            raise gr.Error("This works from the page only.")
        return self.get(request.session_hash, caller_of_page(request).user)

    def by_upload_token(self, token: str, user: str = "") -> Workspace | None:
        """A user's workspace that may be uploaded to under ``token``."""
        return next((w for w in self._of_user(user) if w.token == token), None)

    def find_clip(self, token: str, user: str = "") -> OpenClip | None:
        """A user's clip that is served under ``token``; asking for it counts as use."""
        for workspace in self._of_user(user):
            clip = workspace.clip
            if clip is not None and clip.token == token:
                workspace.touch()
                return clip
        return None

    def had_clip(self, token: str, user: str = "") -> bool:
        """Whether a user's tab that is still there had the clip ``token`` open until lately."""
        return any(token in workspace.closed_clips for workspace in self._of_user(user))

    def lose(self, session_hash: str, user: str = "") -> None:
        """Take note that the connection to a tab has ended; stop what runs for it."""
        with self._lock:
            workspace = self._by_session.get((user, session_hash))
        if workspace is not None:
            workspace.is_lost = True
            if workspace.job is not None:
                workspace.job.cancel()

    def leave(self, token: str, user: str = "") -> bool:
        """Close a user's tab with the upload ``token``: its page is gone. Tells if there is one."""
        with self._lock:
            found = [
                key
                for key, tab in self._by_session.items()
                if tab.token == token and tab.caller.user == user
            ]
            self._left.extend(found)
        for key in found:
            self._begin_closing(key)
        return bool(found)

    def _begin_closing(self, key: tuple[str, str]) -> threading.Thread | None:
        """Close a tab's workspace in a thread of its own: whatever runs for it may take its time.

        Returns:
            The thread; None where there is no such tab.
        """
        with self._lock:
            workspace = self._by_session.pop(key, None)
            if workspace is None:
                return None
            closing = threading.Thread(
                target=self._close, args=(workspace,), name="sam2ov-closing", daemon=True
            )
            clip = workspace.clip
            self._closing[closing] = None if clip is None else clip.folder.token
        workspace.cancel()
        closing.start()
        return closing

    def begin_closing(self) -> None:
        """Begin to close all of them, beside each other; the server stops."""
        self._stopped.set()
        with self._lock:
            left = list(self._by_session)
        for key in left:
            self._begin_closing(key)

    def close(self) -> None:
        """Close all of them. It waits only so long for what does not end."""
        self.begin_closing()
        deadline = time.monotonic() + _STOP_SECONDS
        with self._lock:
            closing = list(self._closing)
        for thread in closing:
            thread.join(max(deadline - time.monotonic(), 0))
        self._sweeper.join(max(deadline - time.monotonic(), 0))
        late = sum(thread.is_alive() for thread in closing)
        if late:
            _log.warning("%d tabs were still at work when the server stopped.", late)

    def sweep(self) -> None:
        """Close the workspaces that have been idle for too long."""
        now = time.monotonic()
        with self._lock:
            idle = [
                key
                for key, workspace in self._by_session.items()
                if workspace.job is None and now - workspace.last_used > self._patience(workspace)
            ]
        for key in idle:
            self._begin_closing(key)
            _log.info("Closed a tab that was not used for a long time.")
        for library in self.libraries.all():
            library.sweep(self.has_open)

    def _close(self, workspace: Workspace) -> None:
        try:
            workspace.close()
            if not self._stopped.is_set():
                release_memory()
        finally:
            with self._lock:
                self._closing.pop(threading.current_thread(), None)

    def _of_client(self, caller: Caller) -> int:
        """How many tabs one client has. Under the lock."""
        return sum(tab.caller.place == caller.place for tab in self._by_session.values())

    def _known(self, key: tuple[str, str], caller: Caller) -> Workspace | None:
        """A tab's workspace, None if it may have a new one; raises as ``enter``. Under the lock."""
        known = self._by_session.get(key)
        if known is not None:
            return known
        if key in self._left:  # what it asked for last has come late
            raise ClipClosedError("The page that asked for this has been closed.")
        if len(self._by_session) >= self.settings.max_sessions:
            raise ServerFullError(
                f"This server is full. {_open(self.settings.max_sessions)}, as many as it takes. "
                "Close those that you do not need; this one opens as soon as there is room."
            )
        most = self.settings.max_sessions_per_client
        if self._of_client(caller) >= most:
            raise ServerFullError(
                f"{_open(most)} from your address, as many as this server takes from one. Close "
                "those that you do not need; this one opens as soon as there is room."
            )
        return None

    def _patience(self, workspace: Workspace) -> float:
        return self._lost_seconds if workspace.is_lost else self._ttl_seconds

    def _close_longest_idle(self, may_close: Callable[[Workspace], bool]) -> None:
        with self._lock:
            idle = [
                (workspace.last_used, key)
                for key, workspace in self._by_session.items()
                if workspace.job is None and may_close(workspace)
            ]
        closing = self._begin_closing(min(idle)[1]) if idle else None
        if closing is not None:
            closing.join()  # its place is wanted

    def _of_user(self, user: str) -> list[Workspace]:
        return [workspace for workspace in self._all() if workspace.caller.user == user]

    def _all(self) -> list[Workspace]:
        with self._lock:
            return list(self._by_session.values())

    def _sweep(self) -> None:
        while not self._stopped.wait(min(_SWEEP_SECONDS, self._ttl_seconds, self._lost_seconds)):
            try:
                self.sweep()
            except Exception:  # the next one may succeed, and somebody has to tidy up
                _log.exception("Closing what is not used failed.")


def caller_of_page(request: gr.Request | None) -> Caller:
    """Whose event or call it is; nobody in particular where no request led to it."""
    http = None if request is None else request.request
    return Caller() if http is None else caller_of(http.scope)


def _open(pages: int) -> str:
    return "One page is open" if pages == 1 else f"{pages} pages are open"
