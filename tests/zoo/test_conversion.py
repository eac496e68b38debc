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
from sam2ov.zoo import conversion
from sam2ov.zoo.catalogue import resolve_model
from tests.hub_server import HubServer
from tests.zoo.conftest import FILE, NAME, left_in_cache, status_of

pytestmark = pytest.mark.usefixtures("cache", "converter_log")


@pytest.mark.parametrize(("system", "switch"), [("posix", "SAM2_BUILD_CUDA=0 pip"), ("nt", "set ")])
def test_without_torch_the_error_gives_the_commands_before_any_download(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, system: str, switch: str
) -> None:
    monkeypatch.setattr(conversion, "find_spec", lambda name: None)
    monkeypatch.setattr(conversion, "_WINDOWS", system == "nt")
    with pytest.raises(ConversionError) as caught:
        resolve_model(NAME)
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert 'pip install "setuptools>=77" wheel torch==2.13.0' in lines
    [sam2] = [line for line in lines if "--no-build-isolation sam2==1.1.0 torch==2.13.0" in line]
    assert sam2.startswith(switch)
    assert hub.requests == []


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
