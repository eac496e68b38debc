"""Takes pictures of the page in all its states, to be looked at before and after a change of it.

Usage, from the repository: python -m tools.page_states FOLDER [--sizes 1280x720 ...]

They come from the running app with the bundled model. Needs Playwright and a Chromium.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

from tools.driven_app import running_browser, temporary_app
from tools.make_sample import ball_xy
from tools.make_screenshots import Hand

SIZES: Final = ("1440x900", "1280x720", "1024x768", "390x844")
SCHEMES: Final = ("light", "dark")
PHONE_WIDTH: Final = 500
SETTLE_MS: Final = 700
MEASURED_MS: Final = 2500

State = Callable[["Walk"], None]


class Walk:
    """Goes from state to state on one page, each from where the one before has left it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.hand = Hand(page)

    def panel(self, name: str) -> None:
        """Have a panel in sight: on phones a sheet."""
        button = self.page.locator(f'[data-sheet="{name}"]')
        if button.is_visible():
            button.click()

    def empty(self) -> None:
        """Nothing is open."""

    def open(self) -> None:
        """The sample is open."""
        self.hand.open_sample()

    def prompted(self) -> None:
        """An object has a box."""
        x, y = ball_xy(0)
        self.hand.drag_box((x - 42, y - 42, x + 42, y + 42))

    def tracked(self) -> None:
        """It is tracked."""
        self.hand.track()
        self.hand.seek(25)

    def exporting(self) -> None:
        """An effect is chosen, and seen on the stage."""
        self.panel("export")
        self.page.locator('.s2-tile:has([value="blur"])').click()

    def exported(self) -> None:
        """It is written."""
        with self.page.expect_download():
            self.page.locator("#export").click()
            anyway = self.page.get_by_role("button", name="Export anyway")
            if anyway.is_visible():
                anyway.click()
        self.page.locator("#export-options summary").click()

    def cleaned_up(self) -> None:
        """The clean-up of the object is open."""
        self.page.locator("#export-options summary").click()
        self.page.locator('[data-action="leaveLook"]').click()
        self.panel("object")
        self.page.locator('[data-panel="object"] summary').click()

    def more(self) -> None:
        """Model, prompts and programs are unfolded."""
        self.page.locator('[data-panel="object"] summary').click()
        self.panel("more")
        if self.page.locator("#more-panel:not([open])").count():
            self.page.locator("#more-panel > summary").click()

    def models(self) -> None:
        """The models are shown."""
        self.page.locator('.s2-banner [data-model-action="browse"]').click()
        self.page.wait_for_timeout(MEASURED_MS)

    def help(self) -> None:
        """The keys are shown."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Escape")
        self.page.locator('[data-action="help"]').click()


STATES: Final[tuple[State, ...]] = (
    Walk.empty,
    Walk.open,
    Walk.prompted,
    Walk.tracked,
    Walk.exporting,
    Walk.exported,
    Walk.cleaned_up,
    Walk.more,
    Walk.models,
    Walk.help,
)


def options_of(width: int) -> dict[str, Any]:
    """What makes a window of that width a phone's."""
    return {"is_mobile": True, "has_touch": True} if width < PHONE_WIDTH else {}


def main() -> None:
    """Take and store the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--schemes", nargs="+", default=SCHEMES)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with temporary_app() as app, running_browser() as browser:
        for size in options.sizes:
            width, height = map(int, size.split("x"))
            for scheme in options.schemes:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    **options_of(width),
                )
                page = context.new_page()
                page.goto(app.url)
                page.wait_for_selector('.s2[data-state="empty"]')
                walk = Walk(page)
                for number, state in enumerate(STATES):
                    state(walk)
                    page.wait_for_timeout(SETTLE_MS)
                    name = f"{size}-{scheme}-{number}-{state.__name__}.png"
                    page.screenshot(path=options.folder / name)
                context.close()


if __name__ == "__main__":
    main()
