"""Tabs are kept apart, and nothing of them stays behind."""

import time
from pathlib import Path

import gradio as gr
import pytest

from sam2ov.errors import ClipClosedError, TrackingError
from sam2ov.tracker import Tracker
from sam2ov.ui.clip import OpenClip, Upload, new_token
from sam2ov.ui.job import Job
from sam2ov.ui.settings import Settings
from sam2ov.ui.workspace import Workspace
from sam2ov.ui.workspaces import Workspaces
from tests.ui.conftest import CHOICE, Tab, request_of


def open_clip(workspace: Workspace, clip_file: Path, tracker: Tracker) -> OpenClip:
    clip = OpenClip.open(Upload(clip_file, "square.mp4"), tracker, workspace.folder)
    workspace.replace_clip(clip)
    return clip


def test_tokens_cannot_be_guessed() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert min(map(len, tokens)) >= 24


def test_every_tab_has_its_own_workspace(workspaces: Workspaces) -> None:
    one, other = workspaces.get("one"), workspaces.get("other")
    assert one is not other
    assert one is workspaces.get("one")
    assert one.folder != other.folder
    assert one.token != other.token


def test_requests_without_a_page_are_refused(workspaces: Workspaces) -> None:
    with pytest.raises(gr.Error):
        workspaces.of(request_of(None))


def test_closing_a_tab_leaves_nothing(open_tab: Tab) -> None:
    workspace = open_tab.workspace
    assert workspace.clip is not None
    token, folder = workspace.clip.token, workspace.folder
    assert any(folder.iterdir()), "the results of the session"
    assert open_tab.workspaces.leave(workspace.token)
    assert not folder.exists()
    assert open_tab.workspaces.find_clip(token) is None
    assert len(open_tab.workspaces) == 0
    open_tab.editor.unload(open_tab.request)  # Gradio notices a little later
    assert not open_tab.workspaces.leave(workspace.token)
    assert len(open_tab.workspaces) == 0


def test_idle_tabs_are_closed(clip_file: Path, tracker: Tracker) -> None:
    workspaces = Workspaces(CHOICE, Settings(idle_minutes=0.15 / 60))
    try:
        workspace = workspaces.get("idle")
        token = open_clip(workspace, clip_file, tracker).token
        busy = workspaces.get("busy")
        busy.start(Job("track", "Tracking", 10))
        deadline = time.monotonic() + 5
        while workspace.folder.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not workspace.folder.exists()
        assert workspaces.find_clip(token) is None
        assert busy.folder.exists(), "a tab that works is not idle"
    finally:
        workspaces.close()
    assert not busy.folder.exists(), "the server has stopped"


def test_a_lost_tab_is_closed_sooner(workspaces: Workspaces) -> None:
    impatient = Workspaces(CHOICE, Settings(idle_minutes=1000 / 60, lost_minutes=100 / 60))
    try:
        tabs = [impatient.get(name) for name in ("here", "lost", "back")]
        for tab in tabs:
            tab.last_used -= 500
        impatient.lose("lost")
        impatient.lose("back")
        impatient.lose("never heard of")
        with tabs[2].turn():
            pass
        impatient.sweep()
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
    clip_file: Path, tracker: Tracker
) -> None:
    workspaces = Workspaces(CHOICE, Settings(max_clips=2))
    try:
        tabs = [workspaces.get(name) for name in ("a", "b", "c")]
        for tab in tabs:
            workspaces.make_room(tab)
            open_clip(tab, clip_file, tracker)
            with tab.turn():
                pass
        assert [tab.clip is not None for tab in tabs] == [False, True, True]
    finally:
        workspaces.close()


def test_a_full_server_closes_what_is_idle_or_says_so() -> None:
    workspaces = Workspaces(CHOICE, Settings(max_sessions=3))
    try:
        tabs = [workspaces.get(name) for name in "abc"]
        with pytest.raises(gr.Error, match="3 pages are open, as many as it takes") as full:
            workspaces.of(request_of("d"))
        assert full.value.duration is None, "it stays on the page"
        assert [workspaces.get(name) for name in "abc"] == tabs
        tabs[0].last_used -= 3600
        tabs[1].last_used -= 7200
        added = workspaces.get("d")
        assert [tab.folder.exists() for tab in tabs] == [True, False, True], "the longest idle"
        workspaces.lose("c")  # its connection has ended
        tabs[0].touch()
        assert workspaces.get("e") is not added
        assert [tab.folder.exists() for tab in tabs] == [True, False, False]
        assert len(workspaces) == 3
    finally:
        workspaces.close()


def test_a_clip_that_is_not_open_is_said_so(open_tab: Tab) -> None:
    with pytest.raises(ClipClosedError, match="Open it again"):
        open_tab.workspace.clip_of("another token")


def test_opening_another_clip_frees_the_first(
    open_tab: Tab, clip_file: Path, tracker: Tracker
) -> None:
    workspace = open_tab.workspace
    first = workspace.clip
    assert first is not None
    job = workspace.start(Job("track", "Tracking", 10))
    second = open_clip(workspace, clip_file, tracker)
    assert job.cancelled
    assert open_tab.workspaces.find_clip(first.token) is None
    assert open_tab.workspaces.find_clip(second.token) is second


def test_uploads_that_nobody_needs_are_deleted(open_tab: Tab, tracker: Tracker) -> None:
    workspace = open_tab.workspace

    def upload(name: str, content: bytes) -> Upload:
        partial = workspace.new_upload()
        partial.write_bytes(content)
        workspace.take_upload(partial, name)
        assert workspace.upload is not None
        return workspace.upload

    clip_file = workspace.clip.upload.path if workspace.clip else Path()
    first = upload("first.mp4", clip_file.read_bytes())
    workspace.replace_clip(OpenClip.open(first, tracker, workspace.folder))
    second = upload("second.mp4", b"no video at all")
    assert first.path.exists(), "it is open"
    third = upload("third.mp4", clip_file.read_bytes())
    assert not second.path.exists()
    workspace.replace_clip(OpenClip.open(third, tracker, workspace.folder))
    assert not first.path.exists()
    assert third.path.exists()
    assert clip_file.exists(), "files of others are left alone"


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
