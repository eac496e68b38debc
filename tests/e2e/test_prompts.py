"""Clicks, boxes, objects and undo, with a real mouse."""

import numpy as np
from playwright.sync_api import expect

from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import (
    BALL,
    BALLOON,
    BALLOON_BOX,
    BLUE,
    ORANGE,
    EditorPage,
    ball,
    balloon,
    iou,
)


def test_a_click_finds_the_object(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*BALL)
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)
    assert editor.marker(*BALL) == "positive"
    assert "track it" in editor.status


def test_undo_is_exact(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*BALL)
    editor.until(lambda: editor.mask().any())
    one = editor.mask()
    beside = (BALL[0] + 16, BALL[1] + 12)
    editor.click(*beside, button="right")
    assert editor.marker(*beside) == "negative"
    editor.until(lambda: not np.array_equal(editor.mask(), one))
    editor.page.keyboard.press("Control+z")
    editor.wait_until_answered()
    editor.until(lambda: np.array_equal(editor.mask(), one))
    assert editor.marker(*beside) == "none"
    editor.press("undo")
    editor.wait_until_answered()
    editor.until(lambda: not editor.mask().any())
    assert editor.page.locator('[data-action="undo"]').is_disabled()


def test_shift_click_and_the_toggle_are_negative_too(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*BALL)
    editor.click(200, 60, shift=True)
    assert editor.marker(200, 60) == "negative"
    editor.choose_tool("negative")
    editor.click(260, 60)
    assert editor.marker(260, 60) == "negative"
    editor.choose_tool("positive")
    editor.click(BALL[0] + 8, BALL[1] + 8)
    assert editor.marker(BALL[0] + 8, BALL[1] + 8) == "positive"


def test_a_drag_is_a_box_and_objects_have_colours(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*BALL)
    editor.add_object()
    editor.drag(*BALLOON_BOX)
    editor.until(lambda: iou(editor.mask(ORANGE), balloon(0)) > 0.4)
    assert iou(editor.mask(BLUE), ball(0)) > 0.5, "the first object is as it was"
    assert not (editor.mask(BLUE) & balloon(0)).any()


def test_quick_clicks_are_all_answered(editor: EditorPage) -> None:
    editor.open_sample()
    places = [(BALL[0] + dx, BALL[1] + dy) for dx in (-14, 0, 14) for dy in (-14, 14)]
    for place in places:
        editor.page.mouse.click(*editor.point(*place))
    editor.wait_until_answered()
    assert [editor.marker(*place) for place in places] == ["positive"] * 6
    for _ in places:
        editor.press("undo")
    editor.wait_until_answered()
    editor.until(lambda: not editor.mask().any())


def test_clearing_a_frame_clears_one_object_on_it(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*BALL)
    editor.add_object()
    editor.click(*BALLOON)
    editor.until(lambda: editor.mask(ORANGE).any())
    editor.clear()
    editor.until(lambda: not editor.mask(ORANGE).any())
    assert editor.mask(BLUE).any()
    assert editor.page.locator('[data-action="clear"]').is_disabled()


def test_objects_are_named_coloured_chosen_and_removed(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*BALL)
    name = editor.page.get_by_label("Name of Object 1")
    name.dblclick()
    name.fill("Beach ball, n d t")
    name.press("Enter")
    editor.wait_until_answered()
    assert editor.objects.count() == 1, "typing is not a shortcut"
    editor.page.get_by_label("Colour of Beach ball, n d t").fill("#ff0000")
    editor.wait_until_answered()
    editor.until(lambda: editor.mask((255, 0, 0)).any())
    editor.add_object()
    editor.page.get_by_label("Choose Beach ball, n d t").click()
    editor.page.locator(".s2-stage").focus()
    editor.page.keyboard.press("2")
    assert editor.objects.nth(1).locator('[aria-checked="true"]').count() == 1

    editor.page.get_by_label("Remove Beach ball, n d t").click()  # undo brings it back
    editor.until(lambda: editor.objects.count() == 1 and not editor.mask().any())


def test_the_canvases_are_never_replaced(editor: EditorPage) -> None:
    editor.page.evaluate("window.canvases = [...document.querySelectorAll('.s2 canvas')]")
    editor.open_sample()
    editor.click(*BALL)
    editor.press("undo")
    editor.wait_until_answered()
    assert editor.page.evaluate("canvases.every((canvas) => canvas.isConnected)")


def test_two_tabs_do_not_see_each_other(new_page: NewPage) -> None:
    one, other = new_page(), new_page()
    one.open_sample()
    other.open_sample()
    one.click(*BALL)
    other.click(*BALLOON)
    one.until(lambda: one.mask().any())
    other.until(lambda: other.mask().any())
    # A click may spill a little; the other page's object would be there as a whole.
    assert one.mask()[balloon(0)].mean() < 0.2
    assert other.mask()[ball(0)].mean() < 0.2


def test_another_device_answers_the_same_prompts(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*BALL)
    editor.until(lambda: editor.mask().any())
    before = editor.mask()
    panel = editor.page.locator("#model-panel")
    expect(panel).to_contain_text("quality · CPU")
    editor.open_panel("more")
    editor.page.get_by_role("button", name="Models …").click()
    dialog = editor.page.get_by_role("dialog", name="Models")
    dialog.get_by_label("Runs on").select_option("AUTO")
    dialog.get_by_role("button", name="Use on AUTO").first.click()
    expect(panel).to_contain_text("quality · AUTO", timeout=60_000)
    editor.until(lambda: iou(editor.mask(), before) > 0.9)
    editor.press("undo")
    expect(panel).to_contain_text("quality · CPU", timeout=60_000)
    assert iou(editor.mask(), before) > 0.9, "the change of the device is a step of its own"
    editor.press("undo")
    editor.wait_until_answered()
    editor.until(lambda: not editor.mask().any())
