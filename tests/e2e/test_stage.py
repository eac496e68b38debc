"""What is in sight on the stage: zoom, pan, fullscreen, and how masks look."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Locator

from sam2ov.values.masks import BoolArray
from tests.clips import write_clip
from tests.e2e.editor_page import BALL, BALLOON, BLUE, ORANGE, SKY, EditorPage, ball, iou

GREEN = (22, 163, 74)


def width(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["width"]


def mark_size(editor: EditorPage) -> int:
    """Pixels of the screen that are green: a positive point."""
    rgba = editor.canvas("prompts").astype(int)
    return int((np.abs(rgba[..., :3] - GREEN).max(axis=2) < 6).sum())


def test_the_wheel_zooms_at_the_pointer_and_marks_keep_their_size(opened: EditorPage) -> None:
    opened.click(*BALL)
    at, size, fit = opened.point(*BALL), mark_size(opened), opened.zoom
    opened.page.mouse.move(*at)
    for _ in range(5):
        opened.page.mouse.wheel(0, -120)
    opened.until(lambda: opened.zoom > 2 * fit)
    assert np.allclose(opened.point(*BALL), at, atol=3)
    opened.page.mouse.move(*opened.point(*SKY))  # hovered marks are drawn larger
    assert abs(mark_size(opened) - size) < 0.25 * size
    opened.until(lambda: opened.marker(*BALL) == "positive")
    opened.page.keyboard.press("0")
    opened.until(lambda: opened.zoom == fit)


def test_clicks_mean_the_same_pixel_when_zoomed_in(opened: EditorPage) -> None:
    opened.page.mouse.move(*opened.point(*BALL))
    for _ in range(3):
        opened.page.mouse.wheel(0, -200)
    opened.until(lambda: opened.zoom > 200)
    opened.click(*BALL)
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)
    view = opened.page.locator(".s2-view.s2-pixels .s2-masks")
    assert view.evaluate("(e) => getComputedStyle(e).imageRendering") == "pixelated"


def test_zoom_by_keys_and_buttons(opened: EditorPage) -> None:
    keyboard, fit = opened.page.keyboard, opened.zoom
    assert opened.page.locator('[data-action="fit"]').is_disabled()
    keyboard.press("+")
    assert abs(opened.zoom - 1.5 * fit) <= 1
    keyboard.press("-")
    assert opened.zoom == fit
    opened.press("zoom_in")
    opened.press("zoom_in")
    assert opened.zoom > 2 * fit
    opened.press("fit")
    assert opened.zoom == fit
    for _ in range(20):
        keyboard.press("+")
    assert opened.page.locator('[data-action="zoom_in"]').is_disabled()
    keyboard.press("Shift+0")
    assert opened.zoom == max(100, fit), "never smaller than the whole picture"


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
        assert opened.cursor == "grabbing"
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
    opened.until(lambda: width(stage) > 1300)
    assert opened.page.locator('[data-action="play"]').is_visible()
    opened.page.wait_for_timeout(300)
    opened.click(*BALL)
    opened.until(lambda: iou(opened.mask(), ball(0)) > 0.5)
    opened.press("fullscreen")
    opened.until(lambda: width(stage) < 1300)
    opened.until(lambda: [opened.page.locator(part).bounding_box() for part in parts] == before)


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
    masks = opened.page.locator(".s2-masks")
    assert masks.evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(0, 0, 0)"

    choose_style(opened, "cutout")
    opened.until(lambda: opened.page.locator('.s2-view[data-style="cutout"]').count() == 1)
    cutout, frame = opened.canvas("masks"), opened.canvas("frame")
    assert np.array_equal(cutout[..., 3] > 0, area)
    assert np.array_equal(cutout[area], frame[area])

    choose_style(opened, "none")
    opened.until(lambda: not opened.mask().any())
    opened.page.keyboard.press("m")
    opened.until(lambda: opened.mask().sum() == area.sum())
    opened.page.keyboard.press("v")
    opened.page.keyboard.press("v")
    opened.until(lambda: alpha() > 0)
    assert [url for url in asked if "/media/" in url and ".png" in url] == []


def test_opacity_and_style_are_remembered(opened: EditorPage) -> None:
    opened.page.locator(".s2-look").click()
    opened.page.get_by_label("Opacity", exact=True).fill("80")
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


# ---- Words


def test_every_key_of_a_tooltip_is_in_the_help(opened: EditorPage) -> None:
    opened.page.keyboard.press("?")
    text = opened.page.locator('[data-dialog="help"]').inner_text()
    titles = opened.page.evaluate(
        "[...document.querySelectorAll(':is(.s2-top, .s2-toolbar) button')].map((e) => e.title)"
    )
    keys = {key for title in titles for key in re.findall(r"\(([A-Z])[,) ]", title)}
    assert keys >= {"A", "S", "D", "B", "E", "H", "F", "V", "W"}
    named = set(re.findall(r"\b[A-Z]\b", text))
    assert keys <= named
