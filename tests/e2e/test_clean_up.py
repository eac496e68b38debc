"""Clean-up in the page: seen at once, per object, and taken back."""

import numpy as np
from playwright.sync_api import Locator

from tests.e2e.editor_page import EditorPage
from tools.make_sample import ball_xy, balloon_xy


def slider(editor: EditorPage, name: str) -> Locator:
    return editor.page.locator(f'[data-clean-up="{name}"]')


def test_sliders_show_what_they_do_and_follow_the_chosen_object(editor: EditorPage) -> None:
    panel = editor.page.locator('[data-panel="object"]')
    assert not panel.is_visible(), "there is no object to clean up"
    editor.open_sample()
    assert slider(editor, "smooth").input_value() != "0", "the sample's objects begin with it"
    editor.reset_clean_up()
    editor.click(*ball_xy(0))
    editor.wait_until_answered()
    before = np.count_nonzero(editor.mask())
    assert "Object 1" in panel.inner_text()
    slider(editor, "grow").fill("12")
    editor.wait_until_answered()
    editor.until(lambda: np.count_nonzero(editor.mask()) > 1.2 * before)
    assert "12 px" in editor.page.locator(".s2-clean-up").inner_text()

    editor.add_object()
    editor.click(*balloon_xy(0))
    editor.wait_until_answered()
    editor.until(lambda: slider(editor, "grow").input_value() == "0")
    editor.reset_clean_up()
    slider(editor, "fill_holes").fill("20")
    editor.wait_until_answered()
    assert "400 px²" in editor.page.locator(".s2-clean-up").inner_text()
    editor.objects.nth(0).locator(".s2-choose").click()
    assert slider(editor, "grow").input_value() == "12"
    assert slider(editor, "fill_holes").input_value() == "0"

    for _ in range(5):  # fill holes, the reset, the click, the second object, grow
        editor.press("undo")
        editor.wait_until_answered()
    editor.until(lambda: abs(np.count_nonzero(editor.mask()) - before) < 0.02 * before)
    assert slider(editor, "grow").input_value() == "0"
    editor.press("redo")
    editor.wait_until_answered()
    editor.page.locator("[data-clean-up-reset]").click()
    editor.wait_until_answered()
    assert slider(editor, "grow").input_value() == "0"
    editor.until(lambda: abs(np.count_nonzero(editor.mask()) - before) < 0.02 * before)


def test_soft_edges_are_seen_in_mattes_and_cut_outs(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.until(lambda: editor.mask().any())
    editor.page.locator(".s2-clean-up summary").click()
    editor.page.keyboard.press("v")
    editor.page.keyboard.press("v")  # the matte
    editor.until(lambda: set(np.unique(editor.canvas("masks")[..., 3])) == {0, 255})
    slider(editor, "feather").fill("24")
    editor.wait_until_answered()
    editor.until(lambda: len(np.unique(editor.canvas("masks")[..., 3])) > 10)
    matte = editor.canvas("masks")[..., 3]
    editor.page.locator(".s2-stage").press("v")  # the cut-out
    editor.until(lambda: editor.page.locator('.s2-view[data-style="cutout"]').count() == 1)
    cutout = editor.canvas("masks")[..., 3]
    assert np.abs(cutout.astype(int) - matte).max() <= 2
