"""The brush and the eraser, with a real mouse."""

from collections.abc import Callable

import numpy as np

from tests.e2e.editor_page import BALL, BLUE, EditorPage, ball, capsule, iou


def stroke(
    editor: EditorPage,
    start: tuple[float, float],
    end: tuple[float, float],
    before_release: Callable[[], None] = lambda: None,
) -> None:
    mouse = editor.page.mouse
    mouse.move(*editor.point(*start))
    mouse.down()
    mouse.move(*editor.point(*end), steps=8)
    before_release()
    mouse.up()
    editor.wait_until_answered()


def test_the_brush_paints_at_once_and_the_mask_is_what_was_painted(opened: EditorPage) -> None:
    start, end = (180.0, 300.0), (300.0, 330.0)
    opened.page.keyboard.press("b")
    radius = opened.brush_radius

    def preview() -> None:
        column, row = (round(value) for value in opened.on_stage(240, 315))
        colour = opened.canvas("prompts")[row, column].astype(int)
        assert np.abs(colour[:3] - BLUE).max() < 6
        assert 100 < colour[3] < 180
        assert not opened.mask().any(), "the server has not been asked yet"

    stroke(opened, start, end, preview)
    expected = capsule(start, end, radius)
    opened.until(lambda: iou(opened.mask(), expected) > 0.93)
    painted = opened.mask()
    column, row = (round(value) for value in opened.on_stage(240, 315))
    assert opened.canvas("prompts")[row, column, 3] == 0, "the stroke gives way to the mask"

    opened.page.keyboard.press("e")
    stroke(opened, (240, 300), (240, 330))
    hole = capsule((240, 300), (240, 330), radius)
    opened.until(lambda: not np.array_equal(opened.mask(), painted))
    assert iou(opened.mask(), painted & ~hole) > 0.9
    opened.press("undo")
    opened.wait_until_answered()
    opened.until(lambda: np.array_equal(opened.mask(), painted))


def test_the_brush_corrects_a_click(opened: EditorPage) -> None:
    opened.click(*BALL)
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)
    clicked = opened.mask()
    opened.choose_tool("brush")
    start, end = (BALL[0] - 20, BALL[1] + 60), (BALL[0] + 20, BALL[1] + 60)
    stroke(opened, start, end)
    opened.until(lambda: opened.mask().sum() > clicked.sum())
    assert iou(opened.mask(), clicked | capsule(start, end, opened.brush_radius)) > 0.9


def test_the_size_of_the_brush(opened: EditorPage) -> None:
    opened.page.keyboard.press("b")
    opened.page.mouse.move(*opened.point(320, 180))
    assert opened.cursor == "brush"
    assert opened.status.startswith("Paint over Object 1")
    first = opened.brush_radius
    opened.page.keyboard.press("]")
    opened.page.keyboard.press("]")
    larger = opened.brush_radius
    assert larger > 1.4 * first
    column, row = opened.on_stage(320, 180)
    alpha = opened.canvas("prompts")[round(row), :, 3]
    ring = np.flatnonzero(alpha[round(column) + 4 :])[0] + 4
    scale = opened.zoom / 100
    assert abs(ring - larger * scale) < 3, "the circle is as large as the brush"
    for _ in range(40):
        opened.page.keyboard.press("[")
    assert opened.brush_radius <= 1
    opened.page.get_by_label("Size of the brush").fill("50")
    assert opened.brush_radius > 2
