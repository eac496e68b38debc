"""Puts the app under the load of several people at once, in real browsers.

Usage, from the repository:
    python -m tools.many_sessions [--sessions 8] [--minutes 5] [--clip clip.mp4]

Every page opens the sample (or a clip), clicks on an object and tracks it; when that is done it
corrects another frame and tracks again, until the time is over. Printed: frames per session, the
longest time in which a session that tracks did not advance, errors of the pages, and the server's
memory. Then the pages are closed, and what the server still holds is counted. Exits with 1 where a
session had an error or did not advance, where the memory was over its budget, or where something
was left. Needs Playwright and a Chromium (Linux).
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page

from tools.driven_app import RunningApp, processor_name, resident_mb, running_browser, temporary_app

POLL_MS = 500
CLOSING_SECONDS = 60
STARVED_SECONDS = 30.0
BUDGET_MB = 300
"""For each open clip, above the idle server; after they are closed, for the loaded model alone."""

# Frames are counted from what the status line says; it says so many times a second.
WATCH = """
window.frames = 0;
window.longestWait = 0;
let last = 0;
let advanced = 0;
window.waiting = () => (last > 0 ? performance.now() - advanced : 0);
new MutationObserver(() => {
  const text = document.querySelector(".s2-message").textContent;
  const done = Number(/Tracking: (\\d+) of/.exec(text)?.[1] ?? 0);
  if (done > last) {
    window.frames += done - last;
    if (last > 0) window.longestWait = Math.max(window.longestWait, performance.now() - advanced);
    advanced = performance.now();
  }
  last = done;
}).observe(
  document.querySelector(".s2-message"),
  { childList: true, characterData: true, subtree: true },
);
"""


@dataclass
class Person:
    """A page, and what became of it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    frames: int = 0
    rounds: int = 0
    longest_wait: float = 0.0

    def _take_note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def begin(self, url: str, clip: Path | None) -> None:
        """Open the clip and track its first object."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._take_note)
        self.page.goto(url)
        self.page.wait_for_selector('.s2[data-state="empty"]', timeout=120_000)
        if clip is None:
            self.page.get_by_role("button", name="Try the sample").click()
        else:
            self.page.set_input_files(".s2-file", str(clip))
        self.page.wait_for_selector('.s2-stage[data-frame="0"]', timeout=120_000)
        self.page.evaluate(WATCH)
        self.click()

    def click(self) -> None:
        """Prompt at another place each time, and track again."""
        bounds = self.page.locator(".s2-view").bounding_box()
        assert bounds is not None
        share = 0.3 + 0.05 * (self.rounds % 8)
        self.page.mouse.click(
            bounds["x"] + share * bounds["width"], bounds["y"] + 0.5 * bounds["height"]
        )
        self.page.wait_for_selector('.s2[data-waiting="0"]', timeout=120_000)
        self.page.locator('[data-track="both"]').click()
        self.rounds += 1

    def go_on(self) -> None:
        """Take note of what has been tracked, and start again when it is done."""
        self.frames, self.longest_wait = self.page.evaluate(
            "[window.frames, Math.max(window.longestWait, window.waiting()) / 1000]"
        )
        if self.page.locator('[data-track="both"]').is_enabled():
            self.page.keyboard.press("Home")
            self.click()


def begin_all(browser: Browser, url: str, sessions: int, clip: Path | None) -> list[Person]:
    """Open the pages, each in a context of its own."""
    people = []
    for _ in range(sessions):
        context = browser.new_context(viewport={"width": 1000, "height": 700})
        people.append(Person(context.new_page()))
        people[-1].begin(url, clip)
    return people


def work(people: Sequence[Person], app: RunningApp, seconds: float) -> float:
    """Keep everybody busy; returns the most memory that the server held, in MB."""
    peak = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for person in people:
            person.go_on()
        peak = max(peak, resident_mb(app.pid))
        people[0].page.wait_for_timeout(POLL_MS)
    return peak


def left_behind(app: RunningApp) -> int:
    """How many tabs the server holds files for, after some patience."""
    end = time.monotonic() + CLOSING_SECONDS
    while time.monotonic() < end and app.tabs():
        time.sleep(0.5)
    return app.tabs()


def threads(pid: int) -> int:
    """How many threads a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def main() -> int:
    """Put the load on, print what came of it, and tell whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--clip", type=Path)
    options = parser.parse_args()
    with temporary_app() as app, running_browser() as browser:
        idle, idle_threads = resident_mb(app.pid), threads(app.pid)
        people = begin_all(browser, app.url, options.sessions, options.clip)
        peak = work(people, app, options.minutes * 60)
        # Gradio complains of its own streams when its pages are closed.
        errors = [error for person in people for error in person.errors]
        for person in people:
            person.page.close(run_before_unload=True)  # as a person closes a tab
        left = left_behind(app)
        time.sleep(2)  # the memory goes after the files
        freed, left_threads = resident_mb(app.pid), threads(app.pid)
    frames = [person.frames for person in people]
    waits = [person.longest_wait for person in people]
    print(f"{options.sessions} sessions, {options.minutes:g} minutes, {processor_name()}")
    print(f"frames per session: {frames}")
    print(f"longest time without a frame: {max(waits):.1f} s")
    print(f"server's memory: {idle:.0f} MB idle, {peak:.0f} MB at most, {freed:.0f} MB afterwards")
    print(f"threads: {idle_threads} idle, {left_threads} afterwards; tabs left: {left}")
    print(f"errors: {errors or 'none'}")
    is_well = (
        not errors
        and left == 0
        and min(frames) > 0
        and max(waits) < STARVED_SECONDS
        and peak <= idle + options.sessions * BUDGET_MB
        and freed <= idle + BUDGET_MB
    )
    print("all is well" if is_well else "beyond the limits")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
