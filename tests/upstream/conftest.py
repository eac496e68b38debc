"""A cache of the test's own, and a converter that copies the bundled model."""

import os
from pathlib import Path

import pytest

from sam2ov.zoo import conversion
from sam2ov.zoo.catalogue import resolve_model


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint that becomes the bundled model; the converter's runs are in its ".log"."""
    path = tmp_path / "sam2.1_hiera_tiny.pt"
    path.write_bytes(b"weights")
    monkeypatch.setenv("SAM2OV_CACHE", os.fspath(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_CONVERT", os.fspath(resolve_model("micro")))
    monkeypatch.setenv("FAKE_CONVERT_LOG", os.fspath(path.with_suffix(".log")))
    monkeypatch.setattr(conversion, "CONVERTER", "tests.fake_convert")
    return path
