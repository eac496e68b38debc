"""The cache: one process at a time makes a folder, which is whole or not there."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sam2ov.errors import (
    CancelledError,
    ModelError,
)
from sam2ov.manifest import read_manifest, verify_files
from sam2ov.progress import Progress
from sam2ov.zoo.cache import cache_folder, cached_folder, make_once
from sam2ov.zoo.catalogue import resolve_model
from tests.zoo.conftest import (
    NAME,
    ROOT,
    left_in_cache,
    run_count,
    status_of,
)

pytestmark = pytest.mark.usefixtures("cache", "converter_log")

# What a process of its own runs: `resolve_model` with the stand-in for the converter.
RESOLVE = f"""
import sys
from sam2ov.zoo import catalogue, conversion
conversion.CONVERTER = "tests.fake_convert"
print(catalogue.resolve_model({NAME!r}))
"""


def test_the_cache_folder_is_the_variables(cache: Path) -> None:
    assert cache_folder() == cache


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is of Linux and the BSDs")
def test_without_the_variable_the_cache_folder_is_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SAM2OV_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "sam2ov"


def test_a_cache_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_bytes(b"")
    monkeypatch.setenv("SAM2OV_CACHE", os.fspath(tmp_path / "a-file"))
    with pytest.raises(ModelError, match=r"a-file.*SAM2OV_CACHE"):
        resolve_model(NAME)


def test_a_full_disk_is_told_as_such_and_leaves_nothing(cache: Path) -> None:
    def fill_the_disk(out: Path) -> None:
        (out / "half-written.bin").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ModelError, match=r"No space left.*SAM2OV_CACHE"):
        make_once("made", fill_the_disk, None, None)
    assert list((cache / "models").iterdir()) == []


def test_a_damaged_cached_model_is_converted_again(
    placed: Path, converter_log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = resolve_model(NAME)
    (folder / "weights.bin").write_text("bit rot")
    assert resolve_model(NAME) == folder
    verify_files(folder, read_manifest(folder))
    assert run_count(converter_log) == 2
    assert "weights.bin is damaged" in caplog.text


def _start_resolving(behaviour: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RESOLVE],
        cwd=ROOT,
        env=os.environ | {"FAKE_CONVERT": behaviour},
        stdout=subprocess.PIPE,
        text=True,
    )


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until ``condition`` holds; the process ending first, or the test's time limit, fail."""
    while not condition():
        assert process.poll() is None
        time.sleep(0.02)


def test_two_processes_convert_a_model_once(placed: Path, converter_log: Path) -> None:
    processes = [_start_resolving("slow") for _ in range(2)]
    answers = {process.communicate()[0].strip() for process in processes}
    assert answers == {os.fspath(cached_folder(NAME))}
    assert [process.returncode for process in processes] == [0, 0]
    assert run_count(converter_log) == 1


def test_waiting_for_another_process_is_told_and_can_be_cancelled(
    placed: Path, cache: Path
) -> None:
    other = _start_resolving("hang")
    try:
        _wait_for(lambda: any(cache.glob("models/.*/*/half-written.bin")), other)
        seen: list[Progress] = []
        with pytest.raises(CancelledError, match=f"Waiting for {NAME}"):
            resolve_model(NAME, progress=seen.append, cancel=lambda: bool(seen))
        assert "another process" in seen[0].stage
    finally:
        other.kill()
        other.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_killed_in_the_middle_leaves_no_folder_that_counts(
    placed: Path, cache: Path, converter_log: Path
) -> None:
    process = _start_resolving("hang")
    _wait_for(lambda: any(cache.glob("models/.*/*/half-written.bin")), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert status_of(NAME) == "available"
    assert len(left_in_cache(cache)) == 1

    folder = resolve_model(NAME)
    verify_files(folder, read_manifest(folder))
    assert run_count(converter_log) == 2
    assert left_in_cache(cache) == []
