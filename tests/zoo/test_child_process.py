"""Modules in processes of their own: what they leave behind goes with them."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from sam2ov.zoo.child_process import running_module


def test_temporary_files_of_one_that_is_stopped_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, modules = tmp_path / "temporary", tmp_path / "modules"
    temporary.mkdir()
    modules.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(temporary))
    monkeypatch.setenv("PYTHONPATH", os.fspath(modules))
    (modules / "litterer.py").write_text(
        "import tempfile, time\nprint(tempfile.mkdtemp(), flush=True)\ntime.sleep(600)\n"
    )
    with (
        (tmp_path / "log").open("w") as log,
        suppress(KeyboardInterrupt),
        running_module("litterer", [], log) as process,
    ):
        assert process.stdout is not None
        made = Path(process.stdout.readline().strip())
        assert made.is_dir()
        assert made.is_relative_to(temporary)
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []
