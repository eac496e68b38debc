"""Fingers on a phone: taps, pinches, strokes, and a toolbar that they can hit."""

import numpy as np
import pytest
from playwright.sync_api import CDPSession

from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import BALL, BALLOON, BALLOON_BOX, ORANGE, EditorPage, ball, capsule, iou
from tests.e2e.gestures import touch


@pytest.fixture
def phone(new_page: NewPage) -> EditorPage:
    editor = new_page(width=390, height=844, has_touch=True, is_mobile=True)
    editor.open_sample()
    editor.page.evaluate("scrollTo(0, 0)")
    return editor


@pytest.fixture
def fingers(phone: EditorPage) -> CDPSession:
    return phone.page.context.new_cdp_session(phone.page)


def test_fingers_prompt_too(new_page: NewPage) -> None:
    editor = new_page(width=390, height=844, has_touch=True, is_mobile=True)
    page = editor.page
    assert not page.get_by_text("Drop a clip here").is_visible()
    page.get_by_role("button", name="Try the sample").tap()
    editor.wait_for_frame(0)
    page.touchscreen.tap(*editor.point(*BALL))
    editor.wait_until_answered()
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)
    page.locator('[data-tool="negative"]').tap()
    page.touchscreen.tap(*editor.point(250, 60))
    editor.wait_until_answered()
    assert editor.marker(250, 60) == "negative"
    page.locator('[data-action="undo"]').tap()

    page.locator('[data-action="add"]').tap()
    editor.until(lambda: editor.objects.count() == 2)
    page.locator('[data-tool="box"]').tap()
    page.evaluate("scrollTo(0, 0)")
    x0, y0, x1, y1 = BALLOON_BOX
    session = page.context.new_cdp_session(page)
    touch(session, "touchStart", editor.point(x0, y0))
    for share in (0.3, 0.6, 1.0):
        touch(session, "touchMove", editor.point(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share))
    touch(session, "touchEnd")
    editor.wait_until_answered()
    editor.until(lambda: editor.mask(ORANGE).sum() > 1000)
    targets = page.evaluate(
        """[...document.querySelectorAll(":is(.s2-toolbar, .s2-transport, .s2-track) button")]
          .filter((e) => e.checkVisibility())
          .map((e) => Math.min(e.offsetWidth, e.offsetHeight))"""
    )
    assert min(targets) >= 38, "fingers are wide"


def test_two_fingers_zoom_and_prompt_nothing(phone: EditorPage, fingers: CDPSession) -> None:
    fit = phone.zoom
    x, y = phone.point(*BALL)
    touch(fingers, "touchStart", (x - 20, y))
    touch(fingers, "touchStart", (x - 20, y), (x + 20, y))
    for spread in (30, 40, 60):
        touch(fingers, "touchMove", (x - spread, y), (x + spread, y))
    touch(fingers, "touchEnd", (x - 60, y))
    touch(fingers, "touchEnd")
    phone.until(lambda: phone.zoom > 2 * fit)
    phone.page.wait_for_timeout(200)
    assert phone.page.locator('[data-action="undo"]').is_disabled()

    before = phone.point(*BALL)
    touch(fingers, "touchStart", (x, y + 40))
    for step in (15, 30, 45):
        touch(fingers, "touchMove", (x + step, y + 40))
    touch(fingers, "touchEnd")
    assert phone.point(*BALL)[0] > before[0] + 15, "one finger moves what is enlarged"
    assert phone.page.locator('[data-action="undo"]').is_disabled()

    touch(fingers, "touchStart", phone.point(*BALL))
    touch(fingers, "touchEnd")
    phone.wait_until_answered()
    phone.until(lambda: iou(phone.mask(), ball(0)) > 0.5)


def test_a_finger_paints_and_moves_points(phone: EditorPage, fingers: CDPSession) -> None:
    def drag(*places: tuple[float, float]) -> None:
        touch(fingers, "touchStart", phone.point(*places[0]))
        for place in places[1:]:
            touch(fingers, "touchMove", phone.point(*place))
        touch(fingers, "touchEnd")
        phone.wait_until_answered()

    phone.page.touchscreen.tap(*phone.point(*BALLOON))
    phone.wait_until_answered()
    drag(BALLOON, (BALLOON[0] - 60, BALLOON[1]), (BALL[0] + 60, BALL[1]), BALL)
    phone.until(lambda: iou(phone.mask(), ball(0)) > 0.5)
    assert phone.page.evaluate("scrollY") == 0, "the page stays where it is"

    phone.clear()
    phone.page.locator('[data-tool="brush"]').tap()
    radius = phone.brush_radius
    start, end = (200.0, 100.0), (300.0, 160.0)
    drag(start, (240, 124), (270, 142), end)
    phone.until(lambda: iou(phone.mask(), capsule(start, end, radius)) > 0.85)


def test_the_tools_are_a_row_of_large_buttons_under_the_picture(phone: EditorPage) -> None:
    for tool in ("positive", "brush"):
        phone.page.locator(f'[data-tool="{tool}"]').tap()
        boxes = phone.page.evaluate(
            """[...document.querySelectorAll(".s2-toolbar button")]
              .filter((e) => e.checkVisibility())
              .map((e) => e.getBoundingClientRect())
              .map((r) => [r.left, r.top, r.right, r.bottom])"""
        )
        left, top, right, bottom = np.array(boxes).T
        assert left.min() >= 0
        assert right.max() <= 390
        assert bottom.max() - top.min() < 50
        assert (bottom - top).min() >= 44
        assert len(boxes) == 8
        stage = phone.page.locator(".s2-stage").bounding_box()
        assert stage is not None
        assert stage["y"] + stage["height"] <= top.min()
