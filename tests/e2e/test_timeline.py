"""The timeline with a real mouse: scrubbing, in and out, playing, lanes, rows, review list."""

import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.clips import write_clip
from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import EditorPage
from tools.make_sample import FPS, NUM_FRAMES, ball_xy, balloon_xy


def place(editor: EditorPage, selector: str, share: float) -> tuple[float, float]:
    """A point of an element: `share` of its width from the left, half-way down."""
    bounds = editor.page.locator(selector).first.bounding_box()
    assert bounds is not None
    return bounds["x"] + share * bounds["width"], bounds["y"] + bounds["height"] / 2


def share_of(frame: int) -> float:
    return (frame + 0.5) / NUM_FRAMES


def in_out(editor: EditorPage) -> tuple[int, int]:
    ends = [
        editor.page.locator(end).get_attribute("aria-valuenow") for end in (".s2-in", ".s2-out")
    ]
    return int(ends[0] or -1), int(ends[1] or -1)


def level(editor: EditorPage) -> str | None:
    return editor.page.locator(".s2-stage").get_attribute("data-level")


def pixel(editor: EditorPage, selector: str, share: float, down: float) -> list[int]:
    """RGBA of a canvas at shares of its width and height."""
    found: list[int] = editor.page.evaluate(
        """([selector, share, down]) => {
          const canvas = document.querySelector(selector);
          const [x, y] = [share * canvas.width, down * canvas.height].map(Math.floor);
          return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
        }""",
        [selector, share, down],
    )
    return found


def test_dragging_scrubs_and_rests_on_a_sharp_picture(editor: EditorPage) -> None:
    editor.open_sample()
    mouse = editor.page.mouse
    mouse.move(*place(editor, ".s2-strip", share_of(5)))
    mouse.down()
    editor.wait_for_frame(5)
    for frame in range(5, 71):
        mouse.move(*place(editor, ".s2-strip", share_of(frame)))
    editor.wait_for_frame(70)
    assert editor.position == 70
    mouse.up()
    editor.until(lambda: level(editor) == "view")
    mouse.click(*place(editor, ".s2-ruler", share_of(20)))
    editor.wait_for_frame(20)
    editor.page.locator(".s2-slider").focus()
    editor.page.keyboard.press("ArrowRight")
    editor.wait_for_frame(21)


def test_thumbnails_and_ruler_are_drawn(editor: EditorPage) -> None:
    editor.open_sample()
    for share in (0.05, 0.5, 0.95):
        editor.until(lambda share=share: pixel(editor, ".s2-strip", share, 0.2)[3] == 255)  # type: ignore[misc]
    sky = pixel(editor, ".s2-strip", 0.5, 0.1)
    assert sky[2] > sky[0], "the sky is blue"


def test_in_and_out(editor: EditorPage) -> None:
    editor.open_sample()
    page = editor.page
    assert in_out(editor) == (0, NUM_FRAMES - 1)
    editor.seek(20)
    page.keyboard.press("i")
    editor.seek(60)
    page.keyboard.press("o")
    editor.wait_until_answered()
    assert in_out(editor) == (20, 60)
    page.keyboard.press("Shift+I")
    editor.wait_for_frame(20)
    page.keyboard.press("Shift+O")
    editor.wait_for_frame(60)

    page.mouse.move(*place(editor, ".s2-out", 0.5))
    page.mouse.down()
    page.mouse.move(*place(editor, ".s2-strip", 40 / NUM_FRAMES), steps=6)
    editor.wait_for_frame(39)
    page.mouse.up()
    editor.wait_until_answered()
    assert in_out(editor) == (20, 39)
    page.locator(".s2-in").focus()
    page.keyboard.press("Shift+ArrowRight")
    editor.until(lambda: in_out(editor) == (30, 39))
    editor.wait_until_answered()
    editor.press("undo")
    editor.until(lambda: in_out(editor) == (20, 39))
    editor.press("clearRange")
    editor.wait_until_answered()
    assert in_out(editor) == (0, NUM_FRAMES - 1)


SAMPLES = """
() => new Promise((done) => {
  const samples = [];
  const until = performance.now() + 2500;
  const look = (now) => {
    samples.push([now, Number(document.querySelector(".s2-slider").value)]);
    if (now < until) requestAnimationFrame(look);
    else done(samples);
  };
  requestAnimationFrame(look);
})
"""


def test_it_plays_at_the_speed_of_the_clip(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.page.keyboard.press("Space")
    editor.until(lambda: editor.position > 4)
    samples = editor.page.evaluate(SAMPLES)
    (began, first), (ended, last) = samples[0], samples[-1]
    fps = 1000 * (last - first) / (ended - began)
    assert 0.6 * FPS < fps < 1.1 * FPS, "a busy machine may stop for a moment, and never hurries"
    steps = [b[1] - a[1] for a, b in pairwise(samples)]
    assert min(steps) >= 0
    editor.page.keyboard.press("Space")
    editor.until(lambda: level(editor) == "view")


def test_playing_stays_between_in_and_out(editor: EditorPage) -> None:
    editor.open_sample()
    editor.seek(30)
    editor.page.keyboard.press("i")
    editor.seek(42)
    editor.page.keyboard.press("o")
    editor.wait_until_answered()
    editor.page.keyboard.press("Space")
    editor.wait_for_frame(42)
    editor.until(lambda: editor.page.get_by_role("button", name="Play", exact=True).count())
    assert editor.position == 42
    editor.page.keyboard.press("Shift+L")
    editor.page.keyboard.press("Space")
    seen = {point[1] for point in editor.page.evaluate(SAMPLES)}
    assert min(seen) >= 30
    assert max(seen) == 42
    editor.page.keyboard.press("Space")


def test_lanes(editor: EditorPage) -> None:
    editor.open_sample()
    page = editor.page
    editor.seek(10)
    editor.click(*ball_xy(10))
    assert page.locator(".s2-count").inner_text() == "1"
    editor.track()
    editor.until(lambda: editor.position > 30)
    editor.press("cancel")
    editor.wait_until_tracked()
    colour = [77, 155, 255]

    def bottom(frame: int) -> list[int]:
        return pixel(editor, ".s2-lane", share_of(frame), 0.97)

    editor.until(lambda: bottom(20)[3] == 255)
    assert max(abs(a - b) for a, b in zip(bottom(20)[:3], colour, strict=True)) < 90
    assert bottom(5)[3] == bottom(93)[3] == 0, "not tracked"
    editor.until(lambda: pixel(editor, ".s2-lane", share_of(20), 0.8)[3] > 20)
    words = page.locator(".s2-lane").get_attribute("aria-label") or ""
    assert "1 prompted frame; tracked 10-" in words

    page.mouse.click(*place(editor, ".s2-lane", share_of(25)))
    editor.wait_for_frame(25)
    page.mouse.move(*place(editor, ".s2-lane", share_of(22)))
    tip = page.locator(".s2-tip")
    assert tip.is_visible()
    assert "Frame 22" in tip.inner_text()
    assert "confidence" in tip.inner_text()

    editor.click(*balloon_xy(25), button="right")
    editor.until(lambda: 20 < bottom(28)[3] < 200)
    for key, frame in ((",", 10), (".", 25)):
        page.keyboard.press(key)
        editor.wait_for_frame(frame)


def test_tracking_one_frame_of_the_chosen_object(editor: EditorPage) -> None:
    editor.open_sample()
    assert editor.page.locator('[data-action="onlyChosen"]').is_hidden(), "there is one object"
    editor.click(*ball_xy(0))
    editor.add_object()
    editor.press("onlyChosen")
    assert editor.page.locator('[data-track="frame"]').is_disabled(), "it has no prompt yet"
    editor.click(*balloon_xy(0))
    editor.page.keyboard.press("ArrowRight")
    editor.wait_for_frame(1)
    editor.track("frame")

    def words(number: int) -> str:
        lane = f'.s2-object[data-object="{number}"] .s2-lane'
        return editor.page.locator(lane).get_attribute("aria-label") or ""

    editor.until(lambda: "tracked 0-1" in words(2))
    editor.wait_until_tracked()
    assert "0-1" not in words(1)


def test_moving_the_playhead_draws_no_lane(editor: EditorPage) -> None:
    editor.open_sample()
    editor.page.wait_for_timeout(1500)
    editor.page.evaluate(
        """() => {
          const pen = document.querySelector(".s2-lane").getContext("2d");
          pen.fillStyle = "#ff00ff";
          pen.fillRect(0, 0, 5, 5);
        }"""
    )
    before = editor.page.locator(".s2-playhead i").bounding_box()
    for _ in range(5):
        editor.page.keyboard.press("ArrowRight")
    editor.wait_for_frame(5)
    after = editor.page.locator(".s2-playhead i").bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] > before["x"]
    assert pixel(editor, ".s2-lane", 0.001, 0.01) == [255, 0, 255, 255]


def names(editor: EditorPage) -> list[str]:
    fields = editor.page.locator(".s2-name")
    return [fields.nth(i).input_value() for i in range(fields.count())]


def test_rows_hide_lock_and_change_places(editor: EditorPage) -> None:
    editor.open_sample()
    page = editor.page
    editor.click(*ball_xy(0))
    for _ in range(2):
        editor.add_object()
    assert names(editor) == ["Object 1", "Object 2", "Object 3"]
    page.get_by_role("button", name="Move Object 1 up or down").focus()
    page.keyboard.press("ArrowDown")
    editor.until(lambda: names(editor) == ["Object 2", "Object 1", "Object 3"])
    page.keyboard.press("ArrowDown")
    editor.until(lambda: names(editor) == ["Object 2", "Object 3", "Object 1"])

    page.mouse.move(*place(editor, '.s2-object[data-object="1"] .s2-handle', 0.5))
    page.mouse.down()
    x, y = place(editor, '.s2-object[data-object="2"] .s2-handle', 0.5)
    page.mouse.move(x, y - 12, steps=5)
    page.mouse.up()
    editor.until(lambda: names(editor) == ["Object 1", "Object 2", "Object 3"])

    hide = page.get_by_role("button", name="Hide Object 1", exact=True)
    editor.until(lambda: editor.mask().any())
    hide.click()
    editor.until(lambda: not editor.mask().any())
    assert hide.get_attribute("aria-pressed") == "true"
    hide.click()
    editor.until(lambda: editor.mask().any())
    hide_other = page.get_by_role("button", name="Hide Object 2", exact=True)
    hide_other.click(modifiers=["Shift"])
    editor.until(lambda: not editor.mask().any())
    hide_other.click(modifiers=["Shift"])
    editor.until(lambda: editor.mask().any())
    lock = page.get_by_role("button", name="Lock Object 1", exact=True)
    lock.click()
    editor.until(lambda: lock.get_attribute("aria-pressed") == "true")


def test_thirty_objects_stay_in_their_place(editor: EditorPage) -> None:
    editor.open_sample()
    for _ in range(29):
        editor.add_object()
    rows = editor.page.locator(".s2-rows")
    bounds = rows.bounding_box()
    assert bounds is not None
    assert bounds["height"] < 320
    rows.evaluate("(element) => element.scrollTo(0, element.scrollHeight)")
    strip = editor.page.locator(".s2-strip").bounding_box()
    assert strip is not None
    assert bounds["y"] <= strip["y"] <= bounds["y"] + 40, "the head stays in sight"
    assert editor.page.get_by_label("Name of Object 30").is_visible()
    lane = '.s2-object[data-object="30"] .s2-lane'
    editor.page.locator(lane).scroll_into_view_if_needed()
    editor.page.mouse.click(*place(editor, lane, share_of(50)))
    editor.wait_for_frame(50)


def test_zooming(editor: EditorPage) -> None:
    editor.open_sample()
    page = editor.page
    editor.seek(48)
    assert page.locator(".s2-overview").is_hidden()
    page.mouse.move(*place(editor, ".s2-strip", share_of(48)))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    editor.until(page.locator(".s2-overview").is_visible)
    x, y = place(editor, ".s2-strip", share_of(48))
    page.mouse.click(x, y)
    assert abs(editor.position - 48) <= 1, "what was under the mouse still is"
    page.mouse.click(*place(editor, ".s2-strip", 1.0 - 1e-3))
    assert 50 < editor.position < 90
    page.keyboard.press("End")
    editor.wait_for_frame(NUM_FRAMES - 1)
    playhead = page.locator(".s2-playhead i").bounding_box()
    strip = page.locator(".s2-strip").bounding_box()
    assert playhead is not None
    assert strip is not None
    assert strip["x"] <= playhead["x"] <= strip["x"] + strip["width"], "it follows the playhead"
    while page.locator(".s2-overview").is_visible():
        editor.press("wider")
        page.wait_for_timeout(50)


def mock_review(editor: EditorPage) -> None:
    items = [
        {"frame": 40, "objects": [1], "reason": "jumped", "severity": 0.9, "frames": 1},
        {"frame": 12, "objects": [1], "reason": "returned", "severity": 0.5, "frames": 8},
    ]
    answer = {"items": items, "is_calibrated": True}
    editor.page.route(
        "**/review", lambda route: route.fulfill(json=answer, content_type="application/json")
    )


def test_the_review_list_is_stepped_through(new_page: NewPage) -> None:
    editor = new_page()
    page = editor.page
    note = page.locator(".s2-review-note")
    assert not note.is_visible(), "nothing to say before a clip is open"
    mock_review(editor)
    editor.open_sample()
    entries = page.locator(".s2-review-item")
    editor.until(lambda: entries.count() == 2)
    assert "Object 1 jumps" in entries.nth(0).inner_text()
    assert "Object 1 is back after 8 frames" in entries.nth(1).inner_text()
    assert page.locator(".s2-review-count").inner_text() == "2"
    for key, frame in (("n", 40), ("n", 12), ("n", 40), ("p", 12), ("Shift+N", 40)):
        page.keyboard.press(key)
        editor.wait_for_frame(frame)
    assert entries.nth(0).get_attribute("aria-current") == "true"
    entries.nth(1).locator(".s2-go").click()
    editor.wait_for_frame(12)
    entries.nth(1).locator(".s2-fine").click()
    editor.until(lambda: entries.count() == 1)
    entries.nth(0).locator(".s2-fine").click()
    editor.until(lambda: entries.count() == 0)
    assert note.is_visible()
    kept = page.evaluate("Object.keys(localStorage).filter((key) => key.includes('reviewed'))")
    assert len(kept) == 1
    assert len(json.loads(page.evaluate(f"localStorage.getItem({json.dumps(kept[0])})"))) == 2


def test_tracking_fills_the_review_list(editor: EditorPage, tmp_path: Path) -> None:
    """A disc that is away from frame 25 to 39; the list says where it comes back."""
    frames = np.full((60, 240, 320, 3), (70, 110, 160), np.uint8)
    for number, frame in enumerate(frames):
        if not 25 <= number < 40:
            cv2.circle(frame, (60 + 3 * number, 120), 28, (230, 120, 20), -1)
    editor.page.locator(".s2-file").set_input_files(write_clip(tmp_path / "away", frames))
    editor.wait_for_frame(0)
    editor.size_wh = (320, 240)
    editor.click(60, 120)
    editor.track()
    editor.wait_until_tracked()
    # Until the list is asked for again, it is that of a disc which has not come back yet.
    entry = editor.page.locator(".s2-review-item", has_text="Object 1 is back after 15 frames")
    expect(entry).to_be_visible(timeout=15_000)
    expect(editor.page.locator(".s2-review-item")).to_have_count(1)
    editor.page.keyboard.press("n")
    editor.wait_for_frame(40)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_timeline_is_reached_by_keyboard(new_page: NewPage, width: int) -> None:
    editor = new_page(width=width)
    editor.open_sample()
    page = editor.page
    seen = set()
    page.locator('[data-action="setIn"]').focus()
    for _ in range(18):
        seen.add(page.evaluate("document.activeElement.ariaLabel"))
        page.keyboard.press("Tab")
    assert {
        "Frame",
        "In point",
        "Out point",
        "Move Object 1 up or down",
        "Hide Object 1",
        "Lock Object 1",
    } <= seen
