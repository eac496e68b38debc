"""A page that goes while the server works for it: nobody else waits."""

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import stubborn
from tests.e2e.conftest import NewPage, checked_app
from tools.driven_app import RunningApp

BOUND_SECONDS = 8.0
"""Generous for an answer, and far less than the work takes that nobody waits for."""


@pytest.fixture
def stubborn_app(tmp_path: Path) -> Iterator[RunningApp]:
    folder = tmp_path / "stubborn"
    folder.mkdir()
    with checked_app(folder, program=("-m", "tests.e2e.stubborn")) as running:
        yield running


def test_closing_a_page_at_work_stops_nobody_else(
    stubborn_app: RunningApp, new_page: NewPage, tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts.json"
    prompts.write_text("{}")
    busy, other = (new_page(url=stubborn_app.url) for _ in range(2))
    busy.open_sample()
    other.open_sample()
    busy.open_panel("more")
    with busy.page.expect_file_chooser() as waiting:
        busy.page.locator("#open-prompts").click()
    waiting.value.set_files(prompts)
    busy.until(lambda: "Answering the prompts" in busy.status)
    began = time.monotonic()
    busy.page.close(run_before_unload=True)
    while time.monotonic() - began < stubborn.SECONDS / 2:
        asked = time.monotonic()
        with urllib.request.urlopen(f"{stubborn_app.url}/health", timeout=BOUND_SECONDS):
            pass
        other.click(250, 80)
        assert time.monotonic() - asked < BOUND_SECONDS
    other.until(lambda: stubborn_app.tabs() == 1, seconds=BOUND_SECONDS)
