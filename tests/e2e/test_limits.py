"""Narrow limits: told before anything is sent, a queue that can be seen, a full house."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sam2ov.samples import SAMPLE_PATH
from tests.clips import Scene, write_clip
from tests.e2e.conftest import NewPage, checked_app
from tests.e2e.editor_page import EditorPage
from tools.driven_app import RunningApp
from tools.make_sample import ball_xy


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[RunningApp]:
    """A server for one test: the pages of another test would take up its places for a while.

    Tests name it before ``new_page``, so that their pages are closed before it stops.
    """
    limits = {
        "SAM2OV_MAX_MINUTES": "0.05",
        "SAM2OV_MAX_MEGAPIXELS": "0.3",
        "SAM2OV_MAX_TRACKING": "1",
        "SAM2OV_MAX_SESSIONS": "2",
    }
    folder = tmp_path / "narrow"
    folder.mkdir()
    with checked_app(folder, variables=limits) as running:
        yield running


def choose(editor: EditorPage, path: Path) -> list[str]:
    """Choose a file; returns the methods of the requests from then on."""
    sent: list[str] = []
    editor.page.on("request", lambda request: sent.append(request.method))
    editor.page.locator(".s2-file").set_input_files(path)
    return sent


def test_a_clip_beyond_a_limit_is_not_sent(
    narrow: RunningApp, new_page: NewPage, scene: Scene, tmp_path: Path
) -> None:
    editor = new_page(url=narrow.url)
    assert editor.page.get_by_text("up to 4 GB, 3 seconds and 0.3 megapixels").is_visible()
    sent = choose(editor, SAMPLE_PATH)
    editor.until(lambda: "is too long (4 s)" in editor.status)
    assert "ask who runs this server" in editor.status
    wide = write_clip(tmp_path / "wide", scene.frames[:4].repeat(6, 1).repeat(6, 2))
    choose(editor, wide)
    editor.until(lambda: "has too many pixels" in editor.status)
    assert "PUT" not in sent


def test_the_place_in_the_queue_is_shown(narrow: RunningApp, new_page: NewPage) -> None:
    pages = [new_page(url=narrow.url) for _ in range(2)]
    for editor in pages:
        editor.open_sample()
        editor.click(*ball_xy(0))
    first, second = pages
    first.page.locator('[data-track="forward"]').click()
    first.until(lambda: "Tracking: " in first.status)
    second.page.locator('[data-track="forward"]').click()
    second.until(lambda: "Waiting for a place, you are next" in second.status)
    first.press("cancel")
    second.until(lambda: "Tracking: " in second.status)
    second.press("cancel")
    second.until(lambda: "Tracking" not in second.status)


def test_a_full_server_says_so_and_lets_in_who_waits(narrow: RunningApp, new_page: NewPage) -> None:
    kept = [new_page(url=narrow.url) for _ in range(2)]
    late: Page = kept[0].page.context.new_page()
    late.goto(narrow.url)
    expect(late.get_by_text("2 pages are open, as many as it takes")).to_be_visible(timeout=20_000)
    assert late.get_by_role("button", name="Try the sample").is_hidden()
    kept[1].page.close(run_before_unload=True)
    late.wait_for_selector('.s2[data-state="empty"]', timeout=20_000)
    expect(late.locator("#model-panel")).to_contain_text("micro")
