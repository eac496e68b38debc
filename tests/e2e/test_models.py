"""Getting a model from the page: a hub on 127.0.0.1, a checkpoint, a converter without torch."""

import hashlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from sam2ov.zoo.catalogue import BUNDLED_NAME, resolve_model
from tests.e2e.conftest import NewPage, checked_app
from tests.e2e.editor_page import ball, iou
from tests.hub_server import HubServer, hub_server
from tools.driven_app import RunningApp
from tools.make_sample import ball_xy

NAME = "sam2.1-hiera-tiny"
FILE = "sam2.1_hiera_tiny.pt"
CONTENT = hashlib.shake_256(b"a checkpoint").digest(3_000_000)
APP = """
from sam2ov.zoo import conversion
conversion.CONVERTER = "tests.fake_convert"
from sam2ov.cli import main
main()
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with hub_server({f"facebook/{NAME}/{FILE}": CONTENT}) as server:
        yield server


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory, hub: HubServer) -> Iterator[RunningApp]:
    folder = tmp_path_factory.mktemp("models")
    with checked_app(
        folder,
        program=("-c", APP),
        variables={
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(folder / "hub"),
            "NO_PROXY": "127.0.0.1,localhost",
            "FAKE_CONVERT": str(resolve_model(BUNDLED_NAME)),
        },
    ) as running:
        yield running


@pytest.mark.parametrize("width", [1440, 390])
def test_a_model_is_got_and_used(new_page: NewPage, own_server: RunningApp, width: int) -> None:
    editor = new_page(url=own_server.url, width=width, has_touch=width < 500)
    page = editor.page
    editor.open_sample()
    expect(page.get_by_text("small demonstration model")).to_be_visible()
    panel = page.locator("#model-panel")

    def choose() -> None:
        page.locator("#model input").click()
        page.get_by_role("option", name=NAME).click()

    choose()
    if "on disk" not in panel.inner_text() and panel.get_by_text("Not here yet").count():
        expect(panel.get_by_text("156 MB to download")).to_be_visible()
    get = page.get_by_role("button", name=f"Get {NAME}")
    if width == 1440:  # the second time it is there
        get.click()
        expect(panel.locator("progress")).to_be_visible()
        editor.click(*ball_xy(0))  # prompts are answered meanwhile
        panel.get_by_role("button", name="Cancel").click()
        expect(get).to_be_visible()
        expect(page.get_by_text("small demonstration model")).to_be_visible()
        get.click()
    expect(page.get_by_text("small demonstration model")).to_be_hidden(timeout=30_000)
    expect(panel.get_by_text("Fastest of SAM 2's sizes")).to_be_visible()
    expect(get).to_be_hidden()
    assert "on disk" in page.locator("#model input").input_value()
    bounds = panel.bounding_box()
    assert bounds is not None
    assert bounds["x"] + bounds["width"] <= width


@pytest.mark.parametrize("width", [1440, 390])
def test_a_preset_is_chosen_tracked_with_and_kept(new_page: NewPage, width: int) -> None:
    editor = new_page(width=width, has_touch=width < 500)
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))
    preset = page.locator("#preset input")
    expect(preset).to_have_value("Preset: quality")
    preset.click()
    page.get_by_role("option", name="Preset: fast").click()
    expect(page.locator("#model-panel").get_by_text("at half the resolution")).to_be_visible()
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)
    editor.reload()
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)
    expect(preset).to_have_value("Preset: fast")
    preset.click()
    page.get_by_role("option", name="Preset: quality").click()
    expect(page.locator("#model-panel").get_by_text("results of upstream")).to_be_visible()
