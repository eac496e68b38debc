"""Memory that a worker and its owner share, for pixels.

It begins empty, before anything is known of the pictures, and grows when a reader wants room. A
system file without a name holds it (a ``memfd`` on Linux); on Windows, which hands no such thing
to a child by its number, a temporary file with a name.

The owner's arrays lie in it, nothing is copied; a room is for the next picture once nobody has the
last one any more. A worker that was taken over may change a picture that was seen already, which
is as good as showing another one from the start.
"""

import mmap
import os
import sys
import tempfile
import weakref
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.locks import Rank, new_lock

_GRAIN: Final = mmap.ALLOCATIONGRANULARITY
_READY: Final = 4
_READY_BYTES: Final = 24 << 20
"""So many free rooms of a size, or so much of them, keep their memory; of others it is given back
to the system."""

inherited_fd: int | None = None
"""In a worker: of the file that it shares with its owner."""


@dataclass(frozen=True)
class Room:
    """A piece of the memory: ``num_bytes`` from ``offset``."""

    offset: int
    num_bytes: int


class MappedRoom:
    """A room that this process can read and write."""

    def __init__(self, fd: int, room: Room) -> None:
        self.room = room
        self.map = mmap.mmap(fd, max(room.num_bytes, 1), offset=room.offset)

    def write(self, content: npt.NDArray[np.uint8]) -> None:
        """Put an array there."""
        if content.nbytes > self.room.num_bytes:
            raise ValueError(f"{content.nbytes} bytes do not fit into {self.room.num_bytes}")
        shared = np.frombuffer(self.map, np.uint8, content.size).reshape(content.shape)
        np.copyto(shared, content)


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
    _is_closed: bool = False
    _free: dict[int, deque[MappedRoom]] = field(default_factory=lambda: defaultdict(deque))

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

    def take(self, num_bytes: int) -> MappedRoom:
        """A room of so many bytes, which nobody else has.

        Once the memory is closed it is shared with nobody; the worker has ended then.
        """
        with suppress(IndexError):
            return self._free[num_bytes].pop()
        with self._lock:
            if self._is_closed:
                return MappedRoom(-1, Room(0, num_bytes))
            offset = self._num_bytes
            self._num_bytes += -(-max(num_bytes, 1) // _GRAIN) * _GRAIN
            os.ftruncate(self.fd, self._num_bytes)
            return MappedRoom(self.fd, Room(offset, num_bytes))

    def give_back(self, mapped: MappedRoom) -> None:
        """Have a room given to others. Takes no lock: the collector of garbage calls it, too."""
        free = self._free[mapped.room.num_bytes]
        most = max(_READY, _READY_BYTES // max(mapped.room.num_bytes, 1))
        if len(free) < most or sys.platform != "linux":
            free.append(mapped)
            return
        mapped.map.madvise(mmap.MADV_REMOVE)
        free.appendleft(mapped)  # taken last

    def array(self, mapped: MappedRoom, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """What lies in a room, read-only: uint8 of the shape, which has as many bytes at most.

        The room is given back when nobody has the array, or a part of it, any more.
        """
        whole = np.frombuffer(mapped.map, np.uint8, int(np.prod(shape)))
        whole.setflags(write=False)
        weakref.finalize(whole, self.give_back, mapped).atexit = False
        return whole.reshape(shape)

    def close(self) -> None:
        """Release the file; rooms that are mapped stay until their maps go."""
        with self._lock:
            self._is_closed = True
            self._free.clear()
            os.close(self.fd)
        if self.name is not None:
            with suppress(OSError):
                os.unlink(self.name)  # noqa: PTH108 - its counterpart is mkstemp


_inherited: dict[Room, MappedRoom] = {}


def inherited_room(room: Room) -> MappedRoom:
    """A room of the memory that this process, a worker, has from its owner."""
    assert inherited_fd is not None, "only workers have it"
    if room not in _inherited:
        _inherited[room] = MappedRoom(inherited_fd, room)
    return _inherited[room]
