"""Playing with sound, at other speeds and backwards, with the keys of editing programs."""

from typing import Any

from playwright.sync_api import expect

from tests.e2e.editor_page import EditorPage
from tools.make_sample import FPS, NUM_FRAMES, balloon_xy

STATE = """
() => {
  const { paused, currentTime, playbackRate, muted } = document.querySelector("audio");
  const frame = Number(document.querySelector(".s2-slider").value);
  return { paused, currentTime, playbackRate, muted, frame };
}
"""

PACE = """
() => new Promise((done) => {
  const frame = () => Number(document.querySelector(".s2-slider").value);
  const [began, first] = [performance.now(), frame()];
  setTimeout(() => done((1000 * (frame() - first)) / (performance.now() - began)), 1200);
})
"""

MASKS = """
() => new Promise((done) => {
  const canvas = document.querySelector(".s2-masks");
  const bare = [];
  const seen = new Set();
  const look = () => {
    const frame = document.querySelector(".s2-stage").dataset.frame;
    seen.add(frame);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    if (!data.some((value, index) => index % 4 === 3 && value > 0)) bare.push(frame);
  };
  new MutationObserver(look).observe(document.querySelector(".s2-stage"), {
    attributeFilter: ["data-frame"],
  });
  setTimeout(() => done({ bare, seen: seen.size }), 6000);
})
"""


def state(editor: EditorPage) -> dict[str, Any]:
    found: dict[str, Any] = editor.page.evaluate(STATE)
    return found


def is_in_step(editor: EditorPage) -> bool:
    now = state(editor)
    return not now["paused"] and abs(now["currentTime"] - now["frame"] / FPS) < 0.25


def test_the_sound_is_in_step_with_the_picture(opened: EditorPage) -> None:
    keyboard = opened.page.keyboard
    keyboard.press("Shift+L")
    keyboard.press("l")
    opened.until(lambda: is_in_step(opened) and opened.position > 12)
    opened.page.locator(".s2-rate").select_option("0.5")
    opened.until(lambda: state(opened)["playbackRate"] == 0.5 and is_in_step(opened))
    keyboard.press("j")
    opened.until(lambda: state(opened)["paused"])  # nobody listens backwards
    keyboard.press("k")
    opened.seek(48)
    keyboard.press("l")
    opened.until(lambda: is_in_step(opened) and opened.position > 48)
    keyboard.press("Shift+M")
    opened.until(lambda: state(opened)["muted"])
    mute = opened.page.get_by_role("button", name="Mute")
    expect(mute).to_have_attribute("aria-pressed", "true")
    opened.page.set_viewport_size({"width": 1700, "height": 900})  # narrower, it is under "…"
    opened.page.locator(".s2-volume").fill("0.5")
    opened.until(lambda: not state(opened)["muted"])
    assert opened.page.evaluate("document.querySelector('audio').volume") == 0.5
    keyboard.press("k")
    opened.until(lambda: state(opened)["paused"])


def test_j_k_and_l(opened: EditorPage) -> None:
    keyboard = opened.page.keyboard
    opened.seek(NUM_FRAMES - 1)
    keyboard.press("j")
    opened.until(lambda: opened.position < NUM_FRAMES - 6)
    assert -1.15 * FPS < opened.page.evaluate(PACE) < 0, "backwards, and no faster than the clip"
    keyboard.press("k")
    stopped = opened.position
    opened.page.wait_for_timeout(300)
    assert opened.position == stopped
    opened.seek(0)
    opened.page.locator(".s2-rate").select_option("0.25")
    keyboard.press("l")
    opened.until(lambda: opened.position > 0)
    assert 0 < opened.page.evaluate(PACE) < 0.4 * FPS
    keyboard.press("l")  # again is faster
    assert opened.page.evaluate(PACE) < 0.75 * FPS
    keyboard.press("k")
    opened.seek(3)
    keyboard.press("j")
    opened.wait_for_frame(0)
    opened.page.get_by_role("button", name="Play", exact=True).wait_for()


def test_masks_stay_on_while_it_plays_under_load(opened: EditorPage) -> None:
    opened.seek(70)
    opened.page.keyboard.press("i")
    opened.click(*balloon_xy(70))
    opened.track()
    opened.wait_until_tracked()
    opened.seek(NUM_FRAMES - 1)
    slow = opened.page.context.new_cdp_session(opened.page)
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    slow.send("Network.enable")
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 150, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    opened.page.keyboard.press("Shift+L")
    opened.page.keyboard.press("l")  # from the end: it begins again at the start
    found = opened.page.evaluate(MASKS)
    opened.page.keyboard.press("k")
    assert found["seen"] > 3
    assert found["bare"] == []
