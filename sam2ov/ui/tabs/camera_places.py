"""How many cameras are followed at once on this server."""

from sam2ov.errors import ServerFullError
from sam2ov.locks import Rank, new_lock


class CameraPlaces:
    """Gives out places for cameras. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = new_lock(Rank.LEAF)
        self._taken = 0

    def is_full(self, most: int) -> bool:
        """Whether ``most`` places are taken."""
        with self._lock:
            return self._taken >= most

    def take(self, most: int) -> None:
        """Take one of ``most`` places; whoever does so gives it back once.

        Raises:
            ServerFullError: all are taken.
        """
        with self._lock:
            if self._taken < most:
                self._taken += 1
                return
        raise ServerFullError(
            f"{most} cameras are in use, as many as this server follows at once. Try again when "
            "one is free."
        )

    def give_back(self) -> None:
        """A place that was taken is free again."""
        with self._lock:
            self._taken -= 1
