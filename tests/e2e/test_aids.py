"""What helps to see and to choose: previews, outlines of everything, the divider, the magnifier."""

import numpy as np
import pytest

from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import BALL, BALLOON, BLUE, SKY, EditorPage, ball, balloon, iou
from tests.e2e.gestures import touch

BEFORE, AFTER = (255, 82, 82), (52, 211, 106)


def rest(editor: EditorPage, x: float, y: float) -> None:
    """Come to a place with the pointer, and stay there."""
    editor.page.mouse.move(*editor.point(x - 4, y - 4))
    editor.page.mouse.move(*editor.point(x, y), steps=3)


def previewed(editor: EditorPage) -> np.ndarray:
    """Where a preview is to be seen, bool [h, w]."""
    if editor.page.locator(".s2-hover").is_hidden():
        return np.zeros((1, 1), np.bool_)
    return editor.canvas("hover")[..., 3] > 0


# ---- Hover preview


def test_resting_on_an_object_shows_what_a_click_gives(opened: EditorPage) -> None:
    rest(opened, *BALL)
    opened.until(lambda: previewed(opened).any())
    seen = previewed(opened)
    assert iou(seen, ball(0)) > 0.5
    assert opened.page.locator('[data-action="undo"]').is_disabled(), "nothing has happened"
    opened.click(*BALL)
    opened.until(lambda: opened.mask().any())
    assert not previewed(opened).any(), "the click takes its place"
    assert iou(opened.mask(), seen) > 0.99


def test_a_preview_goes_with_the_pointer_the_frame_and_the_tool(opened: EditorPage) -> None:
    page = opened.page
    rest(opened, *BALL)
    opened.until(lambda: previewed(opened).any())
    page.mouse.move(2, 2)
    opened.until(lambda: not previewed(opened).any())
    rest(opened, *BALL)
    opened.until(lambda: previewed(opened).any())
    page.keyboard.press("ArrowRight")
    opened.wait_for_frame(1)
    assert not previewed(opened).any()
    opened.choose_tool("brush")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    rest(opened, *BALL)
    page.wait_for_timeout(500)
    assert not [url for url in asked if "/hover/" in url]


def test_previews_ask_seldom_and_can_be_switched_off(opened: EditorPage) -> None:
    page = opened.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    rest(opened, *BALL)
    opened.until(lambda: previewed(opened).any())
    asked.clear()
    began = page.evaluate("performance.now()")
    for step in range(60):
        page.mouse.move(*opened.point(BALL[0] + step % 20, BALL[1]))
    seconds = (page.evaluate("performance.now()") - began) / 1000
    assert len([url for url in asked if "/hover/" in url]) <= 10 * seconds + 2
    page.locator(".s2-look").click()
    page.locator('[data-action="hover"]').click()
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    asked.clear()
    rest(opened, *BALLOON)
    page.wait_for_timeout(500)
    assert not [url for url in asked if "/hover/" in url]
    later = page.context.new_page()
    later.goto(opened.url)
    later.wait_for_selector('[data-action="hover"][aria-pressed="false"]', state="attached")


# ---- Everything on a frame


def test_everything_is_outlined_and_a_click_takes_it(opened: EditorPage) -> None:
    page = opened.page
    opened.press("find")
    page.wait_for_selector(".s2-found-bar:visible")
    assert "outlines" in page.locator(".s2-found-bar p").inner_text()
    take = page.locator('[data-action="takeFound"]')
    assert take.is_disabled()
    for place in (BALL, BALLOON):
        page.mouse.click(*opened.point(*place))
    assert "2 chosen" in page.locator(".s2-found-bar p").inner_text()
    take.click()
    opened.wait_until_answered()
    opened.until(lambda: opened.objects.count() == 2)
    opened.until(lambda: iou(opened.mask(), ball(0) | balloon(0)) > 0.5)
    assert page.locator(".s2-found-bar").is_hidden()
    opened.press("undo")
    opened.wait_until_answered()
    opened.until(lambda: not opened.mask().any())
    assert opened.objects.count() == 1, "one step"


def test_outlines_by_keyboard_and_away_with_escape_or_another_frame(opened: EditorPage) -> None:
    page = opened.page
    page.keyboard.press("g")
    page.wait_for_selector(".s2-found-bar:visible")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    assert "1 chosen" in page.locator(".s2-found-bar p").inner_text()
    page.keyboard.press("Enter")
    opened.wait_until_answered()
    opened.until(lambda: opened.mask().any())
    for leave in ("Escape", "ArrowRight"):
        page.keyboard.press("g")
        page.wait_for_selector(".s2-found-bar:visible")
        page.locator(".s2-stage").focus()
        page.keyboard.press(leave)
        page.wait_for_selector(".s2-found-bar", state="hidden")


# ---- Before and after, onion skin


def test_a_divider_shows_the_picture_as_it_was(opened: EditorPage) -> None:
    page = opened.page
    opened.click(*BALL)
    opened.until(lambda: opened.mask().any())

    def colour(x: float, y: float) -> np.ndarray:
        left, top = opened.point(x, y)
        clip = {"x": left - 2, "y": top - 2, "width": 4, "height": 4}
        png = page.screenshot(clip=clip)  # type: ignore[arg-type]
        return np.asarray(opened.pixels(png)[..., :3].mean(axis=(0, 1)))

    place = (BALL[0] - 20, BALL[1])
    painted = colour(*place)
    page.keyboard.press("c")
    divider = page.locator(".s2-divider")
    assert divider.get_attribute("aria-valuenow") == "50"
    plain = colour(*place)
    assert np.abs(plain - painted).max() > 20, "the ball lies left of it"
    bounds = divider.bounding_box()
    assert bounds is not None
    middle = bounds["x"] + bounds["width"] / 2, bounds["y"] + bounds["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(opened.point(2, 0)[0], middle[1], steps=4)
    page.mouse.up()
    assert np.abs(colour(*place) - painted).max() < 8
    page.keyboard.press("ArrowRight")
    assert opened.position == 0, "arrows move the divider while it has the keys"
    page.locator(".s2-stage").focus()
    page.keyboard.press("c")
    assert divider.is_hidden()


def test_onion_skin_shows_the_frames_around(opened: EditorPage) -> None:
    page = opened.page
    opened.click(*BALL)
    opened.track()
    opened.wait_until_tracked()
    opened.seek(20)
    page.keyboard.press("u")

    def has(colour: tuple[int, int, int]) -> bool:
        if page.locator(".s2-onion").is_hidden():
            return False
        rgba = opened.canvas("onion").astype(int)
        return bool(((np.abs(rgba[..., :3] - colour).max(axis=2) < 6) & (rgba[..., 3] > 200)).any())

    opened.until(lambda: has(BEFORE) and has(AFTER))
    assert opened.mask(BLUE).any(), "and the frame itself as before"
    page.keyboard.press("End")
    opened.until(lambda: has(BEFORE) and not has(AFTER))
    page.keyboard.press("u")
    opened.until(lambda: page.locator(".s2-onion").is_hidden())


# ---- Touch


@pytest.fixture
def phone(new_page: NewPage) -> EditorPage:
    editor = new_page(width=390, height=844, has_touch=True, is_mobile=True)
    editor.open_sample()
    return editor


def test_a_finger_that_is_held_aims_with_a_magnifier(phone: EditorPage) -> None:
    page = phone.page
    session = page.context.new_cdp_session(page)
    magnifier = page.locator(".s2-magnifier")
    touch(session, "touchStart", phone.point(*SKY))
    phone.until(lambda: magnifier.is_visible())
    touch(session, "touchMove", phone.point(*BALL))
    assert phone.canvas("magnifier")[..., 3].min() == 255
    red = phone.canvas("magnifier")[..., :3].reshape(-1, 3).astype(int)
    assert ((red[:, 0] > 180) & (red[:, 2] < 110)).any(), "the ball is seen in it"
    touch(session, "touchEnd")
    phone.wait_until_answered()
    assert magnifier.is_hidden()
    phone.until(lambda: iou(phone.mask(), ball(0)) > 0.5)
    assert page.locator(".s2-hover").is_hidden(), "fingers hover nowhere"


def test_a_quick_tap_magnifies_nothing(phone: EditorPage) -> None:
    page = phone.page
    page.touchscreen.tap(*phone.point(*BALL))
    phone.wait_until_answered()
    assert page.locator(".s2-magnifier").is_hidden()
    phone.until(lambda: phone.mask().any())
