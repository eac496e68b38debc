"""The rows of objects with a real mouse and keyboard: names, and several chosen at once."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator

from tests.e2e.editor_page import BALL, BALLOON, BLUE, ORANGE, EditorPage
from tools.make_sample import balloon_xy


@pytest.fixture
def two(opened: EditorPage) -> EditorPage:
    """The sample with the ball and the balloon, the second chosen."""
    opened.click(*BALL)
    opened.add_object()
    opened.click(*BALLOON)
    opened.until(lambda: opened.mask(ORANGE).any() and opened.mask(BLUE).any())
    return opened


def name(editor: EditorPage, number: int) -> Locator:
    return editor.page.locator(".s2-name").nth(number)


def chosen(editor: EditorPage) -> str:
    """The ids of the rows that look chosen."""
    rows = editor.page.locator(".s2-object:is(.s2-active, .s2-chosen)")
    return ",".join(row.get_attribute("data-object") or "" for row in rows.all())


def test_a_click_on_a_name_chooses_and_keys_do_not_land_in_it(two: EditorPage) -> None:
    assert chosen(two) == "2"
    name(two, 0).click()
    assert chosen(two) == "1"
    two.page.keyboard.press("s")
    tool = two.page.locator('[data-tool="negative"]')
    assert tool.get_attribute("aria-checked") == "true", "the key chose a tool"
    assert name(two, 0).input_value() == "Object 1"
    two.page.keyboard.press("ArrowRight")
    two.wait_for_frame(1)


def test_a_double_click_or_f2_renames_and_esc_reverts(two: EditorPage) -> None:
    keyboard = two.page.keyboard
    name(two, 0).dblclick()
    keyboard.type("Ball")
    keyboard.press("Enter")
    two.wait_until_answered()
    assert name(two, 0).input_value() == "Ball"
    keyboard.press("F2")
    keyboard.type("Something else")
    keyboard.press("Escape")
    assert name(two, 0).input_value() == "Ball"
    keyboard.press("b")
    assert name(two, 0).input_value() == "Ball", "Esc has left the field"
    assert two.page.locator('[data-tool="brush"]').get_attribute("aria-checked") == "true"
    keyboard.press("Control+z")
    two.until(lambda: name(two, 0).input_value() == "Object 1")


def test_what_is_done_to_one_of_several_is_done_to_all(two: EditorPage) -> None:
    two.add_object()
    name(two, 0).click()
    name(two, 1).click(modifiers=["Control"])
    assert chosen(two) == "1,2"
    two.page.locator(".s2-hide").first.click()
    two.until(lambda: not two.mask().any())
    assert two.marker(*BALL) == "none", "points go with their objects"
    assert two.marker(*BALLOON) == "none"
    assert two.page.locator('.s2-hide[aria-pressed="true"]').count() == 2
    two.press("undo")
    two.until(lambda: two.mask(BLUE).any() and two.mask(ORANGE).any())
    assert two.page.locator('.s2-hide[aria-pressed="true"]').count() == 0, "one step"

    name(two, 0).click()
    name(two, 2).click(modifiers=["Shift"])
    assert chosen(two) == "1,2,3"
    colour = two.page.locator(".s2-colour")
    colour.nth(1).evaluate(
        "(e) => { e.value = '#00ff00'; e.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    two.until(lambda: colour.nth(2).input_value() == "#00ff00")
    two.until(lambda: two.mask((0, 255, 0)).any() and not two.mask(BLUE).any())

    name(two, 1).click(modifiers=["Control"])
    assert chosen(two) == "1,3"
    two.page.locator(".s2-remove").first.click()
    two.until(lambda: two.objects.count() == 1)
    assert two.page.locator("dialog[open]").count() == 0, "undo exists: nobody is asked"
    two.press("undo")
    two.until(lambda: two.objects.count() == 3)


def test_only_the_chosen_ones_are_tracked(two: EditorPage) -> None:
    two.add_object()
    two.seek(90)
    two.click(*balloon_xy(90))
    two.seek(80)
    two.page.keyboard.press("i")
    two.wait_until_answered()
    name(two, 0).click()
    name(two, 2).click(modifiers=["Control"])
    two.press("onlyChosen")
    two.track("both")
    two.wait_until_tracked()
    lanes = two.page.locator(".s2-lane")
    two.until(lambda: "tracked" in (lanes.nth(2).get_attribute("aria-label") or ""))
    assert "tracked" in (lanes.nth(0).get_attribute("aria-label") or "")
    assert "tracked" not in (lanes.nth(1).get_attribute("aria-label") or "")


def test_a_point_looks_like_one_until_the_pointer_has_left_it(opened: EditorPage) -> None:
    opened.click(*BALL)
    opened.until(lambda: opened.marker(*BALL) == "positive")
    assert opened.cursor == "positive", "a click would not take it away yet"
    x, y = opened.point(*BALL)
    opened.page.mouse.move(x + 60, y)
    opened.page.mouse.move(x, y, steps=4)
    assert opened.cursor == "mark"


def test_review_says_nothing_of_a_clip_that_is_closed(opened: EditorPage) -> None:
    opened.click(*BALL)
    opened.track()
    opened.wait_until_tracked()
    opened.press_project("close")
    opened.page.wait_for_selector('.s2[data-state="empty"]')
    note = opened.page.locator(".s2-review-note").text_content() or ""
    assert "No frame stands out" not in note


def test_a_class_goes_to_the_object_that_it_was_typed_for(two: EditorPage) -> None:
    field = two.page.locator("[data-object-class]")
    field.press_sequentially("toy")
    name(two, 0).click()
    two.wait_until_answered()
    two.until(lambda: field.input_value() == "")
    name(two, 1).click()
    two.until(lambda: field.input_value() == "toy")


def test_a_class_is_given_to_all_that_are_chosen_and_goes_into_exports(
    two: EditorPage, tmp_path: Path
) -> None:
    field = two.page.locator("[data-object-class]")
    name(two, 0).click(modifiers=["Control"])
    field.fill("toy")
    field.press("Enter")
    two.wait_until_answered()
    name(two, 0).click()
    assert field.evaluate("field => field !== document.activeElement"), "shown, not typed"
    assert field.input_value() == "toy"
    options = two.page.locator("#s2-classes option")
    assert [option.get_attribute("value") for option in options.all()] == ["toy"]
    two.page.locator("#export-kind").select_option("coco")
    two.page.locator("#export").click()
    anyway = two.page.get_by_role("button", name="Export anyway")
    download = two.download(anyway.click)
    path = tmp_path / download.suggested_filename
    download.save_as(path)
    assert [known["name"] for known in json.loads(path.read_text())["categories"]] == ["toy"]
    two.press("undo")
    two.until(lambda: field.input_value() == "")
