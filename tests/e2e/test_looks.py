"""The page on a desktop and on a phone, in the light and in the dark."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
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
          .filter((e) => !(e.labels?.[0]?.textContent.trim() || e.hasAttribute("aria-labelledby")))
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


def png_file(path: Path, colour: tuple[int, int, int]) -> Path:
    """A small picture of one colour."""
    Image.new("RGB", (64, 36), colour).save(path)
    return path


THEMES: dict[str, dict[str, object]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced colours": {"forced_colors": "active"},
    "200 %": {"width": 640, "height": 360, "device_scale_factor": 2},
}


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_chosen_looks_chosen(new_page: NewPage, theme: str) -> None:
    editor = new_page(**THEMES[theme])
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))

    def looks(selector: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
        page.mouse.move(1, 1)
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(250)
        png = page.locator(selector).first.screenshot()
        return np.asarray(Image.open(io.BytesIO(png)).convert("L"))

    def differ(before: Any, after: Any) -> bool:
        return bool((np.abs(before.astype(int) - after) > 24).mean() > 0.015)

    before = looks('[data-tool="box"]')
    editor.choose_tool("box")
    assert differ(before, looks('[data-tool="box"]')), "the tool"
    editor.open_panel("export")
    radio, tile = ".s2-choice label:has([value=clip])", ".s2-tile:has([value=blur])"
    for part in (radio, tile):
        before = looks(part)
        page.locator(f"{part} input").check(force=True)
        assert differ(before, looks(part)), part
    page.locator("#export-options summary").click()
    box = "#export-per-object input"
    before = looks(box)
    page.locator(box).check()
    assert differ(before, looks(box)), "the box"


@pytest.mark.parametrize(("width", "height", "share"), [(1440, 900, 0.7), (1280, 720, 0.6)])
def test_the_picture_has_the_room(new_page: NewPage, width: int, height: int, share: float) -> None:
    editor = new_page(width=width, height=height)
    editor.open_sample()
    view = editor.page.locator(".s2-view")

    def shown() -> float:
        box = view.bounding_box()
        assert box is not None
        return box["width"] / width

    usual = shown()
    assert usual >= share
    editor.page.keyboard.press("w")
    stage = editor.page.locator(".s2-stage")
    editor.until(lambda: stage.evaluate("(e) => e.clientWidth") > 0.9 * width)
    assert not editor.page.locator(".s2-side").is_visible()
    assert shown() >= usual
    editor.page.keyboard.press("w")
    editor.until(lambda: abs(shown() - usual) < 0.01)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
def test_track_stays_in_sight_with_many_objects(new_page: NewPage, width: int, height: int) -> None:
    editor = new_page(width=width, height=height)
    editor.open_sample()
    track = editor.page.locator('[data-track="forward"]')
    before = track.bounding_box()
    for _ in range(8):
        editor.add_object()
    assert track.bounding_box() == before
    rows, last = (
        editor.page.locator(part).bounding_box() for part in (".s2-rows", ".s2-object >> nth=-1")
    )
    assert rows is not None
    assert last is not None
    assert last["y"] + last["height"] <= rows["y"] + rows["height"] + 1, "the new one is in sight"


def test_one_control_stands_out(editor: EditorPage) -> None:
    def primary() -> list[str]:
        found: list[str] = editor.page.evaluate(
            """[...document.querySelectorAll(".s2 button")]
              .filter((e) => e.checkVisibility() && !e.closest("dialog"))
              .filter((e) => getComputedStyle(e).backgroundColor === "rgb(37, 99, 235)")
              .map((e) => e.textContent.trim())"""
        )
        return found

    assert primary() == ["Choose a clip"]
    editor.open_sample()
    editor.page.mouse.move(1, 1)
    editor.until(lambda: primary() == [])
    editor.click(*ball_xy(0))
    editor.until(lambda: primary() == ["Track"])
    editor.track()
    editor.wait_until_tracked()
    editor.until(lambda: primary() == ["Export"])


def test_the_word_on_the_model_is_dismissed_for_good(editor: EditorPage) -> None:
    banner = editor.page.locator(".s2-banner")
    assert banner.is_visible()
    banner.get_by_role("button", name="Dismiss").click()
    assert not banner.is_visible()
    editor.page.reload()
    editor.page.wait_for_selector('.s2[data-state="empty"]')
    assert not banner.is_visible()


def test_a_phone_is_told_what_touch_does(new_page: NewPage) -> None:
    editor = new_page(width=390, height=844, is_mobile=True, has_touch=True)
    editor.press("help")
    dialog = editor.page.locator('[data-dialog="help"]')
    assert dialog.evaluate("(e) => e.scrollTop") == 0, "it opens at its beginning"
    editor.page.keyboard.press("Escape")
    editor.open_sample()
    assert editor.status == "Tap Object 1 in the picture."


def test_a_message_goes_with_its_cause(opened: EditorPage) -> None:
    opened.click(*ball_xy(0))
    opened.track()
    opened.wait_until_tracked()
    opened.track()
    opened.until(lambda: "tracked already" in opened.problem)
    opened.click(300, 60, shift=True)
    opened.until(lambda: opened.problem == "")


STATES = ["empty", "open", "prompted", "exported", "object", "more", "models", "help"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(new_page: NewPage, width: int, scheme: str) -> None:
    axe = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not installed: `make check` brings it (package.json)")
    phone = {"is_mobile": True, "has_touch": True} if width < 500 else {}
    editor = new_page(width=width, height=844, color_scheme=scheme, bypass_csp=True, **phone)
    page = editor.page
    found = {}

    def look(state: str) -> None:
        page.wait_for_timeout(300)  # transitions
        page.add_script_tag(path=axe)
        violations = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        found[state] = [
            f"{v['id']}: {[node['target'] for node in v['nodes']][:4]}"
            for v in violations["violations"]
        ]

    look("empty")
    editor.open_sample()
    look("open")
    editor.click(*ball_xy(0))
    look("prompted")
    editor.open_panel("export")
    editor.download(editor.press_export)
    look("exported")
    for name in ("object", "more"):
        editor.open_panel(name)
        look(name)
    page.locator("[data-model-action=browse]:visible").first.click()
    look("models")
    page.keyboard.press("Escape")
    editor.press("help")
    look("help")
    assert list(found) == STATES
    assert {state: told for state, told in found.items() if told} == {}
