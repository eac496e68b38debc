"""Measures how long it takes from starting the app to the first mask on the screen.

Usage, from the repository:
    python -m tools.first_mask

Twice: with an empty cache, when OpenVINO compiles the bundled model's graphs, and with the cache
that the first start has left. The time runs from the start of the process over opening the sample
clip to the mask of the first click; the browser is running already. Needs Playwright and a
Chromium.
"""

import argparse
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser

from tools.driven_app import processor_name, running_browser, temporary_app
from tools.make_sample import HEIGHT, WIDTH, ball_xy

PATIENCE_MS = 60_000


def first_mask(browser: Browser, cache: Path) -> tuple[float, float]:
    """Seconds from the start to the page that can be used, and to the first mask."""
    began = time.monotonic()
    with temporary_app(cache=cache) as app:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(app.url)
        page.wait_for_selector('.s2[data-state="empty"]', timeout=PATIENCE_MS)
        ready = time.monotonic() - began
        page.get_by_role("button", name="Try the sample").click()
        page.wait_for_selector('.s2-stage[data-frame="0"]', timeout=PATIENCE_MS)
        bounds = page.locator(".s2-view").bounding_box()
        assert bounds is not None
        x, y = ball_xy(0)
        page.mouse.click(
            bounds["x"] + x * bounds["width"] / WIDTH, bounds["y"] + y * bounds["height"] / HEIGHT
        )
        page.wait_for_selector(".s2-object", timeout=PATIENCE_MS)
        page.wait_for_selector('.s2[data-waiting="0"]', timeout=PATIENCE_MS)
        seen = time.monotonic() - began
        page.close()
    return ready, seen


def main() -> None:
    """Measure with an empty cache, then with a full one."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print(processor_name())
    with running_browser() as browser, tempfile.TemporaryDirectory() as folder:
        for start in ("empty cache", "second start"):
            ready, seen = first_mask(browser, Path(folder))
            print(f"{start}: page ready after {ready:.1f} s, first mask after {seen:.1f} s")


if __name__ == "__main__":
    main()
