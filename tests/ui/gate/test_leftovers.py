"""Uploads that were broken off: what they left goes, what is being written stays."""

import os
import time
from pathlib import Path

import pytest
from gradio.utils import get_upload_folder

from sam2ov.ui.gate import leftovers as leftovers_module
from sam2ov.ui.gate.leftovers import Leftovers, own_upload_folder


def test_what_nobody_writes_any_more_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers_module, "get_upload_folder", lambda: str(tmp_path))
    tmp_path.chmod(0o700)
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


def test_links_are_not_followed_and_files_with_other_names_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, others = tmp_path / "uploads", tmp_path / "others"
    for each in (folder, others):
        each.mkdir(mode=0o700)
    monkeypatch.setattr(leftovers_module, "get_upload_folder", lambda: str(folder))
    for name in ("symbolic", "hard"):
        (others / name).write_bytes(b"precious")
    (folder / "symbolic").symlink_to(others / "symbolic")
    (folder / "hard").hardlink_to(others / "hard")
    Leftovers().sweep()
    assert [(others / name).read_bytes() for name in ("symbolic", "hard")] == [b"precious"] * 2


def test_what_is_young_in_a_shared_folder_may_be_another_server_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(leftovers_module, "get_upload_folder", lambda: str(tmp_path))
    young, old = tmp_path / "tmp1", tmp_path / "tmp2"
    for path in (young, old):
        path.write_bytes(b"x" * 1000)
    os.utime(old, (0, 0))
    Leftovers().sweep()
    assert young.stat().st_size == 1000
    assert not old.exists()


def test_a_server_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "/before")
    with own_upload_folder() as folder:
        assert get_upload_folder() == str(folder)
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "tmp1").write_bytes(b"half")
        Leftovers().sweep()
        assert list(folder.iterdir()) == []
    assert not folder.parent.exists()
    assert get_upload_folder() == "/before"
