"""A person's first five minutes: every step has an answer that is seen, on desktop and phone.

How long each answer took is printed (``pytest -s``); a machine that is busy takes longer, so that
only an answer that does not come at all is a failure.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Download

from sam2ov.video import open_video
from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import BALL, EditorPage, ball, iou

WITHIN_MS = 300
"""What is felt as an answer."""
FRAME = 40
TRACKED_MS = 120_000
"""For the whole sample, on a machine that has much else to do."""


@dataclass
class Minutes:
    """The steps that were taken, and how long the first answer to each took in ms."""

    editor: EditorPage
    name: str
    took: dict[str, float] = field(default_factory=dict)

    def step(self, name: str, act: Callable[[], object], answer: str) -> None:
        """Do something, and wait for what is to be seen of it at once: a script that becomes true.

        Progress counts as an answer.
        """
        began = time.perf_counter()
        act()
        self.editor.page.wait_for_function(answer, polling="raf", timeout=20_000)
        self.took[name] = 1000 * (time.perf_counter() - began)

    def print(self) -> None:
        """One line for each step."""
        for name, ms in self.took.items():
            late = "" if ms <= WITHIN_MS else f"  (more than {WITHIN_MS})"
            print(f"{self.name:8} {name:38} {ms:6.0f} ms{late}")


def sees(selector: str) -> str:
    """Whether something of the page is in sight."""
    return f"""(() => {{
      const part = document.querySelector('{selector}');
      return part && part.checkVisibility() && part.getBoundingClientRect().width > 0;
    }})()"""


WORKING = sees(".s2-running .s2-bar")
MASK = """(() => {
  const canvas = document.querySelector(".s2-masks");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, at) => at % 4 === 3 && value > 0);
})()"""
MARK = """(() => {
  const canvas = document.querySelector(".s2-prompts");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, at) => at % 4 === 3 && value > 0);
})()"""


@pytest.mark.parametrize("name", ["desktop", "phone"])
def test_every_step_is_answered(new_page: NewPage, name: str, tmp_path: Path) -> None:
    is_phone = name == "phone"
    touch = {"has_touch": True, "is_mobile": True} if is_phone else {}
    width, height = (390, 844) if is_phone else (1440, 900)
    editor = new_page(width=width, height=height, **touch)
    page, minutes = editor.page, Minutes(editor, name)

    def press(x: float, y: float) -> None:
        place = editor.point(x, y)
        if is_phone:
            page.touchscreen.tap(*place)
        else:
            page.mouse.click(*place)

    def tracked() -> None:
        page.wait_for_selector('[data-track="forward"]:enabled', timeout=TRACKED_MS)

    def control(action: str) -> None:
        page.locator(f'[data-action="{action}"]').click()

    minutes.step("open", lambda: page.goto(editor.url), sees('.s2[data-state="empty"] .s2-empty'))
    button = page.get_by_role("button", name="Try the sample")
    shown = sees('.s2-stage[data-frame="0"]')
    minutes.step("the sample: something goes on", button.click, f"{WORKING} || {shown}")
    editor.wait_for_frame(0)
    if not is_phone:  # fingers hover nowhere
        page.mouse.move(*editor.point(BALL[0] - 4, BALL[1]))
        minutes.step("hover", lambda: page.mouse.move(*editor.point(*BALL)), sees(".s2-hover"))
    minutes.step("click: the point", lambda: press(*BALL), MARK)
    minutes.step("click: the mask", lambda: None, MASK)
    editor.wait_until_answered()
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.8)

    tracks = page.locator('[data-track="forward"]')
    minutes.step("track: progress", tracks.click, WORKING)
    tracked()
    editor.seek(FRAME)
    before = editor.mask()
    x, y = (float(value) for value in np.argwhere(before)[len(np.argwhere(before)) // 2][::-1])
    minutes.step("correct: the point", lambda: press(x, y), MARK)
    editor.wait_until_answered()
    minutes.step("track again: progress", tracks.click, WORKING)
    tracked()

    page.locator(".s2-look").click()
    minutes.step("compare", lambda: control("compare"), sees(".s2-divider"))
    control("compare")
    page.keyboard.press("Escape")

    editor.open_panel("export")
    effect = page.locator('input[name="s2-effect"][value="spotlight"]')
    live = sees('.s2-view[data-style="live"]')
    minutes.step("effect on the stage", lambda: effect.check(force=True), live)
    editor.until(lambda: editor.canvas("masks")[5, 5, :3].max() < 160)
    files: list[Download] = []
    page.on("download", lambda download: files.append(download))
    export = page.locator("#export")
    going = sees('[data-export="going"]')
    minutes.step("export: progress", export.click, f"{going} || {sees('[data-export=saved] a')}")
    page.wait_for_selector('[data-export="saved"] a', timeout=TRACKED_MS)
    editor.until(lambda: files)
    path = tmp_path / files[0].suggested_filename
    files[0].save_as(path)
    with open_video(path) as video:
        assert len(video) == 96
        written = video.read(FRAME)
    assert written[5, 5].max() < 160, "everything but the ball is dark"
    minutes.print()
