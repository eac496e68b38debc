"""Pages that were loaded anew in the middle of work, and servers that do not answer."""

import os
import re
import signal

from playwright.sync_api import expect

from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import BALL, BALLOON, EditorPage
from tools.driven_app import RunningApp

NOTICE = '.s2-notice[data-cause="{}"]'


def test_tracking_that_a_reload_has_ended_goes_on(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*BALL)
    editor.track()
    editor.until(lambda: re.search(r"Tracking: \d+ of 95", editor.status))
    editor.until(lambda: editor.position > 8)
    editor.reload()
    notice = editor.page.locator(NOTICE.format("interrupted"))
    expect(notice).to_contain_text(re.compile(r"Tracking was interrupted at 0:0\d"))
    notice.get_by_role("button", name="Continue").click()
    editor.wait_until_tracked()
    expect(notice).to_have_count(0)
    lane = editor.page.locator(".s2-lane").first
    editor.until(lambda: "tracked 0-95" in (lane.get_attribute("aria-label") or ""))
    editor.reload()
    editor.wait_for_frame(editor.position)
    expect(notice).to_have_count(0)


def test_what_is_done_while_the_server_is_away_is_kept_and_sent(
    own_server: RunningApp, new_page: NewPage
) -> None:
    editor = new_page(url=own_server.url)
    editor.open_sample()
    editor.click(*BALL)
    editor.until(lambda: editor.mask().any())
    notice = editor.page.locator(NOTICE.format("away"))
    os.kill(own_server.pid, signal.SIGSTOP)
    try:
        editor.press("add")  # on its way when the server is lost
        expect(notice).to_be_visible(timeout=15_000)
        assert editor.status == "Waiting for the server …"
        editor.page.mouse.click(*editor.point(400, 300))
        assert editor.marker(400, 300) == "positive", "it is seen that it is kept"
    finally:
        os.kill(own_server.pid, signal.SIGCONT)
    expect(notice).to_have_count(0, timeout=15_000)
    editor.wait_until_answered()
    editor.until(lambda: editor.objects.count() == 2)
    counts = editor.page.locator(".s2-count")
    expect(counts.nth(0)).to_have_text("1")
    editor.click(*BALLOON)
    assert editor.objects.count() == 2, "nothing was done twice"
