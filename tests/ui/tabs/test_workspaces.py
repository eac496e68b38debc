"""Tabs are kept apart, and nothing of them stays behind."""

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import pytest

from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ClipClosedError, PageUnknownError, ServerFullError, TrackingError
from sam2ov.project.folder import INFO_FILE, ProjectInfo
from sam2ov.project.library import ProjectLibrary
from sam2ov.ui.gate.caller import Caller
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.clip import OpenClip, Upload, new_token
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.opener import ProjectOpener
from sam2ov.ui.tabs.workspace import Workspace
from sam2ov.ui.tabs.workspaces import Workspaces
from tests.ui.conftest import CALLER, CHOICE, OneModel, Tab, leave, request_of, wait_for_closing

SECONDS = 10


def open_clip(workspaces: Workspaces, name: str, clip_file: Path, tracker: Tracker) -> OpenClip:
    """Open a copy of ``clip_file`` in a tab."""
    library, workspace = workspaces.libraries.of(""), workspaces.enter(name, CALLER)
    copy = workspace.new_upload()
    shutil.copyfile(clip_file, copy)
    opener = ProjectOpener(OneModel(tracker), Settings().video)
    folder = opener.make(library, Upload(copy, "square.mp4"), None, lambda _: None, lambda: False)
    workspaces.make_room(workspace)
    clip, _ = opener.open(folder, CHOICE, lambda _: None, lambda: False)
    workspace.replace_clip(clip)
    return clip


def test_tokens_cannot_be_guessed() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert min(map(len, tokens)) >= 24


def test_every_tab_has_its_own_workspace(workspaces: Workspaces) -> None:
    one, other = workspaces.enter("one", CALLER), workspaces.enter("other", CALLER)
    assert one is not other
    assert one is workspaces.enter("one", CALLER)
    assert one.folder != other.folder
    assert one.token != other.token


def test_requests_without_a_page_are_refused(workspaces: Workspaces) -> None:
    with pytest.raises(gr.Error):
        workspaces.of(request_of(None))


def test_invented_sessions_take_no_place(tab: Tab) -> None:
    workspaces = tab.workspaces
    for number in range(2 * workspaces.settings.max_sessions):
        with pytest.raises(PageUnknownError):
            workspaces.of(request_of(f"invented-{number}"))
    assert len(workspaces) == 1, "the one that has said hello"
    assert len(list(workspaces.libraries.of("").folder.iterdir())) == 1


def test_one_client_cannot_take_all_places(library: ProjectLibrary) -> None:
    workspaces = Workspaces(CHOICE, Settings(max_sessions=6, max_sessions_per_client=2), library)
    try:
        for caller in (Caller("192.0.2.1"), Caller("2001:db8::1")):
            first, _ = (workspaces.enter(f"{caller}-{n}", caller) for n in range(2))
            with pytest.raises(ServerFullError, match="2 pages are open from your address"):
                workspaces.enter(f"{caller}-2", caller)
            assert workspaces.enter(f"{caller}-0", caller) is first, "it is in already"
        with pytest.raises(ServerFullError, match="from your address"):
            workspaces.enter("same network", Caller("2001:db8::2"))
        other = workspaces.enter("other", Caller("192.0.2.2"))
        other.last_used -= 7200
        first.last_used -= 3600
        workspaces.enter("in its place", Caller("2001:db8::3"))
        assert other.folder.exists(), "whose place it is not"
        assert not first.folder.exists()
    finally:
        workspaces.close()


def test_closing_a_tab_leaves_nothing(open_tab: Tab) -> None:
    workspace = open_tab.workspace
    assert workspace.clip is not None
    token, folder, kept = workspace.clip.token, workspace.folder, workspace.clip.folder
    assert folder.exists()
    leave(open_tab)
    assert not folder.exists()
    assert open_tab.workspaces.find_clip(token) is None
    assert len(open_tab.workspaces) == 0
    assert open_tab.workspaces.libraries.of("").find(kept.token) == kept, "the project is kept"
    open_tab.editor.unload(open_tab.request)  # Gradio notices a little later
    assert not open_tab.workspaces.leave(workspace.token)
    assert len(open_tab.workspaces) == 0


def test_the_server_stops_all_tabs_at_once(
    workspaces: Workspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that takes its time, as a clip that is being read does, holds up no other."""
    tabs = [workspaces.enter(f"tab-{number}", Caller(f"192.0.2.{number}")) for number in range(64)]
    all_close = threading.Barrier(len(tabs), timeout=60)
    close = Workspace.close

    def close_slowly(workspace: Workspace) -> None:
        all_close.wait()
        close(workspace)

    monkeypatch.setattr(Workspace, "close", close_slowly)
    job = tabs[5].start(Job("track", "Tracking"))
    workspaces.close()
    assert job.cancelled
    assert not any(tab.folder.exists() for tab in tabs)
    assert len(workspaces) == 0


def test_leaving_waits_for_nobody(open_tab: Tab) -> None:
    workspace = open_tab.workspace
    job = workspace.start(Job("export", "Exporting"))
    left = threading.Thread(target=open_tab.workspaces.leave, args=(workspace.token,), daemon=True)
    with workspace.turn():  # as long as an answer takes
        left.start()
        left.join(SECONDS)
        assert not left.is_alive(), "the route of the page's goodbye has waited"
        assert job.cancelled, "what is waited for was not asked to end"
        assert workspace.folder.exists()
    wait_for_closing()
    assert not workspace.folder.exists()


def test_a_project_is_opened_once_the_tab_that_leaves_is_done_with_it(open_tab: Tab) -> None:
    workspace, workspaces = open_tab.workspace, open_tab.workspaces
    assert workspace.clip is not None
    token, other = workspace.clip.folder.token, workspaces.enter("other", CALLER)
    opening = threading.Thread(target=workspaces.take_project, args=(token, other), daemon=True)
    with workspace.turn():
        assert workspaces.leave(workspace.token)
        assert workspaces.has_open(token), "nobody may delete it yet"
        opening.start()
        opening.join(0.2)
        assert opening.is_alive()
    opening.join(SECONDS)
    assert not opening.is_alive()
    wait_for_closing()
    assert not workspaces.has_open(token)


def test_the_server_stops_though_a_tab_does_not_end(
    library: ProjectLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2ov.ui.tabs.workspaces._STOP_SECONDS", 0.2)
    workspaces = Workspaces(CHOICE, Settings(), library)
    stuck, other = workspaces.enter("stuck", CALLER), workspaces.enter("other", CALLER)
    stopping = threading.Thread(target=workspaces.close, daemon=True)
    with stuck.turn():
        stopping.start()
        stopping.join(SECONDS)
        assert not stopping.is_alive()
        deadline = time.monotonic() + SECONDS
        while other.folder.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not other.folder.exists(), "one that does not end holds up the others"
    wait_for_closing()


def test_a_page_that_has_left_is_not_taken_in_again(workspaces: Workspaces) -> None:
    """What it had asked for last may come after its goodbye."""
    left = workspaces.enter("tab-1", CALLER)
    assert workspaces.leave(left.token)
    with pytest.raises(ClipClosedError, match="has been closed"):
        workspaces.enter("tab-1", CALLER)
    assert len(workspaces) == 0


def test_idle_tabs_are_closed(clip_file: Path, tracker: Tracker, library: ProjectLibrary) -> None:
    workspaces = Workspaces(CHOICE, Settings(idle_minutes=0.5 / 60), library)
    try:
        workspace = workspaces.enter("idle", CALLER)
        opening = workspace.start(Job("load", "Opening the clip"))
        token = open_clip(workspaces, "idle", clip_file, tracker).token
        workspace.finish(opening)
        busy = workspaces.enter("busy", CALLER)
        busy.start(Job("track", "Tracking", 10))
        deadline = time.monotonic() + SECONDS
        while workspace.folder.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not workspace.folder.exists()
        assert workspaces.find_clip(token) is None
        assert busy.folder.exists(), "a tab that works is not idle"
    finally:
        workspaces.close()
    assert not busy.folder.exists(), "the server has stopped"


def test_a_lost_tab_is_closed_sooner(library: ProjectLibrary) -> None:
    settings = Settings(idle_minutes=1000 / 60, lost_minutes=100 / 60)
    impatient = Workspaces(CHOICE, settings, library)
    try:
        tabs = [impatient.enter(name, CALLER) for name in ("here", "lost", "back")]
        for tab in tabs:
            tab.last_used -= 500
        impatient.lose("lost")
        impatient.lose("back")
        impatient.lose("never heard of")
        with tabs[2].turn():
            pass
        impatient.sweep()
        wait_for_closing()
        assert [tab.folder.exists() for tab in tabs] == [True, False, True]
    finally:
        impatient.close()


def test_looking_at_frames_counts_as_use(open_tab: Tab) -> None:
    workspace = open_tab.workspace
    assert workspace.clip is not None
    workspace.last_used -= 10_000
    open_tab.workspaces.find_clip(workspace.clip.token)
    open_tab.workspaces.sweep()
    assert open_tab.workspace is workspace


def test_too_many_clips_close_the_one_that_was_idle_longest(
    clip_file: Path, tracker: Tracker, library: ProjectLibrary
) -> None:
    workspaces = Workspaces(CHOICE, Settings(max_clips=2), library)
    try:
        tabs = [workspaces.enter(name, CALLER) for name in ("a", "b", "c")]
        for name, tab in zip("abc", tabs, strict=True):
            open_clip(workspaces, name, clip_file, tracker)
            with tab.turn():
                pass
        assert [tab.clip is not None for tab in tabs] == [False, True, True]
    finally:
        workspaces.close()


def test_a_full_server_closes_what_is_idle_or_says_so(library: ProjectLibrary) -> None:
    workspaces = Workspaces(CHOICE, Settings(max_sessions=3), library)
    try:
        tabs = [workspaces.enter(name, CALLER) for name in "abc"]
        with pytest.raises(ServerFullError, match="3 pages are open, as many as it takes"):
            workspaces.enter("d", CALLER)
        assert [workspaces.enter(name, CALLER) for name in "abc"] == tabs
        tabs[0].last_used -= 3600
        tabs[1].last_used -= 7200
        added = workspaces.enter("d", CALLER)
        assert [tab.folder.exists() for tab in tabs] == [True, False, True], "the longest idle"
        workspaces.lose("c")  # its connection has ended
        tabs[0].touch()
        assert workspaces.enter("e", CALLER) is not added
        assert [tab.folder.exists() for tab in tabs] == [True, False, False]
        assert len(workspaces) == 3
    finally:
        workspaces.close()


def test_a_clip_that_is_not_open_is_said_so(open_tab: Tab) -> None:
    with pytest.raises(ClipClosedError, match="reload the page"):
        open_tab.workspace.clip_of("another token")


def test_opening_another_clip_frees_the_first(
    open_tab: Tab, clip_file: Path, tracker: Tracker
) -> None:
    workspace = open_tab.workspace
    first = workspace.clip
    assert first is not None
    job = workspace.start(Job("track", "Tracking", 10))
    second = open_clip(open_tab.workspaces, "tab-1", clip_file, tracker)
    assert job.cancelled
    assert open_tab.workspaces.find_clip(first.token) is None
    assert open_tab.workspaces.find_clip(second.token) is second


def test_an_upload_replaces_the_one_before(open_tab: Tab, clip_file: Path) -> None:
    workspace = open_tab.workspace
    kept = workspace.clip.path if workspace.clip else Path()
    open_tab.upload(clip_file, "second.mp4")
    second = workspace.upload
    open_tab.upload(clip_file, "third.mp4")
    assert second is not None
    assert not second.path.exists()
    assert kept.exists(), "it belongs to a project by now"


def test_a_tab_may_arrive_while_an_old_project_is_judged(
    library: ProjectLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep asks the tabs what is open; a new tab asks the library for a folder."""
    workspaces = Workspaces(CHOICE, Settings(), library)
    folder = library.new_folder()
    folder.write_info(ProjectInfo(clip_name="old", num_frames=1, width=8, height=8))
    os.utime(folder.path / INFO_FILE, (0, 0))
    has_open, new_incoming = workspaces.has_open, library.new_incoming
    is_judged, has_asked = threading.Event(), threading.Event()

    def judging(token: str) -> bool:
        is_judged.set()
        has_asked.wait(SECONDS)
        return has_open(token)

    def asking() -> Path:
        has_asked.set()
        return new_incoming()

    monkeypatch.setattr(workspaces, "has_open", judging)
    monkeypatch.setattr(library, "new_incoming", asking)
    sweeping = threading.Thread(target=workspaces.sweep, daemon=True)
    arriving = threading.Thread(target=workspaces.enter, args=("new", CALLER), daemon=True)
    sweeping.start()
    assert is_judged.wait(SECONDS)
    arriving.start()
    for thread in (arriving, sweeping):
        thread.join(SECONDS)
        assert not thread.is_alive(), "the server stands still"
    assert len(workspaces) == 1
    workspaces.close()


def test_two_requests_of_a_new_page_get_one_workspace(workspaces: Workspaces) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(workspaces.enter, ["one"] * 20, [CALLER] * 20))
    assert len(made) == 1
    assert [path.name for path in workspaces.libraries.of("").folder.iterdir()] == [
        made.pop().folder.name
    ]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("holiday.mp4", "holiday.mp4"),
        ("C:\\clips\\holiday.mp4", "holiday.mp4"),
        ("../../etc/passwd", "passwd"),
        ("a\x00b\n\u202ec.mp4", "abc.mp4"),
        ("", "clip"),
        ("x" * 999, "x" * 120),
    ],
)
def test_names_of_uploads_are_for_people_only(open_tab: Tab, sent: str, shown: str) -> None:
    workspace = open_tab.workspace
    partial = workspace.new_upload()
    partial.write_bytes(b"-")
    workspace.take_upload(partial, sent)
    assert workspace.upload is not None
    assert workspace.upload.name == shown
    assert workspace.upload.path.parent == workspace.folder


def test_one_job_at_a_time(open_tab: Tab) -> None:
    workspace = open_tab.workspace
    job = workspace.start(Job("track", "Tracking", 10))
    with pytest.raises(TrackingError, match="Tracking is still running"):
        workspace.start(Job("export", "Exporting"))
    workspace.finish(job)
    workspace.start(Job("export", "Exporting"))
