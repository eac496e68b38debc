"""Makes the README's pictures: the app at work on the sample clip, on a desktop and on a phone.

Usage, from the repository: python -m tools.make_screenshots [docs]

Every picture comes from the running app with the bundled model. Needs Playwright and a Chromium.
"""

import argparse
import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page

from tools.driven_app import RunningApp, running_browser, temporary_app
from tools.make_sample import FPS, HEIGHT, WIDTH, ball_xy, balloon_xy, draw_frame

MAX_BYTES = 250_000
TRACKING_MS = 300_000
SETTLE_MS = 2500
PROMPTED = 24  # the frame with all prompts: both objects are in the air

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Shot:
    """A picture: its file, what is done for it, and the window that it shows."""

    name: str
    act: Callable[["Hand"], None]
    width: int = 1440
    height: int = 900
    options: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Hand:
    """Uses the page as people do; positions are pixels of the sample clip."""

    page: Page

    def open_sample(self) -> None:
        """Begin a project with the sample clip."""
        self.page.get_by_role("button", name="Try the sample").click()
        self.wait_for_frame(0)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the clip is on the page."""
        bounds = self.page.locator(".s2-view").bounding_box()
        assert bounds is not None
        scale_x, scale_y = bounds["width"] / WIDTH, bounds["height"] / HEIGHT
        return bounds["x"] + x * scale_x, bounds["y"] + y * scale_y

    def drag_box(self, box: Box) -> None:
        """Prompt the chosen object with a box, xyxy."""
        mouse = self.page.mouse
        mouse.move(*self.at(*box[:2]))
        mouse.down()
        mouse.move(*self.at(*box[2:]), steps=8)
        mouse.up()
        self.wait_until_answered()

    def name(self, number: int, name: str) -> None:
        """Name an object."""
        field = self.page.get_by_label(f"Name of Object {number}")
        field.dblclick()
        field.fill(name)
        self.page.keyboard.press("Enter")
        self.wait_until_answered()

    def track(self) -> None:
        """Track through the whole clip."""
        self.page.locator('[data-track="both"]').click()
        self.page.wait_for_selector('[data-action="cancel"]:visible')
        self.page.wait_for_selector('[data-track="forward"]:enabled', timeout=TRACKING_MS)

    def seek(self, frame: int) -> None:
        """Show a frame."""
        slider = self.page.locator(".s2-slider")
        slider.evaluate(
            "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }",
            frame,
        )
        self.wait_for_frame(frame)

    def look(self, style: str) -> None:
        """Choose how masks are shown."""
        self.page.locator(".s2-look").click()
        self.page.locator(f'[data-style-choice="{style}"]').click()
        self.page.keyboard.press("Escape")

    def zoom_to(self, x: float, y: float, turns: int) -> None:
        """Turn the wheel over a pixel of the clip, then drag it to the middle of the stage."""
        mouse = self.page.mouse
        mouse.move(*self.at(x, y))
        for _ in range(turns):
            mouse.wheel(0, -120)
        self.page.wait_for_timeout(SETTLE_MS)
        bounds = self.page.locator(".s2-stage").bounding_box()
        assert bounds is not None
        mouse.move(*self.at(x, y))
        mouse.down(button="middle")
        middle = bounds["x"] + bounds["width"] / 2, bounds["y"] + bounds["height"] / 2
        mouse.move(*middle, steps=4)
        mouse.up(button="middle")

    def wait_for_frame(self, frame: int) -> None:
        """Until its picture is there."""
        self.page.wait_for_selector(f'.s2-stage[data-frame="{frame}"]')

    def wait_until_answered(self) -> None:
        """Until the server has answered everything."""
        self.page.wait_for_selector('.s2[data-waiting="0"]')


def prompt_two(hand: Hand) -> None:
    """Open the sample; a box and four clicks for the ball, and a box for the balloon."""
    hand.open_sample()
    hand.seek(PROMPTED)
    x, y = ball_xy(PROMPTED)
    hand.drag_box((x - 40, y - 40, x + 40, y + 40))
    for dx, dy in ((20, 0), (-20, 0), (0, 20), (0, -20)):
        hand.page.mouse.click(*hand.at(x + dx, y + dy))
        hand.wait_until_answered()
    hand.name(1, "Ball")
    hand.page.locator('[data-action="add"]').click()
    hand.page.wait_for_selector('.s2-object[data-object="2"]')
    x, y = balloon_xy(PROMPTED)
    hand.drag_box((x - 52, y - 54, x + 52, y + 56))
    hand.name(2, "Balloon")


def show_tracked(hand: Hand) -> None:
    """Two objects with their lanes, and the panels beside the picture."""
    prompt_two(hand)
    hand.track()
    hand.seek(PROMPTED + 1)


def show_cut_out(hand: Hand) -> None:
    """Both objects cut out, close up."""
    prompt_two(hand)
    hand.track()
    hand.seek(PROMPTED + 1)
    hand.look("cutout")
    middle = np.mean([ball_xy(PROMPTED), balloon_xy(PROMPTED)], axis=0)
    hand.zoom_to(float(middle[0]), float(middle[1]), 2)


def show_phone(hand: Hand) -> None:
    """Two objects, prompted and tracked, on a phone."""
    prompt_two(hand)
    hand.track()
    hand.seek(PROMPTED + 1)


def show_recent(hand: Hand) -> None:
    """The first page of somebody who has been here before."""
    with tempfile.TemporaryDirectory() as folder:
        for path in write_clips(Path(folder)):
            hand.page.locator(".s2-file").set_input_files(path)
            hand.wait_for_frame(0)
            hand.page.locator('[data-project-action="close"]').click()
            hand.page.wait_for_selector('.s2[data-state="empty"]')
    hand.page.wait_for_selector(".s2-recent .s2-card img")


def write_clips(folder: Path) -> Iterator[Path]:
    """Three short clips that look different: parts of the sample, and the sample by evening."""
    grain = np.random.default_rng(7)
    looks = {
        "beach ball": (0, np.s_[90:270, 20:340], (1.0, 1.0, 1.0)),
        "evening flight": (30, np.s_[:, :], (1.12, 0.8, 0.66)),
        "balloon": (60, np.s_[0:180, 300:620], (1.0, 1.0, 1.0)),
    }
    for name, (first, part, tint) in looks.items():
        path = folder / f"{name}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=FPS)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for frame in range(first, first + FPS):
                tinted = np.clip(draw_frame(frame, grain)[part] * np.array(tint), 0, 255)
                large = cv2.resize(tinted.astype(np.uint8), (WIDTH, HEIGHT))
                picture = av.VideoFrame.from_ndarray(np.asarray(large, np.uint8), "rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        yield path


SHOTS = (
    Shot("app", show_tracked),
    Shot("cut-out", show_cut_out, options={"color_scheme": "dark"}),
    Shot(
        "phone",
        show_phone,
        width=390,
        height=844,
        options={
            "color_scheme": "dark",
            "device_scale_factor": 2,
            "is_mobile": True,
            "has_touch": True,
        },
    ),
    Shot("projects", show_recent),
)


def take(shot: Shot, app: RunningApp, browser: Browser) -> Image.Image:
    """Do what the picture shows in a fresh window, and take it."""
    viewport = {"width": shot.width, "height": shot.height}
    context = browser.new_context(viewport=viewport, **shot.options)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(app.url)
    page.wait_for_selector('.s2[data-state="empty"]')
    shot.act(Hand(page))
    page.mouse.move(1, 1)
    page.evaluate("scrollTo(0, 0)")
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(SETTLE_MS)  # transitions, thumbnails, lanes
    png = page.screenshot()
    context.close()
    return Image.open(io.BytesIO(png)).convert("RGB")


def store(picture: Image.Image, path: Path) -> None:
    """Write a PNG as it is, or with a palette where it would be larger than ``MAX_BYTES``."""
    for colours in (None, 256, 128, 64):
        shown = picture
        if colours is not None:
            # Of the methods, this one keeps rare colours: the red minus, the green plus.
            palette = picture.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=2)
            shown = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        written = io.BytesIO()
        shown.save(written, "PNG", optimize=True)
        if written.tell() <= MAX_BYTES:
            path.write_bytes(written.getvalue())
            size = f"{picture.width}×{picture.height}, {written.tell() / 1000:.0f} kB"
            print(f"{path}: {size}, {colours or 'all'} colours")
            return
    raise SystemExit(f"{path} does not fit into {MAX_BYTES} bytes.")


def main() -> None:
    """Take and store the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs"))
    names = [shot.name for shot in SHOTS]
    parser.add_argument("--only", choices=names, nargs="+", default=names)
    options = parser.parse_args()
    with temporary_app() as app, running_browser() as browser:
        for shot in SHOTS:
            if shot.name in options.only:
                store(take(shot, app, browser), options.folder / f"{shot.name}.png")


if __name__ == "__main__":
    main()
