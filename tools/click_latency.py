"""Measures the time from a click to the mask on the screen, in a real browser.

Usage, from the repository:
    python -m tools.click_latency clip.mp4 [--clicks 40]

Opens the clip in the app and clicks at random places, each on another frame whose picture has been
in sight for a second (``--cold``: the moment that it appears). The time runs from the release of
the button to the animation frame that shows the painted mask. Beside it stands the model's own
share: the prompt encoder, the mask decoder and what belongs to them on an embedded frame, measured
through the engine alone. Needs Playwright and a Chromium.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.values.prompts import make_point_prompt
from sam2ov.video import open_video
from sam2ov.zoo.catalogue import BUNDLED_NAME
from sam2ov.zoo.loading import load_model
from tools.driven_app import processor_name, running_browser, temporary_app

WARM_MS = 1000
PATIENCE_MS = 20_000

SEEK = "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }"

# What has been drawn is on the screen with the next animation frame. A frame that was never
# prompted has no masks, so the first that are drawn after a click are the answer to it.
WATCH = """
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...parts) {
  if (this.canvas.classList.contains("s2-masks") && window.released && !window.shown) {
    window.shown = 1;
    requestAnimationFrame(() => { window.shown = performance.now(); });
  }
  return draw.apply(this, parts);
};
addEventListener("pointerup", () => {
  window.shown = 0;
  window.released = performance.now();
}, { capture: true });
"""


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of all are at most."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def measure(page: Page, num_frames: int, clicks: int, *, cold: bool) -> list[float]:
    """Milliseconds from click to mask."""
    rng = np.random.default_rng(0)
    times = []
    for frame in rng.permutation(num_frames)[:clicks].tolist():
        page.locator(".s2-slider").evaluate(SEEK, frame)
        page.wait_for_selector(f'.s2-stage[data-frame="{frame}"]')
        if not cold:
            page.wait_for_timeout(WARM_MS)
        bounds = page.locator(".s2-view").bounding_box()
        assert bounds is not None
        page.evaluate("window.released = 0")
        x, y = rng.uniform(0.2, 0.8, 2)
        page.mouse.click(bounds["x"] + x * bounds["width"], bounds["y"] + y * bounds["height"])
        page.wait_for_function(
            "window.shown > 1 && document.querySelector('.s2').dataset.waiting === '0'",
            timeout=PATIENCE_MS,
        )
        times.append(page.evaluate("window.shown - window.released"))
    return times


def model_share(clip: Path, clicks: int) -> list[float]:
    """Milliseconds of a click on an embedded frame, through the engine alone."""
    tracker = Tracker(load_model(BUNDLED_NAME))
    times = []
    with VideoSession(tracker, open_video(clip)) as session:
        prompt = make_point_prompt([[50, 50]], [1], None, session.size_hw)
        session.prepare_frame(0)
        for obj_id in range(1, clicks + 1):
            began = time.perf_counter()
            session.add_points(0, obj_id, prompt)
            times.append(1000 * (time.perf_counter() - began))
    return times[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--clicks", type=int, default=40)
    parser.add_argument("--cold", action="store_true", help="click as soon as a frame appears")
    options = parser.parse_args()
    with open_video(options.clip) as reader:
        info = reader.info
    engine = model_share(options.clip, options.clicks)
    with temporary_app() as app, running_browser() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(WATCH)
        page.goto(app.url)
        page.wait_for_selector('.s2[data-state="empty"]')
        page.set_input_files(".s2-file", str(options.clip))
        page.wait_for_selector('.s2-stage[data-frame="0"]', timeout=120_000)
        times = measure(page, info.num_frames, options.clicks, cold=options.cold)
    kind = "the moment a frame appears" if options.cold else "frame in sight for a second"
    print(f"{info.width}×{info.height}, model {BUNDLED_NAME}, {processor_name()}, {kind}")
    print(f"click to mask: median {statistics.median(times):.0f} ms,", end=" ")
    print(f"95th percentile {percentile(times, 0.95):.0f} ms ({len(times)} clicks)")
    print(f"the model's share: median {statistics.median(engine):.0f} ms")


if __name__ == "__main__":
    main()
