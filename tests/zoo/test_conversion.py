"""The converter in a process of its own: what it says, how it fails, how it stops."""

import threading
from pathlib import Path

import pytest

from sam2ov.errors import (
    CancelledError,
    CheckpointError,
    ConversionError,
)
from sam2ov.progress import Progress
from sam2ov.zoo.catalogue import resolve_model
from tests.zoo.conftest import FILE, NAME, left_in_cache, status_of

pytestmark = pytest.mark.usefixtures("cache", "converter_log")


def test_the_converters_own_error_keeps_its_class_and_words(
    placed: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "refuse")
    with pytest.raises(CheckpointError, match=rf"{FILE} is truncated\. Delete .*{FILE}"):
        resolve_model(NAME)
    assert left_in_cache(cache) == []


def test_a_converter_that_dies_is_reported_with_its_last_words(
    placed: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "crash")
    with pytest.raises(ConversionError, match=r"(?s)code 139 .*Segmentation fault, so to speak"):
        resolve_model(NAME)
    assert status_of(NAME) == "available"
    assert left_in_cache(cache) == []


def test_a_cancelled_conversion_leaves_nothing(
    placed: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "hang")
    started = threading.Event()

    def note(step: Progress) -> None:
        if step.stage == "Hanging":
            started.set()

    with pytest.raises(CancelledError, match="Conversion"):
        resolve_model(NAME, progress=note, cancel=started.is_set)
    assert status_of(NAME) == "available"
    assert left_in_cache(cache) == []


def test_an_unrelated_convert_folder_is_not_run(
    placed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostor = tmp_path / "elsewhere" / "tests"
    impostor.mkdir(parents=True)
    (impostor / "fake_convert.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(impostor.parent)
    assert resolve_model(NAME).is_dir()
