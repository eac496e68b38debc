"""A folder of projects for each user: nobody sees or opens another's."""

import hashlib
import re
from typing import Final

from sam2ov.locks import Rank, new_lock
from sam2ov.project.library import ProjectLibrary

_USERS: Final = "users"


class Libraries:
    """The libraries of all users, below that of a server without accounts.

    Args:
        common: of who has no account.
    """

    def __init__(self, common: ProjectLibrary) -> None:
        self._common = common
        self._lock = new_lock(Rank.LEAF)
        self._by_folder: dict[str, ProjectLibrary] = {}

    def of(self, user: str) -> ProjectLibrary:
        """Somebody's library; "" has the common one.

        Raises:
            StorageError: its folder cannot be made.
        """
        if not user:
            return self._common
        return self._in(_folder_of(user))

    def all(self) -> list[ProjectLibrary]:
        """All of them, also of who has not been here since the server was started."""
        places = sorted((self._common.folder / _USERS).glob("*-????????????????"))
        own = [path.name for path in places if path.is_dir() and not path.is_symlink()]
        return [self._common, *map(self._in, own)]

    def _in(self, folder: str) -> ProjectLibrary:
        with self._lock:
            known = self._by_folder.get(folder)
        if known is not None:
            return known
        made = self._common.beside(f"{_USERS}/{folder}")
        with self._lock:
            return self._by_folder.setdefault(folder, made)


def _folder_of(user: str) -> str:
    """Different for all names, on disks too that do not tell "a" from "A"."""
    plain = re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-")[:40]
    return f"{plain}-{hashlib.sha256(user.encode()).hexdigest()[:16]}"
