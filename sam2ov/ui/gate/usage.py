"""What each user takes of the server: limits over a day, and a log of who did what.

A user is an account; on a server without accounts, a client's address. Amounts are kept in memory
and forgotten at the end of the server.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from sam2ov.errors import QuotaError, ServerError
from sam2ov.locks import Rank, new_lock
from sam2ov.ui.gate.caller import Caller

Kind = Literal["upload", "tracking"]

_SLOT_SECONDS: Final = 600
_SLOTS: Final = 144
"""In a day."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UsageLimits:
    """What one user may take within a day; 0 for no limit.

    Attributes:
        upload_bytes: of clips and other files.
        tracking_seconds: of tracking.
    """

    upload_bytes: int = 0
    tracking_seconds: float = 0.0

    def of(self, kind: Kind) -> float:
        """The limit of one kind: bytes or seconds."""
        return self.upload_bytes if kind == "upload" else self.tracking_seconds


_REFUSED: Final[dict[Kind, str]] = {
    "upload": (
        "This would be more than the {limit:.3g} GB that this server takes of one user within a "
        "day. Try again later, or ask who runs it to allow more."
    ),
    "tracking": (
        "The {limit:.3g} minutes of tracking that one user has within a day are used up. What is "
        "tracked is kept. Go on later, or ask who runs this server to allow more."
    ),
}
_UNITS: Final[dict[Kind, float]] = {"upload": 1 << 30, "tracking": 60}


class Usage:
    """Counts, refuses, and writes down. Safe from any thread.

    Args:
        limits: of each user.
        log: a file to which a line is added for each action; None for no log.
        clock: seconds, which nobody sets.

    Raises:
        ServerError: the log cannot be written.
    """

    def __init__(
        self,
        limits: UsageLimits | None = None,
        log: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or UsageLimits()
        self._path = log
        self._clock = clock
        self._lock = new_lock(Rank.LEAF)
        self._spent: dict[tuple[str, Kind], dict[int, float]] = {}
        if log is not None:
            try:
                log.open("a", encoding="utf-8").close()
            except OSError as error:
                raise ServerError(
                    f"The log {log} cannot be written: {error.strerror}. Choose another place."
                ) from error

    def left(self, caller: Caller, kind: Kind) -> float:
        """How much a user may still take: bytes or seconds."""
        limit = self._limits.of(kind)
        if not limit:
            return float("inf")
        with self._lock:
            return limit - sum(self._slots(caller, kind).values())

    def require(self, caller: Caller, kind: Kind, amount: float = 0.0) -> None:
        """Refuse a user who has taken all, or would with ``amount`` more.

        Raises:
            QuotaError: so it is.
        """
        left = self.left(caller, kind)
        if left <= 0 or amount > left:
            limit = self._limits.of(kind) / _UNITS[kind]
            raise QuotaError(_REFUSED[kind].format(limit=limit))

    def spend(self, caller: Caller, kind: Kind, amount: float) -> None:
        """A user has taken so much: bytes or seconds."""
        if not self._limits.of(kind):
            return
        with self._lock:
            slots = self._slots(caller, kind)
            now = int(self._clock() // _SLOT_SECONDS)
            slots[now] = slots.get(now, 0.0) + amount
            self._spent[caller.account, kind] = slots

    def note(self, caller: Caller, action: str, **sizes: float) -> None:
        """Write down that a user has done something: when, who, from where, what, and how much.

        Never what is in it: no names of clips, no prompts, no passwords.
        """
        if self._path is None:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "user": caller.user,
            "from": caller.address,
            "action": action,
            **{name: round(size, 3) for name, size in sizes.items()},
        }
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")  # in one piece: lines do not mix
        except OSError as error:
            _log.warning("The log of who did what cannot be written: %s", error.strerror)

    def _slots(self, caller: Caller, kind: Kind) -> dict[int, float]:
        """What was taken within a day, by ten minutes. Under the lock."""
        oldest = int(self._clock() // _SLOT_SECONDS) - _SLOTS
        known = self._spent.pop((caller.account, kind), {})
        recent = {slot: amount for slot, amount in known.items() if slot > oldest}
        if recent:  # who has taken nothing of late takes no memory
            self._spent[caller.account, kind] = recent
        return recent
