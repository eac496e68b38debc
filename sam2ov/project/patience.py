"""How long something has been due to be deleted, by a clock that nobody can set.

Ages of files are told by the wall clock, which may jump by years: on a computer without a battery,
after a mistyped date, or when a virtual machine wakes up. What one look takes for too old is
therefore deleted only when all looks of a day have found it so.
"""

import json
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from sam2ov.errors import StorageError
from sam2ov.unfinished import unfinished_file

DAY_SECONDS: Final = 86_400.0


class Patience:
    """Counts for how long names have been found due at every look.

    Only time in which somebody looks counts, over as many processes as it takes: a file keeps it.
    Where two servers look at one folder, it passes twice as fast.

    Args:
        path: the file; one that is damaged or cannot be written starts the count anew.
        clock: seconds since some moment, which nobody sets.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._looked: float | None = None

    def look(self, due: Collection[str]) -> frozenset[str]:
        """Take note of what is due now; all other names start anew when they are due again.

        Returns:
            What has been due for a day.
        """
        now = self._clock()
        passed = 0.0 if self._looked is None else now - self._looked
        self._looked = now
        before = self._read()
        seconds = {name: before[name] + passed if name in before else 0.0 for name in due}
        if seconds != before:
            with suppress(StorageError), unfinished_file(self._path, _cannot_store) as unfinished:
                unfinished.write_text(json.dumps(seconds), encoding="utf-8")
        return frozenset(name for name, waited in seconds.items() if waited >= DAY_SECONDS)

    def _read(self) -> dict[str, float]:
        try:
            known = json.loads(self._path.read_bytes())
            return {str(name): float(seconds) for name, seconds in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def _cannot_store(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be written: {error.strerror}.")
