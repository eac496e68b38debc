"""What browsers are told of errors names no place on the server."""

import logging
import tempfile
from pathlib import Path

import pytest

from sam2ov.errors import StorageError
from sam2ov.ui.contract.told import told, without_folders
from sam2ov.unfinished import failed_export


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/srv/projects/.tab-1/exports/a.mp4 cannot be written", "a.mp4 cannot be written"),
        ("cannot use '/srv/x y/b.json'", "cannot use 'x y/b.json'"),
        (r"C:\Users\me\clip.mp4 is damaged", "clip.mp4 is damaged"),
        (f"{tempfile.gettempdir()}/sam2ov-1/j.sqlite: full", "j.sqlite: full"),
        (f"{Path.home()}/.cache/sam2ov/models/micro is damaged", "micro is damaged"),
        ("points and/or boxes; 1/2 of 30/1.001", "points and/or boxes; 1/2 of 30/1.001"),
        (
            "see https://example.org/a/b/c and a/b/c.png",
            "see https://example.org/a/b/c and a/b/c.png",
        ),
        ("3 × 4, x/y/", "3 × 4, x/y/"),
    ],
)
def test_paths_are_names(text: str, shown: str) -> None:
    assert without_folders(text) == shown


def test_the_log_has_the_place(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    error = failed_export(tmp_path / "masks.zip", OSError(28, "No space left on device"))
    with caplog.at_level(logging.WARNING):
        message = told(error)
    assert message.startswith("masks.zip cannot be written: No space left on device. Free some")
    assert str(tmp_path) in caplog.text
    caplog.clear()
    assert told(StorageError("The disk is full.")) == "The disk is full."
    assert caplog.text == ""
