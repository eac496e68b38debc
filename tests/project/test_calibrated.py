"""Which calibration goes with results."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sam2ov.manifest import read_manifest
from sam2ov.project.calibrated import calibration_of
from sam2ov.project.documents import ModelDocument
from sam2ov.zoo.cache import CACHE_VARIABLE
from sam2ov.zoo.calibration import CALIBRATION_FILE, Calibration, Curve, read_calibration
from sam2ov.zoo.catalogue import add_model, resolve_model
from sam2ov.zoo.own import own_folder

MICRO = resolve_model("micro")


@pytest.fixture(autouse=True)
def forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    calibration_of.cache_clear()
    yield
    calibration_of.cache_clear()


def document(name: str, folder: Path = MICRO) -> ModelDocument:
    return ModelDocument.of(name, "CPU", "quality", "upstream", read_manifest(folder))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A copy of the bundled model, kept as "mine", with a calibration."""
    copy = tmp_path / "copy"
    shutil.copytree(MICRO, copy)
    made = Calibration(
        weights_sha256=read_manifest(MICRO).weights_file.sha256,
        present=Curve(bias=1, weights={"iou": 0.5}),
        absent=Curve(bias=0, weights={"score": -1}),
        frames=10,
    )
    (copy / CALIBRATION_FILE).write_text(made.model_dump_json())
    add_model(copy, "mine")
    return own_folder("mine")


def test_it_goes_along_with_a_model_under_another_name(mine: Path) -> None:
    manifest = read_manifest(mine)
    found = calibration_of(document("mine", mine))
    assert found is not None
    assert found == read_calibration(mine, manifest)
    fast = ModelDocument.of("mine", "CPU", "fast", "upstream", manifest.at(256))
    assert calibration_of(fast) == found, "whatever the preset"


def test_that_of_the_bundled_model() -> None:
    assert calibration_of(document("micro")) == read_calibration(MICRO, read_manifest(MICRO))


def test_none_of_what_is_not_here_under_a_name() -> None:
    for name in ("sam2.1-hiera-tiny", str(MICRO), "nobody"):
        assert calibration_of(document(name)) is None


def test_none_of_other_weights(mine: Path) -> None:
    other = document("mine", mine).model_copy(update={"weights": "0" * 64})
    assert calibration_of(other) is None


def test_a_damaged_one_is_logged_and_counts_as_none(
    mine: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (mine / CALIBRATION_FILE).write_text("{}")
    with caplog.at_level(logging.WARNING):
        assert calibration_of(document("mine", mine)) is None
    assert "no calibration" in caplog.text
