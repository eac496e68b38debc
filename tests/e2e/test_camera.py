"""The camera in a browser, whose fake one shows the sample."""

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from sam2ov.samples import SAMPLE_PATH
from tests.e2e.conftest import checked_app
from tools.driven_app import FLAGS, find_chromium


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The app in a Chromium with a camera of its own; complaints fail the test."""
    folder = tmp_path_factory.mktemp("camera")
    film = folder / "film.mjpeg"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(SAMPLE_PATH),
        "-q:v",
        "3",
        "-f",
        "mjpeg",
        str(film),
    ]
    subprocess.run(command, check=True)
    flags = [
        *FLAGS,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    complaints: list[str] = []
    with checked_app(folder) as running:
        # Playwright runs once in a process: its other browsers come from the first one.
        filmed = browser.browser_type.launch(executable_path=find_chromium(), args=flags)
        made = filmed.new_page()
        made.set_default_timeout(60_000)
        made.on("pageerror", lambda error: complaints.append(str(error)))
        made.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        made.goto(running.url)
        yield made
        filmed.close()
    assert not complaints, "\n".join(complaints)


def share_of_opaque(page: Page) -> float:
    """Of the live picture: how much is not transparent."""
    share: float = page.locator(".s2-camera canvas").evaluate(
        """(canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let alpha = 0;
          for (let i = 3; i < data.length; i += 4) if (data[i] > 128) alpha += 1;
          return alpha / (data.length / 4);
        }"""
    )
    return share


def test_an_object_is_followed_recorded_and_edited(page: Page) -> None:
    page.locator('[data-action="camera"]').click()
    dialog = page.locator(".s2-camera")
    page.wait_for_selector('.s2-camera[data-state="on"]')
    page.wait_for_function("document.querySelector('.s2-camera-pace').textContent !== ''")
    canvas = dialog.locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    assert share_of_opaque(page) == 1, "the whole picture"
    # The balloon is there from the first frame to the last, in the right half.
    canvas.click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.35})
    page.wait_for_selector(".s2-camera-objects span")
    dialog.locator("[data-camera-effect]").select_option("cut_out")
    page.wait_for_function(
        """() => {
          const canvas = document.querySelector(".s2-camera canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.some((value, i) => i % 4 === 3 && value === 0);
        }"""
    )
    assert 0 < share_of_opaque(page) < 0.6
    dialog.locator('[data-camera="record"]').click()
    page.wait_for_selector(".s2-camera[data-recording]")
    edit = dialog.locator('[data-camera="edit"]:not([disabled])')
    edit.wait_for()
    page.wait_for_timeout(2000)
    edit.click()
    page.wait_for_selector('.s2[data-state="open"]')
    assert page.locator("dialog[open]").count() == 0
    page.wait_for_function(
        """() => {
          const canvas = document.querySelector(".s2-masks");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.some((value, i) => i % 4 === 3 && value > 0);
        }"""
    )
    assert page.locator(".s2-stage").get_attribute("aria-label") is not None
