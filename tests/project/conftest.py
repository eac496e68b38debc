"""Projects in folders of their own."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from sam2ov.project import Project
from sam2ov.project.folder import ProjectFolder, ProjectInfo
from sam2ov.project.library import ProjectLibrary
from sam2ov.store.journal import Journal
from sam2ov.values.masks import BoolArray
from tests.click_model import HEIGHT, NUM_FRAMES, WIDTH

INFO = ProjectInfo(clip_name="square.mp4", num_frames=NUM_FRAMES, width=WIDTH, height=HEIGHT)


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def library(tmp_path: Path, clock: Clock) -> ProjectLibrary:
    return ProjectLibrary(tmp_path / "projects", keep_bytes=300_000, keep_days=14, clock=clock)


def keep(library: ProjectLibrary, clip: Path | None = None, num_bytes: int = 0) -> ProjectFolder:
    """A kept project with an empty journal and so many bytes of a clip."""
    folder = library.new_folder()
    if clip is not None:
        shutil.copyfile(clip, folder.clip)
    elif num_bytes:
        folder.clip.write_bytes(bytes(num_bytes))
    Journal(folder.journal).close()
    folder.write_info(INFO)
    return folder


def masks(project: Project, frame: int) -> BoolArray:
    return project.masks(frame, project.session.size_hw)[1] > 0


def track(project: Project) -> None:
    for _ in project.session.propagate():
        pass
