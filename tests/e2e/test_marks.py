"""Prompts that are there already: moved, deleted, cleared, undone, and refused where locked."""

import numpy as np

from tests.e2e.editor_page import (
    BALL,
    BALLOON,
    BALLOON_BOX,
    BLUE,
    ORANGE,
    SKY,
    EditorPage,
    ball,
    iou,
)


def test_a_point_is_moved_and_deleted(opened: EditorPage) -> None:
    page = opened.page
    opened.click(*BALL)
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)
    page.mouse.move(*opened.point(*SKY))
    assert opened.cursor == "positive"
    page.mouse.move(*opened.point(*BALL))
    assert opened.cursor == "mark"

    page.mouse.down()
    page.mouse.move(*opened.point(*SKY), steps=4)
    page.keyboard.press("Escape")
    page.mouse.up()
    page.mouse.move(*opened.point(300, 300))
    assert opened.marker(*BALL) == "positive", "Esc drops a drag"

    opened.drag(*BALL, *BALLOON)
    page.mouse.move(*opened.point(300, 300))
    opened.until(lambda: opened.marker(*BALLOON) == "positive")
    assert opened.marker(*BALL) == "none"
    opened.until(lambda: opened.mask().any() and opened.mask()[ball(0)].mean() < 0.2)

    opened.click(*BALLOON)
    page.mouse.move(*opened.point(300, 300))
    assert opened.marker(*BALLOON) == "none"
    opened.until(lambda: not opened.mask().any())
    page.keyboard.press("Control+z")
    opened.wait_until_answered()
    page.keyboard.press("Control+z")
    opened.wait_until_answered()
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)


def test_a_double_click_is_one_point(opened: EditorPage) -> None:
    opened.page.mouse.dblclick(*opened.point(*BALL))
    opened.wait_until_answered()
    opened.page.mouse.move(*opened.point(*SKY))
    assert opened.marker(*BALL) == "positive"
    opened.press("undo")
    opened.wait_until_answered()
    assert opened.page.locator('[data-action="undo"]').is_disabled()


def test_the_corner_of_a_box_is_moved_and_the_box_deleted(opened: EditorPage) -> None:
    x0, y0, x1, y1 = BALLOON_BOX
    opened.drag(x0 - 60, y0 - 20, x1, y1)
    opened.until(lambda: opened.mask().any())
    opened.drag(x0 - 60, y0 - 20, x0, y0)

    def edge(x: float) -> bool:
        column, row = opened.on_stage(x, BALLOON[1] - 20)
        return bool(opened.canvas("prompts")[round(row), round(column), 3])

    opened.page.mouse.move(*opened.point(*SKY))
    assert edge(x0)
    assert not edge(x0 - 60)
    opened.click(x1, y1)
    opened.page.mouse.move(*opened.point(*SKY))
    assert not edge(x0)
    opened.until(lambda: not opened.mask().any())


def test_a_locked_object_refuses_kindly(opened: EditorPage) -> None:
    opened.page.locator(".s2-lock").first.click()
    opened.wait_until_answered()
    opened.page.mouse.move(*opened.point(*BALL))
    opened.until(lambda: opened.cursor == "refused")
    opened.page.mouse.click(*opened.point(*BALL))
    opened.until(lambda: "Object 1 is locked" in opened.status)
    assert opened.marker(*BALL) == "none"


def test_undo_and_redo_say_what_they_do(opened: EditorPage) -> None:
    opened.click(*BALL)
    opened.until(lambda: opened.mask().any())
    one = opened.mask()
    undo, redo = (opened.page.locator(f'[data-action="{name}"]') for name in ("undo", "redo"))
    opened.until(lambda: "Click on Object 1" in (undo.get_attribute("title") or ""))
    undo.click()
    opened.wait_until_answered()
    opened.until(lambda: not opened.mask().any())
    assert "Click on Object 1" in (redo.get_attribute("title") or "")
    opened.page.keyboard.press("Control+Shift+z")
    opened.wait_until_answered()
    opened.until(lambda: np.array_equal(opened.mask(), one))
    opened.page.keyboard.press("Control+z")
    opened.wait_until_answered()
    opened.page.keyboard.press("Control+y")
    opened.wait_until_answered()
    opened.until(lambda: np.array_equal(opened.mask(), one))


def test_everything_is_cleared_and_comes_back(opened: EditorPage) -> None:
    opened.click(*BALL)
    opened.add_object()
    opened.click(*BALLOON)
    opened.until(lambda: opened.mask(ORANGE).any())
    before = opened.mask()
    opened.clear("clear_object")
    opened.until(lambda: not opened.mask(ORANGE).any())
    assert opened.mask(BLUE).any()
    opened.clear("clear_all")
    opened.until(lambda: not opened.mask().any())
    for _ in range(2):
        opened.press("undo")
        opened.wait_until_answered()
    opened.until(lambda: np.array_equal(opened.mask(), before))
