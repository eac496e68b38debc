"""The app in a process of its own, and a browser that complains about everything."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    sync_playwright,
)

from tests.conftest import REPOSITORY
from tests.e2e.editor_page import EditorPage

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
START_SECONDS = 120

NewPage = Callable[..., EditorPage]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@dataclass(frozen=True)
class Server:
    """The running app: its address, where it keeps projects, its log, and its process."""

    url: str
    projects: Path
    log: Path
    pid: int

    def tabs(self) -> int:
        """How many tabs have files on the server."""
        return len(list(self.projects.glob(".tab-*")))


@contextmanager
def running_app(
    folder: Path,
    *options: str,
    program: tuple[str, ...] = ("-m", "sam2ov"),
    variables: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """The app until the block ends; then it has stopped and left nothing but its projects.

    Args:
        folder: for all that it writes.
        options: of ``sam2ov app``.
        program: what Python runs.
        variables: of its environment.
    """
    (folder / "tmp").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log_path = folder / "log.txt"
    environment = os.environ | {
        "TMPDIR": str(folder / "tmp"),
        "SAM2OV_CACHE": str(folder / "cache"),
        "SAM2OV_PROJECTS": str(folder / "projects"),
    }
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *program, "app", "--port", str(port), *options],
            cwd=REPOSITORY,
            env=environment | dict(variables or {}),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}"
        running = Server(url, folder / "projects", log_path, process.pid)
        try:
            _wait_until_it_answers(process, running)
            yield running
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                pytest.fail("the app did not stop on SIGTERM")
    assert running.tabs() == 0, "the app left files behind"
    assert list((folder / "tmp").glob("sam2ov-*")) == [], "and here"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_app(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """For tests that count tabs: those of other tests may stay for a while.

    Tests name it before ``new_page``, so that their pages are closed before it stops.
    """
    folder = tmp_path / "own-server"
    folder.mkdir()
    with running_app(folder) as running:
        yield running


def _wait_until_it_answers(process: subprocess.Popen[bytes], running: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(running.url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the app did not start:\n{running.log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(
            "These tests need a Chromium browser: on Debian and Ubuntu, apt install chromium. "
            'Leave them out with -m "not e2e".'
        )
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def new_page(browser: Browser, server: Server) -> Iterator[NewPage]:
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


def _listen(page: Page, complaints: list[str]) -> None:
    is_left = False

    def on_console(message: ConsoleMessage) -> None:
        nonlocal is_left
        if message.type != "error":
            return
        # Gradio says so itself when its page is left while its stream is open.
        if message.text.startswith("AbortError: signal is aborted without reason"):
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
