"""Everything that a pointer prompts, without one."""

import re

import pytest

from tests.e2e.editor_page import BALL, EditorPage, ball, iou
from tools.make_sample import RADIUS


@pytest.fixture
def opened(editor: EditorPage) -> EditorPage:
    """The sample, opened by keyboard, with the crosshair in the middle."""
    editor.page.get_by_role("button", name="Try the sample").focus()
    editor.page.keyboard.press("Enter")
    editor.wait_for_frame(0)
    editor.page.keyboard.press("q")
    editor.until(lambda: "Crosshair at" in editor.status)
    return editor


def place(editor: EditorPage) -> tuple[float, float]:
    """What the status line says of the crosshair, in pixels of the clip."""
    found = re.search(r"Crosshair at (\d+), (\d+)", editor.status)
    assert found is not None, editor.status
    return float(found[1]), float(found[2])


def aim(editor: EditorPage, x: float, y: float) -> None:
    """Move the crosshair to a pixel, as closely as its steps allow."""
    for axis, (back, forth) in enumerate((("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown"))):
        for keys in ("Shift+{}", "{}"):
            away = abs((x, y)[axis] - place(editor)[axis])
            while True:
                key = back if (x, y)[axis] < place(editor)[axis] else forth
                editor.page.keyboard.press(keys.format(key))
                before, away = away, abs((x, y)[axis] - place(editor)[axis])
                if away >= before:
                    opposite = forth if key == back else back
                    editor.page.keyboard.press(keys.format(opposite))
                    break


def enter(editor: EditorPage, keys: str = "Enter") -> None:
    editor.page.keyboard.press(keys)
    editor.wait_until_answered()


def test_points(opened: EditorPage) -> None:
    editor = opened
    aim(editor, *BALL)
    at = place(editor)
    assert max(abs(at[0] - BALL[0]), abs(at[1] - BALL[1])) < 5
    assert "Enter adds" in editor.status
    enter(editor)
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)
    assert "takes this point away" in editor.status
    aim(editor, BALL[0] + 60, BALL[1])
    enter(editor, "Shift+Enter")
    assert editor.marker(*place(editor)) == "negative"
    editor.page.keyboard.press("q")
    assert "Crosshair" not in editor.status
    editor.page.keyboard.press("ArrowRight")
    editor.wait_for_frame(1)
    editor.page.keyboard.press("ArrowLeft")
    editor.wait_for_frame(0)
    editor.page.keyboard.press("q")
    enter(editor)  # it is where it was: on the point
    assert editor.marker(*place(editor)) == "none"


def test_a_box(opened: EditorPage) -> None:
    editor = opened
    editor.page.keyboard.press("d")
    aim(editor, BALL[0] - RADIUS, BALL[1] - RADIUS)
    editor.page.keyboard.press("Enter")
    assert "closes the box" in editor.status
    editor.page.keyboard.press("Escape")
    assert "begins a box" in editor.status
    editor.page.keyboard.press("Enter")
    aim(editor, BALL[0] + RADIUS, BALL[1] + RADIUS)
    enter(editor)
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)


def test_a_stroke_while_zoomed_in(opened: EditorPage) -> None:
    editor = opened
    for _ in range(3):
        editor.page.keyboard.press("+")
    editor.page.keyboard.press("b")
    left, top = place(editor)
    editor.page.keyboard.press("Enter")
    for _ in range(12):
        editor.page.keyboard.press("Shift+ArrowRight")
    right, _ = place(editor)
    assert right > left + 60, "the picture has moved along"
    enter(editor)
    editor.press("fit")
    editor.until(lambda: bool(editor.mask().any()))
    painted = editor.mask()
    assert painted[round(top), round((left + right) / 2)]
    assert not painted[round(top) + 60, round((left + right) / 2)]


def test_the_pointer_takes_over(opened: EditorPage) -> None:
    editor = opened
    editor.click(*BALL)
    editor.until(lambda: editor.mask().any())
    assert "Crosshair" not in editor.status
    editor.page.keyboard.press("ArrowRight")
    editor.wait_for_frame(1)
