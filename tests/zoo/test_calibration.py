"""``calibration.json``: what is read of it, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest

from sam2ov.errors import ModelFolderError
from sam2ov.manifest import Manifest, read_manifest
from sam2ov.zoo.calibration import CALIBRATION_FILE, Calibration, Curve, read_calibration
from sam2ov.zoo.catalogue import resolve_model


@pytest.fixture(scope="module")
def bundled() -> Path:
    return resolve_model("micro")


@pytest.fixture
def folder(bundled: Path, tmp_path: Path) -> Path:
    """The bundled model without a calibration."""
    shutil.copytree(bundled, tmp_path / "model", ignore=shutil.ignore_patterns(CALIBRATION_FILE))
    return tmp_path / "model"


@pytest.fixture
def manifest(folder: Path) -> Manifest:
    return read_manifest(folder)


def calibration(manifest: Manifest) -> Calibration:
    return Calibration(
        weights_sha256=manifest.weights_file.sha256,
        present=Curve(bias=1, weights={"iou": 0.5}),
        absent=Curve(bias=0, weights={"score": -1}),
        frames=10,
    )


def test_it_is_optional(folder: Path, manifest: Manifest) -> None:
    assert read_calibration(folder, manifest) is None


def test_it_comes_back_as_written(folder: Path, manifest: Manifest) -> None:
    written = calibration(manifest)
    (folder / CALIBRATION_FILE).write_text(written.model_dump_json())
    assert read_calibration(folder, manifest) == written


@pytest.mark.parametrize(
    "change",
    [
        {"format_version": 2},
        {"frames": 0},
        {"present": {"bias": 0, "weights": {"wishes": 1}}},
        {"present": {"bias": 0, "weights": {}}},
        {"absent": {"bias": 1e9, "weights": {"score": 1}}},
        {"more": 1},
    ],
)
def test_what_is_malformed_is_refused(
    folder: Path, manifest: Manifest, change: dict[str, object]
) -> None:
    content = json.loads(calibration(manifest).model_dump_json()) | change
    (folder / CALIBRATION_FILE).write_text(json.dumps(content))
    with pytest.raises(ModelFolderError, match=r"no calibration .*Delete it, or make it anew"):
        read_calibration(folder, manifest)


def test_a_long_file_is_not_read_to_its_end(folder: Path, manifest: Manifest) -> None:
    text = calibration(manifest).model_dump_json()
    (folder / CALIBRATION_FILE).write_text(text.replace("{", "{" + " " * (1 << 17), 1))
    with pytest.raises(ModelFolderError, match="no calibration"):
        read_calibration(folder, manifest)


def test_that_of_other_weights_is_refused(folder: Path, manifest: Manifest) -> None:
    other = calibration(manifest).model_copy(update={"weights_sha256": "0" * 64})
    (folder / CALIBRATION_FILE).write_text(other.model_dump_json())
    with pytest.raises(ModelFolderError, match="of other weights than those of micro"):
        read_calibration(folder, manifest)


def test_that_of_the_bundled_model_is_of_its_weights(bundled: Path) -> None:
    found = read_calibration(bundled, read_manifest(bundled))
    if found is not None:  # made anew with the weights, and until then taken away with them
        assert found.present.weights["iou"] > 0
        assert {each.name for each in found.tested} >= {"drawn"}
