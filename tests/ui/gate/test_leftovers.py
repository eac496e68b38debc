"""Uploads that were broken off: what they left goes, what is being written stays."""

import os
import time
from pathlib import Path

import pytest

from sam2ov.ui.gate import leftovers as leftovers_module
from sam2ov.ui.gate.leftovers import Leftovers


def test_what_nobody_writes_any_more_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers_module, "get_upload_folder", lambda: str(tmp_path))
    complete = tmp_path / "folder" / "clip.mp4"
    complete.parent.mkdir()
    running, given_up = tmp_path / "tmp1", tmp_path / "tmp2"
    for path in (complete, running, given_up):
        path.write_bytes(b"x" * 1000)
    long_ago = time.time() - 1000
    os.utime(given_up, (long_ago, long_ago))
    os.utime(complete, (long_ago, long_ago))
    swept = Leftovers()
    with given_up.open("rb") as still_open:
        with swept.one_more():
            swept.sweep()
            assert running.exists()
            assert not given_up.exists()
        assert os.fstat(still_open.fileno()).st_size == 0, "its space is free at once"
        swept.sweep()
    assert not running.exists()
    assert complete.exists()
    monkeypatch.setattr(leftovers_module, "get_upload_folder", lambda: str(tmp_path / "none"))
    swept.sweep()
