"""Where projects are kept: a folder each, under a name that cannot be guessed.

The name is the key: who knows it may open the project, and nobody else learns that it exists.
"""

import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sam2ov.errors import ProjectError, StorageError
from sam2ov.locks import Rank, new_lock
from sam2ov.store.database import is_in_use
from sam2ov.unfinished import unfinished_file

PROJECTS_VARIABLE: Final = "SAM2OV_PROJECTS"
INFO_FILE: Final = "project.json"
JOURNAL_FILE: Final = "journal.sqlite"
CLIP_FILE: Final = "clip"
THUMBNAIL_FILE: Final = "thumbnail.jpg"
PROXIES_FOLDER: Final = "proxies"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{24}")
_INCOMING = re.compile(r"\.tab-[0-9a-f]{16}")
_OURS = re.compile(
    rf"{re.escape(INFO_FILE)}|\.{re.escape(INFO_FILE)}\.\w+|{re.escape(JOURNAL_FILE)}(-\w+)?"
    rf"|{CLIP_FILE}|{re.escape(THUMBNAIL_FILE)}|{PROXIES_FOLDER}"
)
_DAY_SECONDS = 86_400.0

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
    """A kept project as a list shows it.

    Attributes:
        token: its key.
        info: what is known of it.
        used: when it was opened or left last, seconds since the epoch.
        num_bytes: what it takes on the disk.
        clip_bytes: of these the clip.
        journal_bytes: of these what was done: prompts, masks, history.
    """

    token: str
    info: ProjectInfo
    used: float
    num_bytes: int
    clip_bytes: int
    journal_bytes: int


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
    def thumbnail(self) -> Path:
        """A small picture of the clip, for lists; may be missing."""
        return self.path / THUMBNAIL_FILE

    @property
    def proxies(self) -> Path:
        """For small pictures of the clip."""
        return self.path / PROXIES_FOLDER

    @property
    def is_in_use(self) -> bool:
        """Whether it is open somewhere, perhaps in another server on the same folder."""
        return is_in_use(self.journal)

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
        with unfinished_file(self.path / INFO_FILE, _cannot_store) as unfinished:
            unfinished.write_text(info.model_dump_json(indent=1), encoding="utf-8")

    def touch(self) -> None:
        """Take note that it is in use; one that was deleted meanwhile is fine."""
        with suppress(FileNotFoundError):
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
        self._lock = new_lock(Rank.LEAF)
        self._incoming: set[Path] = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder for projects, {self.folder}, cannot be made: {error.strerror}. "
                f"Choose another one with {PROJECTS_VARIABLE}."
            ) from error

    def new_incoming(self) -> Path:
        """A folder for what a tab is sent, on the disk of the projects; its owner deletes it."""
        path = self.folder / f".tab-{secrets.token_hex(8)}"
        _make(path)
        with self._lock:
            self._incoming.add(path)
        return path

    def new_folder(self) -> ProjectFolder:
        """An empty folder for a project; it is one once ``write_info`` has been called."""
        token = secrets.token_urlsafe(18)
        while token[0] == "-":  # the command line would take it for an option
            token = secrets.token_urlsafe(18)
        path = self.folder / token
        _make(path)
        return ProjectFolder(path)

    def new_home(self) -> ProjectFolder:
        """A folder for a project whose own has been deleted, perhaps with all others.

        Raises:
            StorageError: it cannot be made.
        """
        with suppress(OSError):  # said in a moment
            self.folder.mkdir(parents=True, exist_ok=True)
        return self.new_folder()

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

    def sweep(self, in_use: Callable[[str], bool] = lambda _: False) -> list[str]:
        """Delete what is too old or too much, and what a killed server left; returns the names.

        Nothing that is not ours is touched, wherever the folder is. No lock is held meanwhile: two
        sweeps at once find the same, as those of two servers on one folder do.

        Args:
            in_use: tells whether this process uses a project; those stay, as do those that are open
                in another one.
        """
        now = time.time()
        self._hold_incoming()
        kept: list[ProjectSummary] = []
        deleted: list[str] = []
        for path in _entries(self.folder):
            if _is_leftover(path, now):
                shutil.rmtree(path, ignore_errors=True)
            elif _is_ours(path):
                with suppress(OSError):  # just deleted by another server
                    kept.append(_summary_of_any(ProjectFolder(path)))
        room = self._keep_bytes
        for summary in sorted(kept, key=lambda summary: summary.used, reverse=True):
            room -= summary.num_bytes
            is_old = now - summary.used > self._keep_days * _DAY_SECONDS
            if not (is_old or room < 0) or in_use(summary.token):
                continue
            if not ProjectFolder(self.folder / summary.token).is_in_use:
                self.delete(summary.token)
                room += summary.num_bytes
                deleted.append(summary.token)
        if deleted:
            _log.info("Deleted %d projects that were too old or too much.", len(deleted))
        return deleted

    def num_bytes(self) -> int:
        """What everything kept here takes."""
        return _size(self.folder)

    def _hold_incoming(self) -> None:
        """Keep the folders of our tabs young, so that nobody takes them for leftovers."""
        with self._lock:
            ours = list(self._incoming)
        for path in ours:
            try:
                os.utime(path)
            except FileNotFoundError:
                with self._lock:
                    self._incoming.discard(path)


def default_projects_folder() -> Path:
    """``SAM2OV_PROJECTS``, or a folder among the user's data."""
    chosen = os.environ.get(PROJECTS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return user_data_path("sam2ov", appauthor=False) / "projects"


def _summary(folder: ProjectFolder) -> ProjectSummary:
    return _summary_with(folder, folder.read_info())


def _summary_of_any(folder: ProjectFolder) -> ProjectSummary:
    """A damaged project, too, takes space and gets old."""
    try:
        return _summary(folder)
    except ProjectError:
        info = ProjectInfo(clip_name="damaged", num_frames=1, width=1, height=1)
        return _summary_with(folder, info)


def _summary_with(folder: ProjectFolder, info: ProjectInfo) -> ProjectSummary:
    journal = sum(_size_of(path) for path in folder.path.glob(f"{JOURNAL_FILE}*"))
    return ProjectSummary(
        token=folder.token,
        info=info,
        used=(folder.path / INFO_FILE).stat().st_mtime,
        num_bytes=_size(folder.path),
        clip_bytes=_size_of(folder.clip),
        journal_bytes=journal,
    )


def _size(path: Path) -> int:
    """Of all files below ``path``; what is deleted meanwhile counts nothing."""
    return sum(
        _size_of(Path(folder) / name) for folder, _, names in os.walk(path) for name in names
    )


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _is_ours(path: Path) -> bool:
    """Whether a folder holds a project, or one in the making, and nothing else."""
    if not _TOKEN.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
        return False
    return all(_OURS.fullmatch(entry.name) for entry in _entries(path))


def _is_leftover(path: Path, now: float) -> bool:
    """Half-made projects and tabs of a killed server; those of a running one are young."""
    is_tab = _INCOMING.fullmatch(path.name) and path.is_dir()
    is_half = _is_ours(path) and not (path / INFO_FILE).is_file()
    try:
        return bool(is_tab or is_half) and now - path.stat().st_mtime > _DAY_SECONDS
    except FileNotFoundError:
        return False


def _make(path: Path) -> None:
    try:
        path.mkdir()
    except OSError as error:
        raise StorageError(
            f"Nothing can be stored in {path.parent}: {error.strerror}. Whoever runs this server "
            f"has to free some disk space, or choose another folder with {PROJECTS_VARIABLE}."
        ) from error


def _cannot_store(path: Path, error: OSError) -> StorageError:
    """The error for a file of a project, whose folder's name is a secret."""
    return StorageError(
        f"The project cannot be stored in {path.parent.parent}: {error.strerror}. Free some "
        "disk space, or choose another folder."
    )
