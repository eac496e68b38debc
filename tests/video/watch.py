"""Which files the process opens, as the kernel reports it (Linux)."""

import ctypes
import os
import struct
import sys
from pathlib import Path

import pytest

_IN_OPEN = 0x20


class OpenWatch:
    """Counts how often a file is opened while the context is active."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.count = 0

    def __enter__(self) -> "OpenWatch":
        if not sys.platform.startswith("linux"):
            pytest.skip("watching which files are opened needs inotify, which only Linux has")
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = libc.inotify_init1(os.O_NONBLOCK)
        if libc.inotify_add_watch(self._fd, os.fsencode(self._path), _IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch failed")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            events = os.read(self._fd, 65536)
        except BlockingIOError:
            events = b""
        os.close(self._fd)
        while events:
            _, _, _, name_length = struct.unpack_from("iIII", events)
            events = events[16 + name_length :]
            self.count += 1
