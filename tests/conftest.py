"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sam2ov.registry import BUNDLED_NAME, resolve_model
from tests.clips import Scene, make_scene

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def scene() -> Scene:
    """24 frames of 128×96 with two objects. Shared: do not write into the arrays."""
    made = make_scene(24, (96, 128), seed=7)
    made.frames.setflags(write=False)
    made.masks.setflags(write=False)
    return made


@pytest.fixture(scope="session")
def micro_model() -> Path:
    """Folder of the bundled model."""
    return resolve_model(BUNDLED_NAME)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real clips (``clips/*.mp4``, ``davis2016/…``), or skip.

    The environment variable ``SAM2OV_TEST_DATA`` names it; by default it lies beside the
    repository, as ``../shared/data``.
    """
    named = os.environ.get("SAM2OV_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real clips: {folder} is not a folder (set SAM2OV_TEST_DATA)")
    return folder
