"""The processes of workers: started when they are needed, or before."""

import atexit
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Final, cast

from sam2ov.locks import Rank, new_lock
from sam2ov.workers.environment import module_environment
from sam2ov.workers.shared_memory import SharedMemory

EXIT_SECONDS: Final = 5.0

_PRELOADED: Final = ("sam2ov.video.served",)
"""Modules that a process imports before it is needed: most workers read videos."""


class Process:
    """The process of a worker: started, and perhaps ready."""

    def __init__(self) -> None:
        self.shared = SharedMemory.new()
        how = (
            ["--shared-fd", str(self.shared.fd)]
            if self.shared.name is None
            else ["--shared-file", self.shared.name]
        )
        self.popen = subprocess.Popen(
            [sys.executable, "-P", "-m", "sam2ov.workers.main", *_PRELOADED, *how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=module_environment()
            | {
                # Threads that are there before the process is confined would not be.
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
            },
            pass_fds=() if self.shared.name else (self.shared.fd,),
        )

    def end(self) -> None:
        """End it, whatever it does, and release what it had."""
        self.popen.kill()
        for pipe in (self.popen.stdin, self.popen.stdout):
            with suppress(OSError):
                cast(IO[bytes], pipe).close()
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(EXIT_SECONDS)
        self.shared.close()


class _Spares:
    """Processes that were started before they are needed, where somebody asked for that."""

    def __init__(self) -> None:
        self._lock = new_lock(Rank.LEAF)
        self._wanted = 0
        self._kept: list[Process] = []

    def keep(self, wanted: int) -> None:
        with self._lock:
            self._wanted = wanted
            surplus, self._kept = self._kept[wanted:], self._kept[:wanted]
        for process in surplus:
            process.end()
        self._fill()

    def take(self) -> Process:
        with self._lock:
            process = self._kept.pop() if self._kept else None
            is_kept = self._wanted > 0
        if process is not None and process.popen.poll() is not None:
            process.end()
            process = None
        if process is None:
            process = Process()
        if is_kept:
            threading.Thread(target=self._fill, name="spare-worker", daemon=True).start()
        return process

    def _fill(self) -> None:
        while True:
            with self._lock:
                if len(self._kept) >= self._wanted:
                    return
            process = Process()
            with self._lock:
                if len(self._kept) < self._wanted:
                    self._kept.append(process)
                    continue
            process.end()


_spares = _Spares()


def take_process() -> Process:
    """A process that nobody has."""
    return _spares.take()


def keep_spare_workers(number: int) -> None:
    """Have so many workers started ahead, so that nobody waits for one; 0 ends those that wait."""
    _spares.keep(number)


atexit.register(keep_spare_workers, 0)
