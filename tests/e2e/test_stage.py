"""The picture and the tools on it: zoom, pan, points, boxes, the brush, and how masks look."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import CDPSession, Locator

from sam2ov.masks import BoolArray
from tests.clips import write_clip
from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import EditorPage, ball, iou
from tests.e2e.gestures import touch
from tools.make_sample import HEIGHT, WIDTH, ball_xy, balloon_xy

BALL, BALLOON = ball_xy(0), balloon_xy(0)
BLUE, ORANGE = (79, 157, 255), (255, 166, 43)
BALLOON_BOX = (BALLOON[0] - 54, BALLOON[1] - 56, BALLOON[0] + 54, BALLOON[1] + 88)
SKY = (250.0, 80.0)
GREEN = (22, 163, 74)


@pytest.fixture
def opened(editor: EditorPage) -> EditorPage:
    editor.open_sample()
    return editor


def zoom(editor: EditorPage) -> int:
    """What the toolbar says, in percent."""
    return int(editor.page.locator('[data-action="actual"]').inner_text().split()[0])


def width(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["width"]


def cursor(editor: EditorPage) -> str | None:
    return editor.page.locator(".s2-stage").get_attribute("data-cursor")


def mark_size(editor: EditorPage) -> int:
    """Pixels of the screen that are green: a positive point."""
    rgba = editor.canvas("prompts").astype(int)
    return int((np.abs(rgba[..., :3] - GREEN).max(axis=2) < 6).sum())


def capsule(start: tuple[float, float], end: tuple[float, float], radius: float) -> BoolArray:
    """Where a round brush paints between two points."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    (x0, y0), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    along = ((columns - x0) * dx + (rows - y0) * dy) / (dx * dx + dy * dy)
    along = np.clip(along, 0, 1)
    inside: BoolArray = np.hypot(columns - x0 - along * dx, rows - y0 - along * dy) < radius
    return inside


def brush_radius(editor: EditorPage) -> float:
    text = editor.page.locator(".s2-brush output").text_content() or ""
    return int(text.split()[0]) / 2


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


# ---- What is in sight


def test_the_wheel_zooms_at_the_pointer_and_marks_keep_their_size(opened: EditorPage) -> None:
    opened.click(*BALL)
    at, size, fit = opened.point(*BALL), mark_size(opened), zoom(opened)
    opened.page.mouse.move(*at)
    for _ in range(5):
        opened.page.mouse.wheel(0, -120)
    opened.until(lambda: zoom(opened) > 2 * fit)
    assert np.allclose(opened.point(*BALL), at, atol=1.5)
    opened.page.mouse.move(*opened.point(*SKY))  # hovered marks are drawn larger
    assert abs(mark_size(opened) - size) < 0.25 * size
    opened.until(lambda: opened.marker(*BALL) == "positive")
    opened.page.keyboard.press("0")
    opened.until(lambda: zoom(opened) == fit)


def test_clicks_mean_the_same_pixel_when_zoomed_in(opened: EditorPage) -> None:
    opened.page.mouse.move(*opened.point(*BALL))
    for _ in range(3):
        opened.page.mouse.wheel(0, -200)
    opened.until(lambda: zoom(opened) > 200)
    opened.click(*BALL)
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)
    view = opened.page.locator(".s2-view.s2-pixels .s2-masks")
    assert view.evaluate("(e) => getComputedStyle(e).imageRendering") == "pixelated"


def test_zoom_by_keys_and_buttons(opened: EditorPage) -> None:
    keyboard, fit = opened.page.keyboard, zoom(opened)
    assert opened.page.locator('[data-action="fit"]').is_disabled()
    keyboard.press("+")
    assert zoom(opened) == round(1.5 * fit)
    keyboard.press("-")
    assert zoom(opened) == fit
    opened.press("zoom_in")
    opened.press("zoom_in")
    assert zoom(opened) > 2 * fit
    opened.press("fit")
    assert zoom(opened) == fit
    for _ in range(20):
        keyboard.press("+")
    assert opened.page.locator('[data-action="zoom_in"]').is_disabled()
    keyboard.press("Shift+0")
    assert zoom(opened) == max(100, fit), "never smaller than the whole picture"


@pytest.mark.parametrize("way", ["space", "middle", "tool"])
def test_the_picture_is_dragged_and_stays_on_the_stage(opened: EditorPage, way: str) -> None:
    page = opened.page
    beside = opened.on_stage(0, 0)
    for _ in range(4):
        page.keyboard.press("+")
    if way == "tool":
        opened.choose_tool("pan")
    place = opened.point(320, 180)

    def drag(dx: float, dy: float) -> None:
        button = "middle" if way == "middle" else "left"
        page.mouse.move(*place)
        if way == "space":
            page.keyboard.down("Space")
        page.mouse.down(button=button)  # type: ignore[arg-type]
        assert cursor(opened) == "grabbing"
        page.mouse.move(place[0] + dx, place[1] + dy, steps=4)
        page.mouse.up(button=button)  # type: ignore[arg-type]
        if way == "space":
            page.keyboard.up("Space")

    drag(60, -40)
    assert np.allclose(opened.point(320, 180), (place[0] + 60, place[1] - 40), atol=1.5)
    for _ in range(8):
        drag(280, 200)
    assert np.allclose(opened.on_stage(0, 0), beside, atol=1.5), "no further than its corner"
    page.wait_for_timeout(200)
    assert opened.position == 0, "a drag with Space is not Play"
    assert not opened.mask().any(), "and no prompt"


def test_a_large_clip_has_its_own_pixels_when_looked_at_closely(
    editor: EditorPage, tmp_path: Path
) -> None:
    frames = np.zeros((2, 1080, 1920, 3), np.uint8)
    frames[:, :, ::2] = 255  # lines of one pixel: gone when it is made smaller
    editor.page.locator(".s2-file").set_input_files(write_clip(tmp_path / "lines", frames))
    editor.wait_for_frame(0)
    editor.until(lambda: editor.canvas("frame").shape[1] == 1280)
    for _ in range(6):
        editor.page.keyboard.press("+")
    editor.until(lambda: editor.canvas("frame").shape[1] == 1920)
    editor.page.keyboard.press("0")


def test_fullscreen_and_back(opened: EditorPage) -> None:
    parts = (".s2-toolbar", ".s2-stage", ".s2-status", "#side")
    before = [opened.page.locator(part).bounding_box() for part in parts]
    opened.page.keyboard.press("f")
    stage = opened.page.locator(".s2-stage")
    opened.until(lambda: width(stage) > 1390)
    assert opened.page.locator('[data-action="play"]').is_visible()
    opened.page.wait_for_timeout(300)
    opened.click(*BALL)
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)
    opened.press("fullscreen")
    opened.until(lambda: width(stage) < 1390)
    opened.until(lambda: [opened.page.locator(part).bounding_box() for part in parts] == before)


# ---- Prompts


def test_a_point_is_moved_and_deleted(opened: EditorPage) -> None:
    page = opened.page
    opened.click(*BALL)
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)
    page.mouse.move(*opened.point(*SKY))
    assert cursor(opened) == "positive"
    page.mouse.move(*opened.point(*BALL))
    assert cursor(opened) == "mark"

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
    opened.until(lambda: cursor(opened) == "refused")
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


# ---- The brush


def test_the_brush_paints_at_once_and_the_mask_is_what_was_painted(opened: EditorPage) -> None:
    start, end = (180.0, 300.0), (300.0, 330.0)
    opened.page.keyboard.press("b")
    radius = brush_radius(opened)

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
    assert iou(opened.mask(), clicked | capsule(start, end, brush_radius(opened))) > 0.9


def test_the_size_of_the_brush(opened: EditorPage) -> None:
    opened.page.keyboard.press("b")
    opened.page.mouse.move(*opened.point(320, 180))
    assert cursor(opened) == "brush"
    assert opened.status.startswith("Paint over Object 1")
    first = brush_radius(opened)
    opened.page.keyboard.press("]")
    opened.page.keyboard.press("]")
    larger = brush_radius(opened)
    assert larger > 1.4 * first
    column, row = opened.on_stage(320, 180)
    alpha = opened.canvas("prompts")[round(row), :, 3]
    ring = np.flatnonzero(alpha[round(column) + 4 :])[0] + 4
    scale = zoom(opened) / 100
    assert abs(ring - larger * scale) < 3, "the circle is as large as the brush"
    for _ in range(40):
        opened.page.keyboard.press("[")
    assert brush_radius(opened) <= 1
    opened.page.get_by_label("Size of the brush").fill("50")
    assert brush_radius(opened) > 2


# ---- How masks look


def choose_style(editor: EditorPage, style: str) -> None:
    editor.page.locator(".s2-look").click()
    editor.page.locator(f'[data-style-choice="{style}"]').click()
    editor.page.keyboard.press("Escape")


def middle(mask: BoolArray) -> tuple[int, int]:
    """The pixel (x, y) of a mask that is farthest from its border."""
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return int(x), int(y)


def test_styles_change_without_asking_the_server(opened: EditorPage) -> None:
    opened.click(*BALL)
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)
    area = opened.mask()
    asked: list[str] = []
    opened.page.on("request", lambda request: asked.append(request.url))
    x, y = middle(area)

    def alpha() -> int:
        return int(opened.canvas("masks")[y, x, 3])

    assert abs(alpha() - 0.45 * 255) < 4
    choose_style(opened, "outline")
    opened.until(lambda: alpha() == 0)
    assert 0 < opened.mask(BLUE).sum() < 0.3 * area.sum()

    choose_style(opened, "matte")
    opened.until(lambda: opened.mask((255, 255, 255)).sum() == area.sum())
    assert not opened.page.locator(".s2-frame").is_visible()

    choose_style(opened, "cutout")
    opened.until(lambda: opened.canvas("frame")[5, 5, 3] == 0)
    assert np.array_equal(opened.canvas("frame")[..., 3] > 0, area)

    choose_style(opened, "none")
    opened.until(lambda: opened.canvas("frame")[5, 5, 3] == 255)
    assert not opened.mask().any()
    opened.page.keyboard.press("m")
    opened.until(lambda: opened.canvas("frame")[5, 5, 3] == 0)
    opened.page.keyboard.press("v")
    opened.page.keyboard.press("v")
    opened.until(lambda: alpha() > 0)
    assert [url for url in asked if "/media/" in url and ".png" in url] == []


def test_opacity_and_style_are_remembered(opened: EditorPage) -> None:
    opened.page.locator(".s2-look").click()
    opened.page.get_by_label("Opacity").fill("80")
    opened.page.keyboard.press("Escape")
    opened.click(*BALL)
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)
    x, y = middle(opened.mask())
    assert abs(int(opened.canvas("masks")[y, x, 3]) - 204) < 4
    choose_style(opened, "outline")
    later = opened.page.context.new_page()
    later.goto(opened.url)
    chosen = '[data-style-choice="outline"][aria-checked="true"]'
    later.wait_for_selector(chosen, state="attached")
    assert later.locator(".s2-opacity input").input_value() == "80"


def test_hidden_and_alone(opened: EditorPage) -> None:
    opened.click(*BALL)
    opened.add_object()
    opened.click(*BALLOON)
    opened.until(lambda: opened.mask(ORANGE).any() and opened.mask(BLUE).any())
    opened.page.keyboard.press("x")
    opened.until(lambda: not opened.mask(BLUE).any())
    assert opened.mask(ORANGE).any()
    opened.page.keyboard.press("1")
    opened.until(lambda: opened.mask(BLUE).any() and not opened.mask(ORANGE).any())
    opened.page.keyboard.press("x")
    opened.until(lambda: opened.mask(BLUE).any() and opened.mask(ORANGE).any())
    opened.page.locator(".s2-hide").first.click()
    opened.until(lambda: not opened.mask(BLUE).any() and opened.mask(ORANGE).any())


# ---- Fingers


@pytest.fixture
def phone(new_page: NewPage) -> EditorPage:
    editor = new_page(width=390, height=844, has_touch=True, is_mobile=True)
    editor.open_sample()
    editor.page.evaluate("scrollTo(0, 0)")
    return editor


@pytest.fixture
def fingers(phone: EditorPage) -> CDPSession:
    return phone.page.context.new_cdp_session(phone.page)


def test_two_fingers_zoom_and_prompt_nothing(phone: EditorPage, fingers: CDPSession) -> None:
    fit = zoom(phone)
    x, y = phone.point(*BALL)
    touch(fingers, "touchStart", (x - 20, y))
    touch(fingers, "touchStart", (x - 20, y), (x + 20, y))
    for spread in (30, 40, 60):
        touch(fingers, "touchMove", (x - spread, y), (x + spread, y))
    touch(fingers, "touchEnd", (x - 60, y))
    touch(fingers, "touchEnd")
    phone.until(lambda: zoom(phone) > 2 * fit)
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
    radius = brush_radius(phone)
    start, end = (200.0, 100.0), (300.0, 160.0)
    drag(start, (240, 124), (270, 142), end)
    phone.until(lambda: iou(phone.mask(), capsule(start, end, radius)) > 0.85)


def test_the_toolbar_is_two_rows_of_large_buttons(phone: EditorPage) -> None:
    for tool in ("positive", "brush"):
        phone.page.locator(f'[data-tool="{tool}"]').tap()
        boxes = phone.page.evaluate(
            """[...document.querySelectorAll(".s2-toolbar :is(button, input)")]
              .filter((e) => e.checkVisibility())
              .map((e) => e.getBoundingClientRect())
              .map((r) => [r.left, r.top, r.right, r.bottom])"""
        )
        left, top, right, bottom = np.array(boxes).T
        assert left.min() >= 0
        assert right.max() <= 390
        assert bottom.max() - top.min() < 90
        assert len(boxes) >= 14


# ---- Words


def test_every_key_of_a_tooltip_is_in_the_help(opened: EditorPage) -> None:
    opened.page.keyboard.press("?")
    text = opened.page.locator('[data-dialog="help"]').inner_text()
    titles = opened.page.evaluate(
        "[...document.querySelectorAll('.s2-toolbar button')].map((e) => e.title)"
    )
    keys = {key for title in titles for key in re.findall(r"\(([A-Z])[,) ]", title)}
    assert keys >= {"A", "S", "D", "B", "E", "H", "F", "V"}
    named = set(re.findall(r"\b[A-Z]\b", text))
    assert keys <= named
