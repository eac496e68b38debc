"""The editor as a user sees and handles it."""

import base64
import io
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Download, Locator, Page

from sam2ov.values.masks import BoolArray
from tools.make_sample import HEIGHT, RADIUS, WIDTH, ball_xy, balloon_xy

Rgba = npt.NDArray[np.uint8]

POLL_SECONDS = 0.05

# Of the sample clip, on its first frame.
BALL, BALLOON = ball_xy(0), balloon_xy(0)
BALLOON_BOX = (BALLOON[0] - 54, BALLOON[1] - 56, BALLOON[0] + 54, BALLOON[1] + 88)
SKY = (250.0, 80.0)

# Of the first two objects.
BLUE, ORANGE = (79, 157, 255), (255, 166, 43)


class EditorPage:
    """Drives one page with real mouse, keyboard and touch events.

    Positions are pixels of the clip: the sample, unless ``size_wh`` says how large another one is.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.size_wh = (WIDTH, HEIGHT)
        page.goto(url)
        self.page.wait_for_selector('.s2[data-state="empty"]')

    # ---- acting

    def open_sample(self) -> None:
        self.page.get_by_role("button", name="Try the sample").click()
        self.wait_for_frame(0)

    def press(self, action: str) -> None:
        self.page.locator(f'[data-action="{action}"]').click()

    def press_project(self, action: str) -> None:
        """Press a button of the panel "Project"."""
        self.page.locator(f'[data-project-action="{action}"]').click()

    def open_panel(self, name: str) -> None:
        """Have a panel in sight: "object", "export", "project" or "more"."""
        show_panel(self.page, name)

    def reset_clean_up(self) -> None:
        """Have the chosen object as it is tracked; the sample's begin with clean-up."""
        details = self.page.locator('[data-panel="object"] details')
        if details.get_attribute("open") is None:
            details.locator("summary").click()
        self.page.locator("[data-clean-up-reset]").click()
        self.wait_until_answered()

    def reload(self) -> None:
        """Load the page anew, with a project open."""
        self.page.reload()
        self.page.wait_for_selector('.s2[data-state="open"]')

    def choose_tool(self, tool: str) -> None:
        self.page.locator(f'[data-tool="{tool}"]').click()

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the clip is on the page."""
        bounds = self.page.locator(".s2-view").bounding_box()
        assert bounds is not None
        width, height = self.size_wh
        return (
            bounds["x"] + x * bounds["width"] / width,
            bounds["y"] + y * bounds["height"] / height,
        )

    def on_stage(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the clip is on the stage's canvas, in CSS pixels."""
        bounds = self.page.locator(".s2-prompts").bounding_box()
        assert bounds is not None
        left, top = self.point(x, y)
        return left - bounds["x"], top - bounds["y"]

    def clear(self, action: str = "clear") -> None:
        """Choose from the menu that clears."""
        self.page.locator('[data-menu="clear"]').click()
        self.press(action)
        self.wait_until_answered()

    def click(self, x: float, y: float, *, button: str = "left", shift: bool = False) -> None:
        if shift:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(*self.point(x, y), button=button)  # type: ignore[arg-type]
        if shift:
            self.page.keyboard.up("Shift")
        self.wait_until_answered()

    def drag(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.page.mouse.move(*self.point(x0, y0))
        self.page.mouse.down()
        self.page.mouse.move(*self.point((x0 + x1) / 2, (y0 + y1) / 2), steps=4)
        self.page.mouse.move(*self.point(x1, y1), steps=4)
        self.page.mouse.up()
        self.wait_until_answered()

    def add_object(self) -> None:
        before = self.objects.count()
        self.press("add")
        self.until(lambda: self.objects.count() == before + 1)

    def seek(self, frame: int) -> None:
        """Move the slider with the mouse and the rest of the way with the keyboard."""
        slider = self.page.locator(".s2-slider")
        bounds = slider.bounding_box()
        assert bounds is not None
        last = int(slider.get_attribute("max") or 0)
        share = (frame + 0.5) / (last + 1)
        self.page.mouse.click(bounds["x"] + 8 + share * (bounds["width"] - 16), bounds["y"] + 10)
        for _ in range(12):
            away = frame - self.position
            if away == 0:
                break
            self.page.keyboard.press("ArrowRight" if away > 0 else "ArrowLeft")
        self.wait_for_frame(frame)

    def track(self, direction: str = "forward") -> None:
        self.page.locator(f'[data-track="{direction}"]').click()

    def download(self, action: Callable[[], None]) -> Download:
        with self.page.expect_download(timeout=60_000) as waiting:
            action()
        return waiting.value

    def press_export(self) -> None:
        """Press Export, and say that what is tracked will do where the page asks."""
        self.page.locator("#export").click()
        anyway = self.page.get_by_role("button", name="Export anyway")
        if anyway.is_visible():
            anyway.click()

    # ---- waiting

    def until(self, condition: Callable[[], object], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen; status: {self.status}"
            self.page.wait_for_timeout(1000 * POLL_SECONDS)

    def wait_for_frame(self, frame: int) -> None:
        self.page.wait_for_selector(f'.s2-stage[data-frame="{frame}"]')

    def wait_until_answered(self) -> None:
        self.page.wait_for_selector('.s2[data-waiting="0"]')

    def wait_until_tracked(self) -> None:
        self.page.wait_for_selector('[data-track="forward"]:enabled', timeout=60_000)

    # ---- seeing

    @property
    def objects(self) -> Locator:
        return self.page.locator(".s2-object")

    @property
    def status(self) -> str:
        return self.page.locator(".s2-message").inner_text()

    @property
    def position(self) -> int:
        return int(self.page.locator(".s2-slider").input_value())

    @property
    def cursor(self) -> str | None:
        """What the pointer would do where it is."""
        return self.page.locator(".s2-stage").get_attribute("data-cursor")

    @property
    def zoom(self) -> int:
        """What the toolbar says, in percent."""
        return int(self.page.locator('[data-action="actual"]').inner_text().split()[0])

    @property
    def brush_radius(self) -> float:
        """In pixels of the clip."""
        text = self.page.locator(".s2-brush output").text_content() or ""
        return int(text.split()[0]) / 2

    def canvas(self, name: str) -> Rgba:
        """The pixels of a canvas, uint8 RGBA [h, w, 4]."""
        data = self.page.evaluate(f"document.querySelector('.s2-{name}').toDataURL('image/png')")
        return self.pixels(base64.b64decode(data.partition(",")[2]))

    @staticmethod
    def pixels(png: bytes) -> Rgba:
        """Of a file, uint8 RGBA [h, w, 4]."""
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))

    def mask(self, colour: tuple[int, int, int] | None = None) -> BoolArray:
        """Where masks are painted, or those of one colour, bool [height, width]."""
        rgba = self.canvas("masks")
        width, height = self.size_wh
        if rgba.shape[:2] != (height, width):
            return np.zeros((height, width), np.bool_)
        painted: BoolArray = rgba[..., 3] > 0
        if colour is not None:
            # Canvases store colours multiplied by alpha: they come back a little off.
            painted &= np.abs(rgba[..., :3].astype(int) - colour).max(axis=2) < 6
        return painted

    def marker(self, x: float, y: float) -> str:
        """What is drawn beside the centre of a prompt: "positive", "negative" or "none"."""
        canvas = self.canvas("prompts")
        column, row = self.on_stage(x, y)
        ratio = canvas.shape[1] / self.page.evaluate(
            "document.querySelector('.s2-stage').clientWidth"
        )
        place = round(row * ratio + 5), round(column * ratio - 3)
        red, green, _, alpha = canvas[place].astype(int)
        if alpha < 128:
            return "none"
        return "positive" if green > red else "negative"

    @property
    def problem(self) -> str:
        """What the page says went wrong, wherever it says so; empty when nothing has."""
        beside = self.page.locator("[data-problem]:visible").all_inner_texts()
        failed = self.page.locator(".s2-failed .s2-message").all_inner_texts()
        assert self.page.locator(".toast-body").count() == 0, "one quiet line, and no toasts"
        return " ".join([*beside, *failed])


def show_panel(page: Page, name: str) -> None:
    """Have a panel in sight; on a phone it is a sheet, and More is folded elsewhere."""
    panel, sheet = page.locator(f'[data-panel="{name}"]'), page.locator(f'[data-sheet="{name}"]')
    if sheet.is_visible() and not panel.is_visible():
        sheet.click()
    if panel.evaluate("(panel) => panel.localName === 'details' && !panel.open"):
        panel.locator("summary").first.click()


def iou(mask: BoolArray, truth: BoolArray) -> float:
    """Intersection over union."""
    return float((mask & truth).sum() / max((mask | truth).sum(), 1))


def ball(frame: int) -> BoolArray:
    """The ball of the sample clip, bool [360, 640]; what hides it is not left out."""
    return _disc(*ball_xy(frame), RADIUS, RADIUS)


def balloon(frame: int) -> BoolArray:
    """The balloon of the sample clip without its basket."""
    return _disc(*balloon_xy(frame), 52, 54)


def capsule(start: tuple[float, float], end: tuple[float, float], radius: float) -> BoolArray:
    """Where a round brush paints between two points."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    (x0, y0), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    along = ((columns - x0) * dx + (rows - y0) * dy) / (dx * dx + dy * dy)
    along = np.clip(along, 0, 1)
    inside: BoolArray = np.hypot(columns - x0 - along * dx, rows - y0 - along * dy) < radius
    return inside


def _disc(x: float, y: float, width: float, height: float) -> BoolArray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    inside: BoolArray = np.hypot((columns - x) / width, (rows - y) / height) < 1
    return inside
