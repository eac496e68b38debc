"""Where projects are kept: a folder each, under a name that cannot be guessed.

The name is the key: who knows it may open the project, and nobody else learns that it exists.
"""

import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sam2ov.errors import ProjectError, StorageError

PROJECTS_VARIABLE: Final = "SAM2OV_PROJECTS"
INFO_FILE: Final = "project.json"
JOURNAL_FILE: Final = "journal.sqlite"
CLIP_FILE: Final = "clip"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{24}")
_DAY_SECONDS = 86_400.0
_INCOMING_PREFIX = ".tab-"

_log = logging.getLogger(__name__)


class ProjectInfo(BaseModel):
    """What is known of a project without opening it.

    ``clip_name`` is the name that the user knows the clip by; ``is_sample`` says that it is the one
    that comes with sam2ov, of which no copy is kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    clip_name: str = Field(min_length=1, max_length=255)
    is_sample: bool = False
    num_frames: int = Field(ge=1)
    width: int = Field(ge=1)
    height: int = Field(ge=1)


@dataclass(frozen=True)
class ProjectSummary:
    """A kept project as a list shows it; ``used`` is seconds since the epoch."""

    token: str
    info: ProjectInfo
    used: float
    num_bytes: int


@dataclass(frozen=True)
class ProjectFolder:
    """The folder of one project."""

    path: Path

    @property
    def token(self) -> str:
        """Its key."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The file with everything that was done."""
        return self.path / JOURNAL_FILE

    @property
    def clip(self) -> Path:
        """The copy of the clip; not there for the sample."""
        return self.path / CLIP_FILE

    @property
    def proxies(self) -> Path:
        """For small pictures of the clip."""
        return self.path / "proxies"

    def read_info(self) -> ProjectInfo:
        """What is known of it.

        Raises:
            ProjectError: the entry is damaged or of another version.
        """
        try:
            return ProjectInfo.model_validate_json((self.path / INFO_FILE).read_bytes())
        except (OSError, ValidationError) as error:
            raise ProjectError(
                "This project cannot be opened: it is damaged, or was made by another version of "
                "sam2ov."
            ) from error

    def write_info(self, info: ProjectInfo) -> None:
        """Make the folder a project; this comes last when one is made."""
        _write_beside(self.path / INFO_FILE, info.model_dump_json(indent=1))

    def touch(self) -> None:
        """Take note that it is in use."""
        os.utime(self.path / INFO_FILE)


class ProjectLibrary:
    """The kept projects.

    Args:
        folder: where they are; None for ``SAM2OV_PROJECTS``, or the user's data folder.
        keep_bytes: what they may take together; those used longest ago go first.
        keep_days: those that were not used for so long are deleted.

    Raises:
        StorageError: the folder cannot be made.
    """

    def __init__(
        self, folder: Path | None = None, keep_bytes: int = 20 << 30, keep_days: float = 14.0
    ) -> None:
        self.folder = folder or default_projects_folder()
        self._keep_bytes = keep_bytes
        self._keep_days = keep_days
        self._lock = threading.Lock()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder for projects, {self.folder}, cannot be made: {error.strerror}. "
                f"Choose another one with {PROJECTS_VARIABLE}."
            ) from error

    def new_incoming(self) -> Path:
        """A folder for what a tab is sent, on the disk of the projects; its owner deletes it."""
        path = self.folder / f"{_INCOMING_PREFIX}{secrets.token_hex(8)}"
        path.mkdir()
        return path

    def new_folder(self) -> ProjectFolder:
        """An empty folder for a project; it is one once ``write_info`` has been called."""
        path = self.folder / secrets.token_urlsafe(18)
        path.mkdir()
        return ProjectFolder(path)

    def discard(self, folder: ProjectFolder) -> None:
        """Delete a folder that did not become a project."""
        shutil.rmtree(folder.path, ignore_errors=True)

    def find(self, token: str) -> ProjectFolder:
        """The folder of a kept project.

        Raises:
            ProjectError: there is none under this name.
        """
        path = self.folder / token
        if not _TOKEN.fullmatch(token) or not (path / INFO_FILE).is_file():
            raise ProjectError(
                "This project is no longer here: it was deleted, or its time was over "
                f"({self._keep_days:g} days without being opened)."
            )
        return ProjectFolder(path)

    def summaries(self, tokens: Collection[str]) -> list[ProjectSummary]:
        """Those of ``tokens`` that are kept here, the one used last first."""
        found = []
        for token in tokens:
            try:
                found.append(_summary(self.find(token)))
            except (ProjectError, OSError):  # gone, or just going
                continue
        return sorted(found, key=lambda summary: summary.used, reverse=True)

    def delete(self, token: str) -> None:
        """Delete a kept project; one that is not there is fine."""
        if _TOKEN.fullmatch(token):
            # The entry goes first: what is left of a deletion that was cut short is no project.
            (self.folder / token / INFO_FILE).unlink(missing_ok=True)
            shutil.rmtree(self.folder / token, ignore_errors=True)

    def sweep(self, in_use: Callable[[str], bool]) -> list[str]:
        """Delete what is too old or too much, and what a killed server left; returns the names.

        Args:
            in_use: tells whether a project is open; those stay.
        """
        with self._lock:
            now = time.time()
            kept: list[ProjectSummary] = []
            deleted: list[str] = []
            for path in self.folder.iterdir():
                if path.name.startswith(_INCOMING_PREFIX) or not (path / INFO_FILE).is_file():
                    _remove_leftover(path, now)
                elif _TOKEN.fullmatch(path.name):
                    kept.append(_summary_of_any(ProjectFolder(path)))
            room = self._keep_bytes
            for summary in sorted(kept, key=lambda summary: summary.used, reverse=True):
                room -= summary.num_bytes
                is_old = now - summary.used > self._keep_days * _DAY_SECONDS
                if (is_old or room < 0) and not in_use(summary.token):
                    self.delete(summary.token)
                    room += summary.num_bytes
                    deleted.append(summary.token)
        if deleted:
            _log.info("Deleted %d projects that were too old or too much.", len(deleted))
        return deleted

    def num_bytes(self) -> int:
        """What everything kept here takes."""
        return _size(self.folder)


def default_projects_folder() -> Path:
    """``SAM2OV_PROJECTS``, or a folder among the user's data."""
    chosen = os.environ.get(PROJECTS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return user_data_path("sam2ov", appauthor=False) / "projects"


def _summary(folder: ProjectFolder) -> ProjectSummary:
    used = (folder.path / INFO_FILE).stat().st_mtime
    return ProjectSummary(folder.token, folder.read_info(), used, _size(folder.path))


def _summary_of_any(folder: ProjectFolder) -> ProjectSummary:
    """A damaged project, too, takes space and gets old."""
    try:
        return _summary(folder)
    except ProjectError:
        info = ProjectInfo(clip_name="damaged", num_frames=1, width=1, height=1)
        used = (folder.path / INFO_FILE).stat().st_mtime
        return ProjectSummary(folder.token, info, used, _size(folder.path))


def _size(path: Path) -> int:
    total = 0
    for found in path.rglob("*"):
        try:
            total += found.stat().st_size
        except OSError:  # deleted meanwhile
            continue
    return total


def _remove_leftover(path: Path, now: float) -> None:
    """Half-made projects and tabs of a killed server; those of a running one are young."""
    if path.is_dir() and now - path.stat().st_mtime > _DAY_SECONDS:
        shutil.rmtree(path, ignore_errors=True)


def _write_beside(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(
            f"The project cannot be stored in {path.parent.parent}: {error.strerror}. Free some "
            "disk space, or choose another folder."
        ) from error
