"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from sam2ov import locks
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.project import Project
from sam2ov.store.journal import Journal
from sam2ov.video import open_video
from sam2ov.zoo.catalogue import BUNDLED_NAME, resolve_model
from tests.click_model import MODEL, ClickModel, write_square_clip
from tests.clips import Scene, make_scene

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def locks_in_order() -> Iterator[None]:
    """Every test fails in which a thread takes locks in an order that may end in a deadlock."""
    assert locks.IS_CHECKED, "tests/__init__.py has come too late"
    yield
    found = [*locks.inversions]
    locks.inversions.clear()
    assert not found, "\n".join(found)


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


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_square_clip(tmp_path_factory.mktemp("square"))


@pytest.fixture
def model() -> ClickModel:
    return ClickModel()


@pytest.fixture
def tracker(model: ClickModel) -> Tracker:
    return Tracker(cast(SAM2Model, model))


@pytest.fixture
def project(tracker: Tracker, clip_file: Path, tmp_path: Path) -> Iterator[Project]:
    with (
        Journal(tmp_path / "journal.sqlite") as journal,
        VideoSession(tracker, open_video(clip_file), journal) as session,
    ):
        yield Project(session, journal, MODEL)
