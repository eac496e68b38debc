"""A worker as its owner sees it: started, told what is its, called, and ended."""

import atexit
import pickle
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import IO, Any, Final, Self, TypeVar, cast

from pydantic import ValidationError

from sam2ov import errors
from sam2ov.errors import Sam2ovError
from sam2ov.locks import Rank, new_lock
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.workers.confinement import Confinement
from sam2ov.workers.environment import module_environment
from sam2ov.workers.messages import (
    BrokenPipeMessageError,
    Message,
    receive,
    returned_by,
    send,
    tells_progress,
)
from sam2ov.workers.shared_memory import SharedMemory

Returned = TypeVar("Returned")

SILENCE_SECONDS: Final = 60.0
"""How long a call may give no sign of life (``heartbeat``) before its worker is ended."""

_PRELOADED: Final = ("sam2ov.video.served",)
"""Modules that a process imports before it is needed: most workers read videos."""

_POLL_SECONDS: Final = 0.1
_EXIT_SECONDS: Final = 5.0


class WorkerLostError(Exception):
    """A worker has crashed, hung, or run out of memory; its message says which, in a few words."""


class _Process:
    """The process: started, and perhaps ready."""

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
        self.popen.kill()
        for pipe in (self.popen.stdin, self.popen.stdout):
            with suppress(OSError):
                cast(IO[bytes], pipe).close()
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(_EXIT_SECONDS)
        self.shared.close()


class _Spares:
    """Processes that were started before they are needed, where somebody asked for that."""

    def __init__(self) -> None:
        self._lock = new_lock(Rank.LEAF)
        self._wanted = 0
        self._kept: list[_Process] = []

    def keep(self, wanted: int) -> None:
        with self._lock:
            self._wanted = wanted
            surplus, self._kept = self._kept[wanted:], self._kept[:wanted]
        for process in surplus:
            process.end()
        self._fill()

    def take(self) -> _Process:
        with self._lock:
            process = self._kept.pop() if self._kept else None
            is_kept = self._wanted > 0
        if process is None or process.popen.poll() is not None:
            process = _Process()
        if is_kept:
            threading.Thread(target=self._fill, name="spare-worker", daemon=True).start()
        return process

    def _fill(self) -> None:
        while True:
            with self._lock:
                if len(self._kept) >= self._wanted:
                    return
            process = _Process()
            with self._lock:
                if len(self._kept) < self._wanted:
                    self._kept.append(process)
                    continue
            process.end()


_spares = _Spares()


def keep_spare_workers(number: int) -> None:
    """Have so many workers started ahead, so that nobody waits for one; 0 ends those that wait."""
    _spares.keep(number)


atexit.register(keep_spare_workers, 0)


class Worker:
    """A worker and its memory. Methods may be called from any thread.

    Args:
        allowed: what is its.

    Attributes:
        shared: memory for pixels.
        missing: what the system does not hold it to, see ``confinement.confine``.

    Raises:
        WorkerLostError: it cannot be started.
    """

    def __init__(self, allowed: Confinement) -> None:
        self._process = _spares.take()
        self.shared = self._process.shared
        self._numbers = count()
        self._sending = new_lock(Rank.WORKER)
        self._waiting: dict[int, queue.SimpleQueue[Message | None]] = {}
        self._lock = new_lock(Rank.LEAF)
        self._is_lost = False
        self._end = weakref.finalize(self, self._process.end)
        self._calls = cast(IO[bytes], self._process.popen.stdin)
        answers = cast(IO[bytes], self._process.popen.stdout)
        try:
            receive(answers)  # it is ready
            send(self._calls, Message({}, pickle.dumps(allowed)))
            self.missing = tuple(receive(answers).head["missing"])
        except OSError as error:
            reason = self._how_it_ended()
            self.close()
            raise WorkerLostError(f"the process that reads files {reason}") from error
        threading.Thread(
            target=_hear, args=(weakref.ref(self), answers), name="worker", daemon=True
        ).start()

    def call(
        self,
        function: Callable[..., Returned],
        *arguments: Any,
        lane: int = 0,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
        stage: str = "Reading",
        **keywords: Any,
    ) -> Returned:
        """Have a function called there.

        Args:
            function: of a module, with annotations.
            *arguments: of it; they are pickled.
            lane: calls of one lane wait for each other.
            progress: told by the function, which then takes an argument of this name.
            cancel: asked often; the worker is ended once it returns true.
            stage: what is done, for the error.
            **keywords: of the function.

        Raises:
            Sam2ovError: what the function has raised.
            WorkerLostError: it crashed, hung, or ran out of memory.
            CancelledError: ``cancel`` returned true.
        """
        heard: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        with self._lock:
            if self._is_lost:
                raise WorkerLostError("has ended")
            number = next(self._numbers)
            self._waiting[number] = heard
        head = {
            "id": number,
            "lane": lane,
            "function": f"{function.__module__}:{function.__name__}",
            "tells": tells_progress(function),
        }
        try:
            with self._sending:
                send(self._calls, Message(head, pickle.dumps((arguments, keywords))))
            answer = self._await(heard, progress, cancel, stage)
        except OSError as error:
            raise WorkerLostError(self._how_it_ended()) from error
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if answer.head["is"] == "error":
            raise _error_of(answer.head)
        try:
            return cast(Returned, returned_by(function).validate_json(answer.body))
        except ValidationError as error:
            self.close()
            raise WorkerLostError("gave an answer that makes no sense") from error

    def _await(
        self,
        heard: "queue.SimpleQueue[Message | None]",
        progress: ProgressCallback | None,
        cancel: CancelCheck | None,
        stage: str,
    ) -> Message:
        silent_since = time.monotonic()
        while True:
            try:
                raise_if_cancelled(cancel, stage)
                message = heard.get(timeout=SILENCE_SECONDS if cancel is None else _POLL_SECONDS)
            except queue.Empty:
                if time.monotonic() - silent_since >= SILENCE_SECONDS:
                    self.close()
                    raise WorkerLostError(
                        f"gave no sign of life for {SILENCE_SECONDS:.0f} seconds"
                    ) from None
                continue
            except BaseException:
                self.close()
                raise
            if message is None:
                raise WorkerLostError(self._how_it_ended())
            silent_since = time.monotonic()
            if message.head["is"] == "progress" and progress is not None:
                progress(Progress(*message.head["progress"]))
            elif message.head["is"] in {"answer", "error"}:
                return message

    def hear(self, message: Message | None) -> None:
        """Take what it has said; None for its end."""
        with self._lock:
            if message is not None:
                waiting = self._waiting.get(cast(int, message.head.get("id")))
                if waiting is not None:
                    waiting.put(message)
                return
            self._is_lost = True
            for each in self._waiting.values():
                each.put(None)

    @property
    def is_lost(self) -> bool:
        """It has ended, by itself or by ``close``."""
        with self._lock:
            return self._is_lost

    def close(self) -> None:
        """End it, whatever it does; safe to call twice."""
        self.hear(None)
        self._end()

    def _how_it_ended(self) -> str:
        try:
            code = self._process.popen.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return "does not answer"
        return f"crashed (signal {-code})" if code < 0 else f"ended with code {code}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _hear(of: "weakref.ref[Worker]", answers: IO[bytes]) -> None:
    """Hand on what a worker says, for as long as there are both."""
    while True:
        message: Message | None = None
        with suppress(BrokenPipeMessageError, OSError, ValueError):
            message = receive(answers)
        worker = of()
        if worker is None:
            return
        worker.hear(message)
        if message is None:
            return
        del worker


def _error_of(head: dict[str, Any]) -> Exception:
    """The error that a worker tells of."""
    kind, message = str(head["kind"]), str(head["message"])
    if kind == "MemoryError":
        return WorkerLostError("needs more memory than it may have")
    raised = getattr(errors, kind, None) if kind else None
    if isinstance(raised, type) and issubclass(raised, Sam2ovError):
        return raised(message)
    return WorkerLostError(f"failed ({message})")


def call_in_worker(
    function: Callable[..., Returned],
    *arguments: Any,
    allowed: Confinement,
    lost: Callable[[str], Sam2ovError],
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
    stage: str = "Reading",
    **keywords: Any,
) -> Returned:
    """Call a function in a worker of its own, which ends with the call.

    Args:
        function: of a module, with annotations.
        *arguments: of it.
        allowed: what is the worker's.
        lost: makes the error for a worker that crashed, hung or ran out of memory, of the words
            that say which.
        progress: told by the function, which then takes an argument of this name.
        cancel: asked often; the worker is ended once it returns true.
        stage: what is done, for the error.
        **keywords: of the function.

    Raises:
        Sam2ovError: what the function has raised, or ``lost`` has made.
        CancelledError: ``cancel`` returned true.
    """
    try:
        with Worker(allowed) as worker:
            return worker.call(
                function, *arguments, progress=progress, cancel=cancel, stage=stage, **keywords
            )
    except WorkerLostError as error:
        raise lost(str(error)) from error
