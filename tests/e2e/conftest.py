"""The app in a process of its own, and a browser that complains about everything."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from tests.e2e.editor_page import EditorPage
from tools.driven_app import RunningApp, find_chromium, running_app, running_browser

NewPage = Callable[..., EditorPage]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@contextmanager
def checked_app(
    folder: Path,
    *options: str,
    program: tuple[str, ...] = ("-m", "sam2ov"),
    variables: Mapping[str, str] | None = None,
) -> Iterator[RunningApp]:
    """The app until the block ends; then it has stopped and left nothing but its projects.

    Arguments are those of ``running_app``.
    """
    with running_app(folder, *options, program=program, variables=variables) as running:
        yield running
    assert running.tabs() == 0, "the app left files behind"
    assert list((folder / "tmp").glob("sam2ov-*")) == [], "and here"
    assert "LockOrderError" not in running.log.read_text(), f"see {running.log}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with checked_app(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningApp]:
    """For tests that count tabs: those of other tests may stay for a while.

    Tests name it before ``new_page``, so that their pages are closed before it stops.
    """
    folder = tmp_path / "own-server"
    folder.mkdir()
    with checked_app(folder) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if find_chromium() is None:
        pytest.fail(
            "These tests need a Chromium browser: on Debian and Ubuntu, apt install chromium. "
            'Leave them out with -m "not e2e".'
        )
    with running_browser() as launched:
        yield launched


@pytest.fixture
def new_page(browser: Browser, server: RunningApp) -> Iterator[NewPage]:
    """Opens the app in a context of its own; complaints of any page fail the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        *, width: int = 1440, height: int = 900, url: str = server.url, **options: Any
    ) -> EditorPage:
        viewport = ViewportSize(width=width, height=height)
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        _listen(page, complaints)
        return EditorPage(page, url)

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def editor(new_page: NewPage) -> EditorPage:
    """The app on a desktop."""
    return new_page()


@pytest.fixture
def opened(editor: EditorPage) -> EditorPage:
    """The app on a desktop, with the sample open."""
    editor.open_sample()
    return editor


def _listen(page: Page, complaints: list[str]) -> None:
    is_left = False

    def on_console(message: ConsoleMessage) -> None:
        nonlocal is_left
        if message.type != "error":
            return
        # Gradio says so itself when its page is left while its stream is open.
        if message.text.startswith("AbortError:"):
            is_left = True
        elif not (is_left and "Connection errored out" in message.text):
            complaints.append(f"console: {message.text}")

    def on_request(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            complaints.append(f"request to another host: {url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(f"page: {error}"))
    page.on("request", lambda request: on_request(request.url))
