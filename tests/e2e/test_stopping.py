"""The app's end while pages are open: nothing is left, and no connection of theirs holds it up."""

import re
import subprocess
import sys

import pytest

from tools.driven_app import REPOSITORY


def test_the_app_ends_with_pages_open_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``python -m tools.stopping`` measures it with 64; a loaded machine takes longer."""
    command = [sys.executable, "-m", "tools.stopping", "--pages", "8", "--clips", "3"]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    found = re.search(r"ended ([\d.]+) s after SIGTERM; left: nothing", said.stdout)
    assert found is not None, said.stdout + said.stderr
    with capsys.disabled():
        print(f" [8 pages, 3 clips: ended after {found[1]} s] ", end="")
    assert float(found[1]) < 15, "streams of pages have no end"
