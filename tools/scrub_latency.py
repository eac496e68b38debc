"""Measures how long a jump on the timeline takes until the picture is there, in a real browser.

Usage, from the repository:
    python -m tools.long_clip clip.mp4
    python -m tools.scrub_latency clip.mp4 [--jumps 100]

Starts the app, opens the clip, and clicks at random places of the timeline. From each press of the
mouse it takes the time until any new picture is painted, and until exactly the frame under the
mouse is. First right after opening, while the small pictures are being made in the background;
then again when they are complete. Last, a drag across the timeline: pictures per second, and the
longest time without a new one. Needs Playwright and a Chromium.
"""

import argparse
import os
import random
import re
import statistics
import time
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Page

from tools.driven_app import processor_name, running_browser, temporary_app

SETTLE_MS = 250
PATIENCE_MS = 30_000
FIRST_SECONDS = 5.0
BETWEEN_MS = 60  # as quick as a hand that looks for a place
POLL_MS = 5000  # asking keeps the server from making the pictures for a moment

# A paint is told by the stage's data-frame; it is on the screen with the next animation frame.
WATCH = """
window.paints = [];
new MutationObserver(() => {
  const frame = Number(document.querySelector(".s2-stage").dataset.frame);
  requestAnimationFrame(() => window.paints.push([frame, performance.now()]));
}).observe(document.querySelector(".s2-stage"), { attributeFilter: ["data-frame"] });
addEventListener("pointerdown", () => { window.pressed = performance.now(); }, true);
"""


def open_clip(page: Page, url: str, clip: Path) -> str:
    """Open a clip and return its token."""
    tokens: list[str] = []
    page.on(
        "request",
        lambda request: tokens.extend(re.findall(r"/media/([^/]+)/\d+\.jpg", request.url)),
    )
    page.goto(url)
    page.wait_for_selector('.s2[data-state="empty"]')
    page.set_input_files(".s2-file", str(clip))
    page.wait_for_selector('.s2-stage[data-frame="0"]', timeout=120_000)
    page.evaluate(WATCH)
    return tokens[-1]


def wait_for_proxies(page: Page, token: str, last: int) -> float:
    """Wait until every frame has a small picture; seconds since now."""
    began = time.monotonic()
    probe = "async (path) => Number((await fetch(path, {method: 'GET'})).headers.get('X-Frame'))"
    while page.evaluate(probe, f"media/{token}/near/{last - 1}.jpg") != last - 1:
        page.wait_for_timeout(POLL_MS)
    return time.monotonic() - began


def jump(page: Page, share: float) -> tuple[float, float]:
    """Click on the timeline; milliseconds to any new picture, and to the exact frame."""
    bounds = page.locator(".s2-slider").bounding_box()
    assert bounds is not None
    page.evaluate("window.paints = []")
    page.mouse.click(bounds["x"] + 8 + share * (bounds["width"] - 16), bounds["y"] + 10)
    target = int(page.locator(".s2-slider").input_value())
    page.wait_for_function(
        f"window.paints.some(([frame]) => frame === {target})", timeout=PATIENCE_MS
    )
    first, exact = page.evaluate(
        f"""[window.paints[0][1] - window.pressed,
             window.paints.find(([frame]) => frame === {target})[1] - window.pressed]"""
    )
    page.wait_for_timeout(SETTLE_MS)
    return first, exact


def look_for_a_place(page: Page, seconds: float) -> list[float]:
    """Click about on the timeline; milliseconds from each press to any new picture."""
    bounds = page.locator(".s2-slider").bounding_box()
    assert bounds is not None
    times: list[float] = []
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        page.evaluate("window.paints = []")
        share = random.random()  # noqa: S311 - not a secret
        page.mouse.click(bounds["x"] + 8 + share * (bounds["width"] - 16), bounds["y"] + 10)
        page.wait_for_function("window.paints.length > 0", timeout=PATIENCE_MS)
        times.append(page.evaluate("window.paints[0][1] - window.pressed"))
        page.wait_for_timeout(BETWEEN_MS)
    return times


def drag(page: Page, seconds: float = 4.0) -> tuple[float, float]:
    """Scrub across the timeline; new pictures per second, longest time without one in ms."""
    bounds = page.locator(".s2-slider").bounding_box()
    assert bounds is not None
    y = bounds["y"] + 10
    page.mouse.move(bounds["x"] + 10, y)
    page.mouse.down()
    page.evaluate("window.paints = []")
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        page.mouse.move(bounds["x"] + 10 + (bounds["width"] - 20) * elapsed / seconds, y)
        page.wait_for_timeout(16)
    page.mouse.up()
    times = [moment for _, moment in page.evaluate("window.paints")]
    gaps = [b - a for a, b in pairwise(times)]
    return len(times) / seconds, max(gaps, default=1000 * seconds)


def describe(name: str, milliseconds: list[float]) -> str:
    """Median and 95th percentile in words."""
    ordered = sorted(milliseconds)
    p95 = ordered[min(round(0.95 * len(ordered)), len(ordered) - 1)]
    return f"{name}: median {statistics.median(ordered):.0f} ms, 95 % within {p95:.0f} ms"


def measure(page: Page, jumps: int, label: str) -> None:
    """Print the latencies of random jumps and of a drag."""
    times = [jump(page, random.random()) for _ in range(jumps)]  # noqa: S311 - not a secret
    print(label)
    print("  " + describe("a picture", [first for first, _ in times]))
    print("  " + describe("the frame", [exact for _, exact in times]))
    rate, gap = drag(page)
    print(f"  dragging: {rate:.0f} pictures/s, longest gap {gap:.0f} ms", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--jumps", type=int, default=100, help="0: the first seconds alone")
    parser.add_argument("--no-proxies", action="store_true", help="only right after opening")
    arguments = parser.parse_args()
    with temporary_app() as app, running_browser() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        token = open_clip(page, app.url, arguments.clip.resolve())
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"{arguments.clip.name}, {processor_name()}, load average {load}")
        random.seed(7)
        first = look_for_a_place(page, FIRST_SECONDS)
        print(f"in the first {FIRST_SECONDS:.0f} s after opening ({len(first)} places)")
        print("  " + describe("a picture", first), flush=True)
        if arguments.jumps == 0:
            return
        measure(page, arguments.jumps, "right after opening")
        if not arguments.no_proxies:
            last = int(page.locator(".s2-slider").get_attribute("max") or 0)
            seconds = wait_for_proxies(page, token, last)
            print(f"small pictures complete after further {seconds:.0f} s")
            measure(page, arguments.jumps, "with all small pictures")


if __name__ == "__main__":
    main()
