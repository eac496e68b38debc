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
from typing import Final

from platformdirs import user_data_path

from sam2ov.errors import ProjectError, StorageError
from sam2ov.locks import Rank, new_lock
from sam2ov.project.folder import INFO_FILE, JOURNAL_FILE, ProjectFolder, ProjectInfo, is_known
from sam2ov.project.patience import DAY_SECONDS, Patience

PROJECTS_VARIABLE: Final = "SAM2OV_PROJECTS"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{24}")
_INCOMING = re.compile(r"\.tab-[0-9a-f]{16}")
_TRASH = ".trash"
_PATIENCE_FILE = ".due.json"

_log = logging.getLogger(__name__)


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


class ProjectLibrary:
    """The kept projects.

    Args:
        folder: where they are; None for ``SAM2OV_PROJECTS``, or the user's data folder.
        keep_bytes: what they may take together; those used longest ago go first.
        keep_days: those that were not used for so long are deleted.
        clock: seconds since some moment, which nobody sets.

    What is deleted because of its age or size, not because somebody wants that, lies in a trash
    for a day first, of which it comes back when it is opened.

    Raises:
        StorageError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path | None = None,
        keep_bytes: int = 20 << 30,
        keep_days: float = 14.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder or default_projects_folder()
        self._keep_bytes = keep_bytes
        self._keep_days = keep_days
        self._clock = clock
        self._trash = self.folder / _TRASH
        self._patience = Patience(self.folder / _PATIENCE_FILE, clock)
        self._lock = new_lock(Rank.LEAF)
        self._incoming: set[Path] = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder for projects, {self.folder}, cannot be made: {error.strerror}. "
                f"Choose another one with {PROJECTS_VARIABLE}."
            ) from error

    def beside(self, name: str) -> "ProjectLibrary":
        """A library in a folder below this one's, with the same budgets of its own."""
        return ProjectLibrary(self.folder / name, self._keep_bytes, self._keep_days, self._clock)

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

    def new_home(self, token: str | None = None) -> ProjectFolder:
        """A folder for a project whose own has been deleted, perhaps with all others.

        Args:
            token: of the project, to be kept where its folder has gone as a whole; None for
                another.

        Raises:
            StorageError: it cannot be made.
        """
        with suppress(OSError):  # said in a moment
            self.folder.mkdir(parents=True, exist_ok=True)
        if token is not None and not (self.folder / token).exists():
            _make(self.folder / token)
            return ProjectFolder(self.folder / token)
        return self.new_folder()

    def discard(self, folder: ProjectFolder) -> None:
        """Delete a folder that did not become a project."""
        shutil.rmtree(folder.path, ignore_errors=True)

    def find(self, token: str) -> ProjectFolder:
        """The folder of a kept project, or of one in the trash.

        Raises:
            ProjectError: there is none under this name.
        """
        for path in (self.folder / token, self._trash / token):
            if _TOKEN.fullmatch(token) and (path / INFO_FILE).is_file():
                return ProjectFolder(path)
        raise ProjectError(
            "This project is no longer here: it was deleted, or its time was over "
            f"({self._keep_days:g} days without being opened)."
        )

    def reopen(self, token: str) -> ProjectFolder:
        """As ``find``, for who uses the project now: it is taken out of the trash."""
        folder = self.find(token)
        if folder.path.parent == self._trash:
            folder = ProjectFolder(folder.path.rename(self.folder / token))
        folder.touch()
        return folder

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
        """Delete a kept project for good; one that is not there is fine."""
        if _TOKEN.fullmatch(token):
            for place in (self.folder, self._trash):
                # The entry goes first: what is left of a deletion that was cut short is no project.
                (place / token / INFO_FILE).unlink(missing_ok=True)
                shutil.rmtree(place / token, ignore_errors=True)

    def sweep(self, in_use: Callable[[str], bool] = lambda _: False) -> list[str]:
        """Put away what is too old or too much, and delete what was put away or left for long.

        What is too old counts as that once all sweeps of a day have found it so (``Patience``).
        What is too much is put away at once; the trash holds no more than may be kept.
        Nothing that is not ours is touched, wherever the folder is. No lock is held meanwhile: two
        sweeps at once find the same, as those of two servers on one folder do.

        Args:
            in_use: tells whether this process uses a project; those stay, as do those that are open
                in another one.

        Returns:
            The names of the projects that were put away.
        """
        now = time.time()
        self._hold_incoming()
        left = {path.name: path for path in _entries(self.folder) if _is_leftover(path, now)}
        kept, trashed = _projects_in(self.folder), _projects_in(self._trash)
        old = {
            summary.token
            for summary in kept
            if now - summary.used > self._keep_days * DAY_SECONDS and not in_use(summary.token)
        }
        in_trash = {f"{_TRASH}/{summary.token}" for summary in trashed}
        over = self._patience.look({*left, *old, *in_trash})
        for name in left.keys() & over:
            shutil.rmtree(left[name], ignore_errors=True)
        room = self._keep_bytes
        for summary in trashed:
            room -= summary.num_bytes
            if f"{_TRASH}/{summary.token}" in over or room < 0:
                shutil.rmtree(self._trash / summary.token, ignore_errors=True)
        room, put_away = self._keep_bytes, []
        for summary in kept:
            room -= summary.num_bytes
            is_due = summary.token in old & over or (room < 0 and not in_use(summary.token))
            if is_due and self._put_away(summary.token):
                room += summary.num_bytes
                put_away.append(summary.token)
        if put_away:
            _log.info("Put %d projects away that were too old or too much.", len(put_away))
        return put_away

    def _put_away(self, token: str) -> bool:
        """Move a project to the trash, unless another server has it open."""
        if ProjectFolder(self.folder / token).is_in_use:
            return False
        try:
            self._trash.mkdir(exist_ok=True)
            (self.folder / token).rename(self._trash / token)
        except OSError as error:  # another server was quicker
            _log.warning("A project cannot be put away: %s", error.strerror)
            return False
        return True

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


def _projects_in(place: Path) -> list[ProjectSummary]:
    """The projects in a folder, damaged ones too, the one used last first."""
    found = []
    for path in _entries(place):
        if _is_ours(path) and (path / INFO_FILE).is_file():
            with suppress(OSError):  # just deleted by another server
                found.append(_summary_of_any(ProjectFolder(path)))
    return sorted(found, key=lambda summary: summary.used, reverse=True)


def _is_ours(path: Path) -> bool:
    """Whether a folder holds a project, or one in the making, and nothing else."""
    if not _TOKEN.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
        return False
    return all(is_known(entry.name) for entry in _entries(path))


def _is_leftover(path: Path, now: float) -> bool:
    """Half-made projects and tabs of a killed server; those of a running one are young."""
    is_tab = _INCOMING.fullmatch(path.name) and path.is_dir()
    is_half = _is_ours(path) and not (path / INFO_FILE).is_file()
    try:
        return bool(is_tab or is_half) and now - path.stat().st_mtime > DAY_SECONDS
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
