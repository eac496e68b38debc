"""Work is never lost: reloads, closed tabs, a killed server, project files."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.clips import Scene, write_clip
from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import BLUE, EditorPage, ball, iou
from tools.driven_app import RunningApp, free_port, running_app
from tools.make_sample import ball_xy, balloon_xy


def work_on(editor: EditorPage) -> None:
    """Two objects, one tracked for a while, the last step taken back; frame 12 is shown."""
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.add_object()
    x, y = balloon_xy(0)
    editor.drag(x - 54, y - 56, x + 54, y + 56)
    editor.track()
    editor.wait_until_tracked()
    editor.seek(12)
    editor.click(320, 350)
    editor.page.keyboard.press("Control+z")
    editor.wait_until_answered()
    editor.wait_for_frame(12)
    editor.until(lambda: iou(editor.mask(BLUE), ball(12)) > 0.4)


def undo_title(editor: EditorPage) -> str:
    return editor.page.locator('[data-action="undo"]').get_attribute("title") or ""


def redo_title(editor: EditorPage) -> str:
    return editor.page.locator('[data-action="redo"]').get_attribute("title") or ""


def require_the_same(editor: EditorPage, before: np.ndarray, titles: tuple[str, str]) -> None:
    editor.wait_for_frame(12)
    editor.until(lambda: np.array_equal(editor.mask(), before))
    assert editor.objects.count() == 2
    assert (undo_title(editor), redo_title(editor)) == titles


def cards(page: Page) -> list[str]:
    return page.locator(".s2-recent .s2-card b").all_inner_texts()


def test_a_reload_changes_nothing(editor: EditorPage) -> None:
    work_on(editor)
    before, titles = editor.mask(), (undo_title(editor), redo_title(editor))
    assert "Track forwards" in titles[0]
    assert "Click on" in titles[1]
    editor.page.wait_for_timeout(600)
    editor.reload()
    require_the_same(editor, before, titles)
    for _ in range(4):
        editor.press("undo")
        editor.wait_until_answered()
    editor.until(lambda: not editor.mask().any())
    assert "Nothing to undo" in undo_title(editor)
    for _ in range(4):
        editor.press("redo")
        editor.wait_until_answered()
    editor.seek(12)
    require_the_same(editor, before, titles)


def test_a_closed_tab_is_in_the_list(editor: EditorPage) -> None:
    work_on(editor)
    before, titles = editor.mask(), (undo_title(editor), redo_title(editor))
    editor.page.wait_for_timeout(600)
    context = editor.page.context
    editor.page.close(run_before_unload=True)
    page = context.new_page()
    again = EditorPage(page, editor.url)
    page.wait_for_selector(".s2-recent .s2-card")
    assert cards(page) == ["sample.mp4"]
    assert page.locator(".s2-recent img").evaluate("img => img.decode().then(() => img.width > 0)")
    page.locator(".s2-recent .s2-card").click()
    page.wait_for_selector('.s2[data-state="open"]')
    require_the_same(again, before, titles)


def test_other_browsers_see_nothing_of_it(editor: EditorPage, new_page: NewPage) -> None:
    editor.open_sample()
    other = new_page()
    other.page.wait_for_timeout(500)
    assert cards(other.page) == []
    assert not other.page.locator(".s2-recent").is_visible()
    other.press_project("recent")
    assert other.page.get_by_text("no projects here yet").is_visible()


def test_a_project_moves_to_the_tab_that_opens_it(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    page = editor.page.context.new_page()
    other = EditorPage(page, editor.url)
    page.locator(".s2-recent .s2-card").click()
    other.wait_for_frame(0)
    other.until(lambda: other.mask().any())
    editor.page.keyboard.press("Shift+A")
    editor.until(lambda: "another page opened it" in editor.problem)
    assert editor.page.locator(".s2").first.get_attribute("data-state") == "empty"
    editor.reload()
    editor.until(lambda: editor.mask().any())


def test_a_closed_project_leaves_the_stage_empty(editor: EditorPage) -> None:
    editor.open_sample()
    editor.page.mouse.move(*editor.point(100, 60))
    editor.page.mouse.down()
    editor.page.mouse.move(*editor.point(200, 120), steps=3)
    editor.page.evaluate("document.querySelector('[data-project-action=\"close\"]').click()")
    editor.page.wait_for_selector('.s2[data-state="empty"]')
    editor.page.mouse.move(500, 500, steps=3)
    editor.page.mouse.up()
    editor.page.keyboard.press("q")
    assert "Crosshair" not in editor.status
    assert editor.page.locator('[data-action="zoom_in"]').is_disabled()
    assert editor.page.locator('[data-action="actual"]').inner_text() == "100 %"
    editor.open_sample()
    assert not editor.mask().any(), "the box was never finished"


def test_a_project_is_saved_and_opened(
    editor: EditorPage, new_page: NewPage, tmp_path: Path, scene: Scene
) -> None:
    clip = write_clip(tmp_path / "my clip", scene.frames)
    with editor.page.expect_file_chooser() as waiting:
        editor.press("browse")
    waiting.value.set_files(clip)
    editor.wait_for_frame(0)
    editor.page.mouse.click(*editor.point(320, 180))
    editor.wait_until_answered()
    editor.page.wait_for_selector('[data-action="undo"]:enabled')
    size = editor.page.locator('[data-project="clip-size"]')
    editor.until(lambda: "KB" in size.inner_text())
    download = editor.download(lambda: editor.press_project("save"))
    assert download.suggested_filename == "my_clip.sam2ov"
    path = tmp_path / download.suggested_filename
    download.save_as(path)
    assert path.stat().st_size > clip.stat().st_size

    other = new_page()
    data = other.page.evaluate_handle(
        """async (bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "any name.sam2ov"));
          return data;
        }""",
        list(path.read_bytes()),
    )
    other.page.locator(".s2-stage").dispatch_event("drop", {"dataTransfer": data})
    other.wait_for_frame(0)
    assert other.page.locator('[data-project="name"]').inner_text() == "my clip.mp4"
    assert other.page.locator(".s2-count").first.inner_text() == "1"

    path.write_bytes(path.read_bytes()[:-100])
    with other.page.expect_file_chooser() as waiting:
        other.press_project("browse")
    waiting.value.set_files(path)
    other.until(lambda: "The project file is damaged" in other.problem)
    assert other.page.locator('[data-project="name"]').inner_text() == "my clip.mp4"


def test_a_project_is_deleted_for_good(editor: EditorPage, server: RunningApp) -> None:
    editor.open_sample()
    token = editor.page.evaluate("sessionStorage.getItem('sam2ov-project')").strip('"')
    assert (server.projects / token).is_dir()
    editor.press_project("delete")
    editor.page.get_by_role("button", name="Keep").click()
    assert (server.projects / token).is_dir()
    editor.press_project("delete")
    editor.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    editor.page.wait_for_selector('.s2[data-state="empty"]')
    editor.until(lambda: not (server.projects / token).exists())
    editor.until(lambda: cards(editor.page) == [])
    editor.page.reload()
    editor.page.wait_for_selector('.s2[data-state="empty"]')


class App:
    """The app at a port that stays the same when it is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.projects = folder / "chosen"
        self.port = free_port()
        self.start()

    def start(self) -> None:
        self.running = ExitStack()
        options = ("--projects", str(self.projects))
        app = self.running.enter_context(running_app(self.folder, *options, port=self.port))
        self.running.callback(os.kill, app.pid, signal.SIGKILL)
        self.url = app.url

    def kill(self) -> None:
        self.running.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    started = App(tmp_path)
    yield started
    started.kill()


def test_a_killed_server_comes_back_to_everything(app: App, browser: Browser) -> None:
    """The page complains while there is no server; nothing else may go wrong."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    editor = EditorPage(page, app.url)
    work_on(editor)
    before, titles = editor.mask(), (undo_title(editor), redo_title(editor))
    editor.track("backward")
    page.wait_for_timeout(600)
    editor.press("undo") if "Track backwards" in undo_title(editor) else None
    app.kill()
    app.start()
    editor.reload()
    require_the_same(editor, before, titles)

    app.kill()
    app.start()
    page.keyboard.press("Control+z")  # without a reload, the page finds out by itself
    editor.until(lambda: page.locator('.s2[data-waiting="0"]').count() == 1)
    editor.until(lambda: editor.objects.count() == 2)
    require_the_same(editor, before, titles)
    page.keyboard.press("Control+z")
    editor.until(lambda: undo_title(editor) != titles[0])
    assert failures == []
    assert len([path for path in app.projects.iterdir() if path.name[0] != "."]) == 1
    context.close()
