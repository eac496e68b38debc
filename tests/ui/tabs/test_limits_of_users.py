"""What one user may have and take: refused in one line, and other users are not concerned."""

import json
from pathlib import Path

import pytest

from sam2ov.ui.gate.usage import Usage, UsageLimits
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.job import Job
from tests.ui.conftest import Tab, told
from tests.ui.tabs.test_libraries import page_of


def tab_of(tab: Tab, user: str, session_hash: str = "tab") -> Tab:
    page = page_of(user, session_hash)
    return tab.other(page)


def test_tracking_stops_where_the_time_is_used_up(tab: Tab, clip_file: Path) -> None:
    anna, bob = tab_of(tab, "anna"), tab_of(tab, "bob")
    for one in (anna, bob):
        one.upload(clip_file, "square.mp4")
        one.open("upload")
        one.click(0, 24, 32)
    usage = tab.workspaces.usage = Usage(UsageLimits(tracking_seconds=1e-6))
    with told(anna, "minutes of tracking that one user has"):
        *_, last = anna.track()
    assert last.objects[0].tracked != "", "what is tracked is kept"
    assert usage.left(anna.workspace.caller, "tracking") < 0
    with told(anna, "are used up"):
        (only,) = anna.track(1)
    assert only.job is None
    assert usage.left(bob.workspace.caller, "tracking") > 0


def test_a_users_clips_make_room_for_each_other(tab: Tab) -> None:
    tab.workspaces.settings = Settings(user_clips=1)
    first, second = (tab_of(tab, "anna", name) for name in ("one", "two"))
    bob = tab_of(tab, "bob")
    for one in (bob, first, second):
        assert one.open("sample").clip is not None
    with pytest.raises(Exception, match="does not know this page"):
        tab.workspaces.of(first.request)
    assert bob.workspace.clip is not None
    second.workspace.start(Job("track", "Tracking"))
    third = tab_of(tab, "anna", "three")
    with told(third, "You have 1 clips open"):
        assert third.open("sample").clip is None


def test_a_user_whose_disk_is_full_begins_no_project(tab: Tab) -> None:
    tab.workspaces.settings = Settings(user_disk_gb=1e-6)
    anna, bob = tab_of(tab, "anna"), tab_of(tab, "bob")
    project = anna.open("sample").project
    assert project is not None
    with told(anna, "Delete some of them first"):
        anna.open("sample")
    assert anna.open("project", project.token).clip is not None, "what there is goes on"
    assert bob.open("sample").clip is not None


def test_work_is_written_down(tab: Tab, clip_file: Path, tmp_path: Path) -> None:
    tab.workspaces.usage = Usage(log=tmp_path / "log")
    anna = tab_of(tab, "anna")
    anna.upload(clip_file, "private.mp4")
    anna.open("upload")
    anna.click(0, 24, 32)
    list(anna.track())
    text = (tmp_path / "log").read_text()
    opened, tracked = (json.loads(line) for line in text.splitlines())
    assert (opened["action"], opened["user"]) == ("open", "anna")
    assert (tracked["action"], tracked["frames"]) == ("track", opened["frames"] - 1)
    assert "private" not in text
