"""Models on the page: looked at, chosen, got from a hub on 127.0.0.1; the converter is a fake."""

import hashlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from sam2ov.zoo.catalogue import BUNDLED_NAME, resolve_model
from tests.e2e.conftest import NewPage, checked_app
from tests.e2e.editor_page import ball, iou, show_panel
from tests.hub_server import HubServer, hub_server
from tools.driven_app import RunningApp
from tools.make_sample import ball_xy

NAME = "sam2.1-hiera-tiny"
FILE = "sam2.1_hiera_tiny.pt"
CONTENT = hashlib.shake_256(b"a checkpoint").digest(3_000_000)
TITLE = "SAM 2.1 tiny"
APP = """
from sam2ov.zoo import conversion, speed
conversion.CONVERTER = "tests.fake_convert"
speed.PROBE = "tests.fake_probe"
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


def open_models(page: Page) -> Locator:
    show_panel(page, "more")
    page.get_by_role("button", name="Models …").click()
    dialog = page.get_by_role("dialog", name="Models")
    expect(dialog.get_by_role("heading", name="EdgeTAM", exact=True)).to_be_visible(timeout=30_000)
    return dialog


def card(dialog: Locator, name: str) -> Locator:
    return dialog.locator(f'[data-name="{name}"]')


@pytest.mark.parametrize("width", [1440, 390])
def test_a_model_is_got_and_used(new_page: NewPage, own_server: RunningApp, width: int) -> None:
    editor = new_page(url=own_server.url, width=width, has_touch=width < 500)
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))
    banner = page.get_by_text("small demonstration model")
    expect(banner).to_be_visible()
    panel = page.locator("#model-panel")
    dialog = open_models(page)
    tiny = card(dialog, NAME)
    expect(tiny.get_by_text("76.5")).to_be_visible()
    expect(tiny.get_by_text("Apache-2.0")).to_be_visible()
    expect(tiny.get_by_text("about ")).to_be_visible(timeout=30_000)
    bounds = dialog.bounding_box()
    assert bounds is not None
    assert bounds["x"] + bounds["width"] <= width
    if width == 1440:  # the second time it is there
        get = tiny.get_by_role("button", name="Get · 156 MB")
        get.click()
        expect(tiny.locator("progress")).to_be_visible()
        expect(tiny.locator('[data-model="progress"]')).not_to_be_empty()
        dialog.get_by_role("button", name="Close").click()
        expect(dialog).to_be_hidden()
        x, y = ball_xy(0)
        editor.click(x + 20, y)  # prompts are answered meanwhile; on a point it would go
        expect(panel.locator("progress")).to_be_visible()
        panel.get_by_role("button", name="Cancel").click()
        expect(panel.locator("progress")).to_be_hidden()
        expect(banner).to_be_visible()
        dialog = open_models(page)
        tiny = card(dialog, NAME)
        tiny.get_by_role("button", name=re.compile("Get|Convert")).click()
    else:
        tiny.get_by_role("button", name="Use").click()
        expect(dialog).to_be_hidden()
    expect(banner).to_be_hidden(timeout=60_000)
    if width == 1440:
        expect(tiny.get_by_text("In use")).to_be_visible()
        expect(tiny.get_by_role("button")).to_have_count(0)
        page.keyboard.press("Escape")
    expect(panel).to_contain_text(TITLE, timeout=30_000)
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)  # the prompts were kept


def test_looking_at_models_changes_nothing(new_page: NewPage, own_server: RunningApp) -> None:
    editor = new_page(url=own_server.url)
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)
    page.locator('[data-track="frame"]').click()
    opener = page.get_by_role("button", name="Models …")
    dialog = open_models(page)
    expect(card(dialog, "micro").get_by_text("In use")).to_be_visible()
    expect(card(dialog, "micro").get_by_role("button")).to_have_count(0)
    dialog.get_by_label("Preset").select_option("fast")
    expect(dialog.get_by_text("Fast: remembers")).to_be_visible()
    expect(card(dialog, "micro").get_by_role("button", name="Use with fast")).to_be_visible()
    card(dialog, "edgetam").get_by_text("Without a network").click()
    expect(card(dialog, "edgetam").get_by_text("Put edgetam.pt")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    assert iou(editor.mask(), ball(0)) > 0.5
    dialog = open_models(page)
    expect(dialog.get_by_label("Preset")).to_have_value("quality")
    expect(page.get_by_text("is still running")).to_have_count(0)


def test_the_dialog_keeps_the_focus(new_page: NewPage, own_server: RunningApp) -> None:
    editor = new_page(url=own_server.url)
    page = editor.page
    dialog = open_models(page)
    expect(dialog.get_by_role("heading", name="Models", exact=True)).to_be_focused()
    inside = "document.querySelector('[data-dialog=models]').contains(document.activeElement)"
    seen = 0
    for _ in range(60):
        page.keyboard.press("Tab")
        seen += page.evaluate(f"document.activeElement === document.body || {inside}")
    assert seen == 60, "the page behind cannot be reached"


@pytest.mark.parametrize("width", [1440, 390])
def test_a_preset_is_chosen_tracked_with_and_kept(
    new_page: NewPage, own_server: RunningApp, width: int
) -> None:
    editor = new_page(url=own_server.url, width=width, has_touch=width < 500)
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))
    panel = page.locator("#model-panel")
    expect(panel).to_contain_text("quality · CPU", timeout=30_000)

    def use(preset: str) -> None:
        dialog = open_models(page)
        dialog.get_by_label("Preset").select_option(preset)
        card(dialog, "micro").get_by_role("button", name=f"Use with {preset}").click()
        expect(dialog).to_be_hidden()

    use("fast")
    expect(panel).to_contain_text("fast · CPU", timeout=30_000)
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)
    editor.reload()
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)
    expect(panel).to_contain_text("fast · CPU", timeout=30_000)
    use("quality")
    expect(panel).to_contain_text("quality · CPU", timeout=30_000)


def test_tracked_masks_are_given_up_only_knowingly(
    new_page: NewPage, own_server: RunningApp
) -> None:
    editor = new_page(url=own_server.url)
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))
    page.locator('[data-track="forward"]').click()
    editor.until(lambda: "Tracking" in editor.status)
    editor.press("cancel")
    editor.until(lambda: "Tracking" not in editor.status)
    panel = page.locator("#model-panel")

    def ask() -> Locator:
        dialog = open_models(page)
        dialog.get_by_label("Preset").select_option("fast")
        card(dialog, "micro").get_by_role("button", name="Use with fast").click()
        question = page.get_by_role("dialog", name="Please confirm")
        expect(question.get_by_text("Tracked masks go")).to_be_visible()
        return question

    ask().get_by_role("button", name="Keep").click()
    page.keyboard.press("Escape")
    expect(panel).to_contain_text("quality · CPU", timeout=30_000)
    ask().get_by_role("button", name="Use").click()
    expect(panel).to_contain_text("fast · CPU", timeout=30_000)
    editor.press("undo")
    expect(panel).to_contain_text("quality · CPU", timeout=30_000)


def test_a_file_from_the_disk_is_converted_and_used(
    new_page: NewPage, own_server: RunningApp
) -> None:
    editor = new_page(url=own_server.url)
    page = editor.page
    editor.open_sample()
    editor.click(*ball_xy(0))
    dialog = open_models(page)
    with page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name="Choose a file …").click()
    chooser.value.set_files(
        {"name": "birds.pt", "mimeType": "application/octet-stream", "buffer": CONTENT}
    )
    own = dialog.locator('[data-name^="birds-"]')
    expect(own.get_by_text("In use")).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.5)  # the prompts were kept
