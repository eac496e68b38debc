"""The export panel: what it shows for a choice, and what it tells where its button is."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest
from playwright.sync_api import expect

from sam2ov.video import open_video
from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import EditorPage
from tests.e2e.test_looks import png_file
from tools.make_sample import ball_xy

FRAME: Final = 40
TOLERANCE: Final = 4.0
"""How far the stage may be off the file, on the average of 255 levels."""


def in_sight(editor: EditorPage, selector: str) -> bool:
    """Whether all of a part lies within the window and nothing covers its middle."""
    shown: bool = editor.page.locator(selector).evaluate(
        """(part) => {
          const { left, top, right, bottom } = part.getBoundingClientRect();
          const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
          return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight
            && (part === over || part.contains(over));
        }"""
    )
    return shown


def test_there_is_nothing_to_export_before_something_is_clicked(editor: EditorPage) -> None:
    button = editor.page.locator("#export")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "Open a clip first.")
    editor.open_sample()
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "Click an object first.")
    editor.click(*ball_xy(0))
    expect(button).to_be_enabled()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_export_tells_at_its_button_what_goes_on(
    new_page: NewPage, width: int, height: int
) -> None:
    phone = {"has_touch": True, "is_mobile": True} if width < 500 else {}
    editor = new_page(width=width, height=height, **phone)
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.open_panel("export")
    page.locator("#export-options summary").click()
    assert in_sight(editor, "#export"), "with its options open, too"
    assert in_sight(editor, ".s2-stage")
    if width > 500:
        assert in_sight(editor, '[data-track="forward"]')

    page.locator("#export-kind").select_option("exr")
    page.locator("#export-exr-picture input").check()  # takes a while
    editor.press_export()
    going = page.locator('[data-export="going"]')
    expect(going).to_be_visible()
    assert in_sight(editor, '[data-export="cancel"]')
    page.locator('[data-export="cancel"]').click()
    expect(going).to_be_hidden(timeout=30_000)
    expect(page.locator('[data-export="saved"]')).to_be_empty()

    page.locator("#export-kind").select_option("overlay")
    download = editor.download(editor.press_export)
    saved = page.locator('[data-export="saved"]')
    expect(saved).to_contain_text(f"Saved {download.suggested_filename}, ")
    assert in_sight(editor, '[data-export="saved"]')

    if phone:
        page.locator('[data-sheet="export"]').click()
    page.locator(".s2-hide").first.click()
    editor.wait_until_answered()
    editor.open_panel("export")
    page.locator("#export").click()
    problem = page.locator('[data-problem="export"]')
    expect(problem).to_contain_text("All objects are hidden")
    assert in_sight(editor, '[data-problem="export"]')
    editor.press("undo")
    expect(problem).to_be_empty()


def test_only_the_fields_that_matter_are_there(opened: EditorPage) -> None:
    page = opened.page

    def fields() -> set[str]:
        visible = page.locator('[data-export="main"] [data-option]:visible')
        return set(visible.evaluate_all("(all) => all.map((one) => one.dataset.option)"))

    assert fields() == {"effect", "fill", "outline"}
    for effect, wanted in {
        "blur": {"effect", "on", "strength", "outline"},
        "replace": {"effect", "on", "background", "outline"},
        "remove": {"effect", "on", "paint", "outline"},
    }.items():
        page.locator(f'.s2-tile [value="{effect}"]').check(force=True)
        assert fields() == wanted
    page.locator("#export-kind").select_option("coco")
    assert fields() == {"every", "segmentation", "images"}
    side = page.locator(".s2-side")
    for kind in page.locator("#export-kind option").evaluate_all(
        "(all) => all.map((o) => o.value)"
    ):
        page.locator("#export-kind").select_option(kind)
        assert side.evaluate("(e) => e.scrollWidth <= e.clientWidth"), kind
        assert side.evaluate("(e) => e.scrollHeight") < 1400, kind


def test_an_effect_with_a_picture_of_ones_own(opened: EditorPage, tmp_path: Path) -> None:
    page = opened.page
    opened.click(*ball_xy(0))
    opened.track("frame")
    page.locator('.s2-tile [value="replace"]').check(force=True)
    page.locator("#export-overlay-on select").select_option("background")
    opened.press_export()
    expect(page.locator('[data-problem="export"]')).to_contain_text("Choose a picture or video")
    page.locator("#export-overlay-background input").set_input_files(
        png_file(tmp_path / "magenta.png", (255, 0, 255))
    )
    download = opened.download(opened.press_export)
    path = tmp_path / download.suggested_filename
    download.save_as(path)
    with open_video(path) as video:
        red, green, blue = video.read(0)[8, 8].astype(int)
    assert red > 200
    assert green < 60
    assert blue > 200


def test_the_stage_shows_what_the_file_will_show(editor: EditorPage, tmp_path: Path) -> None:
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.track()
    editor.wait_until_tracked()
    editor.seek(FRAME)
    bar = page.locator(".s2-live-bar")
    for effect in ("spotlight", "remove", "pixelate"):
        page.locator(f'input[name="s2-effect"][value="{effect}"]').check(force=True)
        expect(bar).to_be_visible()
        page.locator("#export-options summary").evaluate("(e) => (e.parentElement.open = true)")
        quality = page.locator("#export-overlay-crf input").first
        quality.fill(quality.get_attribute("max") or "")
        download = editor.download(editor.press_export)
        path = tmp_path / f"{effect}.mp4"
        download.save_as(path)
        with open_video(path) as video:
            written = video.read(FRAME).astype(int)
        page.wait_for_timeout(300)
        seen = editor.canvas("masks")[..., :3].astype(int)
        assert seen.shape == written.shape
        # JPEG here and H.264 there: both blur colours along edges.
        assert np.abs(seen - written).mean() < TOLERANCE, effect
    page.locator('[data-action="leaveLook"]').click()
    expect(bar).to_be_hidden()
    editor.until(lambda: editor.mask().any() and not editor.mask().all())


def test_effects_are_seen_while_playing_and_a_click_goes_back_to_editing(
    editor: EditorPage,
) -> None:
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))
    page.locator('input[name="s2-effect"][value="spotlight"]').check(force=True)
    expect(page.locator(".s2-live-bar")).to_be_visible()
    page.locator(".s2-stage").focus()
    page.keyboard.press(" ")
    editor.until(lambda: editor.position > 10)
    # What follows was never tracked: everything is dark.
    assert editor.canvas("masks")[..., 3].min() == 255
    page.keyboard.press(" ")
    page.keyboard.press("Home")
    editor.wait_for_frame(0)
    editor.click(ball_xy(0)[0] + 12, ball_xy(0)[1])
    expect(page.locator(".s2-live-bar")).to_be_hidden()
    editor.until(lambda: editor.mask().any() and not editor.mask().all())
