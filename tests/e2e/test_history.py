"""Undo and redo through every kind of step, there and back."""

import json
from collections.abc import Callable

import numpy as np
from playwright.sync_api import Locator

from tests.e2e.editor_page import BALL, BALLOON, BALLOON_BOX, EditorPage, ball, balloon, iou

ROWS = """
() => [...document.querySelectorAll(".s2-object")].map((row) => [
  row.dataset.object,
  ...[".s2-name", ".s2-colour"].map((field) => row.querySelector(field).value),
  ...[".s2-hide", ".s2-lock"].map((button) => row.querySelector(button).ariaPressed),
  row.querySelector(".s2-count").textContent,
  row.querySelector(".s2-lane").ariaLabel,
])
"""

State = tuple[str, bytes]


def state(editor: EditorPage) -> State:
    """All that a step may change: rows with their lanes, in and out, and the masks in sight."""
    page = editor.page
    ends = [page.locator(end).get_attribute("aria-valuenow") for end in (".s2-in", ".s2-out")]
    rows = page.evaluate(ROWS)
    return json.dumps([rows, ends], indent=1), np.packbits(editor.mask()).tobytes()


def settled(editor: EditorPage, other_than: State | None) -> State:
    """The state once it stays as it is, and differs from the one before."""
    found = [state(editor)]

    def is_settled() -> bool:
        editor.page.wait_for_timeout(150)
        found.append(state(editor))
        return found[-1] == found[-2] != other_than

    editor.until(is_settled)
    return found[-1]


def steps(editor: EditorPage) -> list[Callable[[], object]]:
    """One step each, of every kind; the first frame is in sight before each of them."""
    page = editor.page

    def press(name: str) -> None:
        page.get_by_role("button", name=name, exact=True).click()

    def rename() -> None:
        page.get_by_label("Name of Object 2").dblclick()
        page.keyboard.type("Balloon")
        page.keyboard.press("Enter")

    def move_up() -> None:
        page.get_by_role("button", name="Move Balloon up or down").focus()
        page.keyboard.press("ArrowUp")

    def brush() -> None:
        editor.choose_tool("brush")
        editor.drag(BALLOON[0] - 12, BALLOON[1] + 78, BALLOON[0] + 12, BALLOON[1] + 78)
        editor.choose_tool("positive")

    def set_out() -> None:
        for _ in range(6):
            page.keyboard.press("ArrowRight")
        editor.wait_for_frame(6)
        page.keyboard.press("o")
        editor.wait_until_answered()

    def track() -> None:
        editor.track()
        editor.wait_until_tracked()

    def remove() -> None:
        press("Remove Balloon")

    return [
        lambda: editor.click(*BALL),
        lambda: editor.click(BALL[0], BALL[1] - 60, button="right"),
        lambda: editor.drag(*BALL, BALL[0] + 8, BALL[1] - 8),
        editor.add_object,
        lambda: editor.drag(*BALLOON_BOX),
        rename,
        lambda: page.get_by_label("Colour of Balloon").fill("#d4145a"),
        move_up,
        brush,
        set_out,
        track,
        lambda: press("Lock Object 1"),
        lambda: press("Hide Object 1"),
        editor.clear,
        lambda: editor.click(*BALLOON),
        remove,
        lambda: press("Lock Object 1"),  # it is unlocked again: locked prompts are not cleared
        lambda: editor.clear("clear_all"),
    ]


def test_every_kind_of_step_is_taken_back_and_done_again(editor: EditorPage) -> None:
    editor.open_sample()
    page = editor.page
    undo, redo = (page.locator(f'[data-action="{name}"]') for name in ("undo", "redo"))
    states = [settled(editor, None)]
    titles: list[str] = []
    for step in steps(editor):
        page.locator(".s2-stage").focus()
        page.keyboard.press("Home")
        editor.wait_for_frame(0)
        step()
        editor.wait_until_answered()
        page.keyboard.press("Home")
        editor.wait_for_frame(0)
        states.append(settled(editor, states[-1]))
        titles.append(words(undo))
    assert iou(unpacked(states[5]), ball(0) | balloon(0)) > 0.5

    def go(button: str, expected: State) -> None:
        editor.press(button)
        editor.wait_until_answered()
        page.keyboard.press("Home")
        editor.wait_for_frame(0)
        editor.until(lambda: state(editor) == expected)

    for number in reversed(range(len(titles))):
        go("undo", states[number])
        assert words(redo) == titles[number]
    assert undo.is_disabled()
    for number in range(len(titles)):
        go("redo", states[number + 1])
    assert redo.is_disabled()


def words(button: Locator) -> str:
    """What would be undone or redone: the title without the button's own name and its keys."""
    title = button.get_attribute("title") or ""
    return title.partition(": ")[2].partition(" (Ctrl")[0]


def unpacked(shown: State) -> np.ndarray:
    height, width = ball(0).shape
    bits = np.frombuffer(shown[1], np.uint8)
    return np.unpackbits(bits, count=height * width).reshape(height, width).astype(np.bool_)
