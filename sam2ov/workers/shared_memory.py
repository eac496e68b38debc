"""Memory that a worker and its owner share, for pixels.

It begins empty, before anything is known of the pictures, and grows when a reader wants room. A
system file without a name holds it (a ``memfd`` on Linux); on Windows, which hands no such thing
to a child by its number, a temporary file with a name.
"""

import mmap
import os
import sys
import tempfile
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.locks import Rank, new_lock

_GRAIN: Final = mmap.ALLOCATIONGRANULARITY

inherited_fd: int | None = None
"""In a worker: of the file that it shares with its owner."""


@dataclass(frozen=True)
class Room:
    """A piece of the memory: ``num_bytes`` from ``offset``."""

    offset: int
    num_bytes: int


@dataclass
class SharedMemory:
    """The owner's side: gives rooms and takes them back.

    Attributes:
        fd: of the file.
        name: of the file where it has one, for children that do not inherit ``fd``.
    """

    fd: int
    name: str | None = None
    _num_bytes: int = 0
    _free: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._lock = new_lock(Rank.LEAF)

    @classmethod
    def new(cls) -> "SharedMemory":
        """Empty memory; its owner closes it."""
        name = None
        if sys.platform == "linux":
            fd = os.memfd_create("sam2ov", os.MFD_CLOEXEC)
        elif sys.platform == "win32":
            fd, name = tempfile.mkstemp(prefix="sam2ov-")
        else:
            with tempfile.TemporaryFile() as file:
                fd = os.dup(file.fileno())
        return cls(fd, name)

    def take(self, num_bytes: int) -> Room:
        """A room of so many bytes, which nobody else has."""
        size = -(-max(num_bytes, 1) // _GRAIN) * _GRAIN
        with self._lock:
            if self._free[size]:
                return Room(self._free[size].pop(), num_bytes)
            offset = self._num_bytes
            self._num_bytes += size
            os.ftruncate(self.fd, self._num_bytes)
            return Room(offset, num_bytes)

    def give_back(self, room: Room) -> None:
        """Have a room given to others."""
        size = -(-max(room.num_bytes, 1) // _GRAIN) * _GRAIN
        with self._lock:
            self._free[size].append(room.offset)

    def close(self) -> None:
        """Release the file; rooms that are mapped stay until their maps go."""
        os.close(self.fd)
        if self.name is not None:
            with suppress(OSError):
                os.unlink(self.name)  # noqa: PTH108 - its counterpart is mkstemp


class MappedRoom:
    """A room as an array; of the owner or of the worker."""

    def __init__(self, fd: int, room: Room) -> None:
        self._map = mmap.mmap(fd, max(room.num_bytes, 1), offset=room.offset)
        self._num_bytes = room.num_bytes

    @classmethod
    def inherited(cls, room: Room) -> "MappedRoom":
        """A room of the memory that this process, a worker, has from its owner."""
        assert inherited_fd is not None, "only workers have it"
        return cls(inherited_fd, room)

    def read(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """A copy of what lies there: uint8 of the shape, which has as many bytes at most."""
        count = int(np.prod(shape))
        return np.frombuffer(self._map, np.uint8, count).reshape(shape).copy()

    def write(self, content: npt.NDArray[np.uint8]) -> None:
        """Put an array there."""
        if content.nbytes > self._num_bytes:
            raise ValueError(f"{content.nbytes} bytes do not fit into {self._num_bytes}")
        shared = np.frombuffer(self._map, np.uint8, content.size).reshape(content.shape)
        np.copyto(shared, content)

    def close(self) -> None:
        """Unmap it."""
        self._map.close()
