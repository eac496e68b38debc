"""The page on a desktop and on a phone, in the light and in the dark."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import EditorPage
from tools.make_sample import ball_xy

SIZES = [(1440, 900), (1024, 768), (390, 844)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_cut_off(new_page: NewPage, width: int, height: int) -> None:
    editor = new_page(width=width, height=height)
    steps: list[Callable[[], object]] = [
        lambda: None,
        editor.open_sample,
        lambda: editor.click(*ball_xy(0)),
    ]
    for step in steps:
        step()
        wide = editor.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, "nobody likes to scroll sideways"
        stage = editor.page.locator(".s2-stage").bounding_box()
        assert stage is not None
        assert stage["y"] + stage["height"] <= height, "the picture is in sight"
        note, room = (
            editor.page.locator(part).bounding_box() for part in (".s2-review-note", ".s2-review")
        )
        assert note is not None
        assert room is not None
        assert room["y"] <= note["y"]
        assert note["y"] + note["height"] <= room["y"] + room["height"]


def test_nothing_jumps(editor: EditorPage) -> None:
    def boxes() -> list[object]:
        parts = (".s2-toolbar", ".s2-stage", ".s2-status", ".s2-transport", "#side")
        return [editor.page.locator(part).bounding_box() for part in parts]

    empty = boxes()
    editor.open_sample()
    assert boxes() == empty
    editor.click(*ball_xy(0))
    assert boxes() == empty
    editor.track()
    editor.until(lambda: "frames/s" in editor.status)
    assert boxes() == empty
    editor.press("cancel")
    editor.wait_until_tracked()
    assert boxes() == empty


def test_the_empty_page_teaches(editor: EditorPage) -> None:
    page = editor.page
    assert page.get_by_text("Drop a clip here").is_visible()
    assert page.get_by_text("choose a better model").is_visible()
    for word in ("Click", "Track", "Correct", "Export"):
        assert page.locator(".s2-steps b", has_text=word).is_visible()


def test_every_control_has_a_name(editor: EditorPage) -> None:
    editor.open_sample()
    # What tells of events has no name, and no words until there is something to tell.
    nameless = editor.page.evaluate(
        """[...document.querySelectorAll(".s2 button, .s2 input, .s2 [role]")]
          .filter((e) => !["status", "alert"].includes(e.getAttribute("role")))
          .filter((e) => !(e.ariaLabel || e.innerText?.trim() || e.textContent?.trim()))
          .map((e) => e.outerHTML)"""
    )
    assert nameless == []


def test_the_keyboard_reaches_everything_and_shows_where_it_is(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    seen = set()
    for _ in range(100):
        editor.page.keyboard.press("Tab")
        seen.add(
            editor.page.evaluate(
                """(() => {
                  const e = document.activeElement;
                  const ring = getComputedStyle(e).outlineStyle !== "none";
                  return e.closest(".s2") && !ring ? `no ring: ${e.outerHTML}`
                    : e.dataset.action || e.dataset.menu || e.dataset.track || e.className || e.id;
                })()"""
            )
        )
    assert not [name for name in seen if name.startswith("no ring")]
    assert {"undo", "clear", "open", "help", "play", "add", "forward", "s2-slider"} <= seen


def test_dark_follows_the_system(new_page: NewPage) -> None:
    def brightness(editor: EditorPage) -> int:
        screenshot = Image.open(io.BytesIO(editor.page.screenshot()))
        return int(np.asarray(screenshot.convert("RGB"))[3, 3].max())

    assert brightness(new_page(color_scheme="dark")) < 60
    assert brightness(new_page(color_scheme="light")) > 200
