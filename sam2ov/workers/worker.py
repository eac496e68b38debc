"""A worker as its owner sees it: started, told what is its, called, and ended."""

import pickle
import queue
import subprocess
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import IO, Any, Final, Generic, Self, TypeVar, cast

from pydantic import ValidationError

from sam2ov import errors
from sam2ov.errors import Sam2ovError
from sam2ov.locks import Rank, new_lock
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.workers.confinement import Confinement
from sam2ov.workers.messages import (
    BrokenPipeMessageError,
    Message,
    is_sound,
    receive,
    returned_by,
    send,
    tells_progress,
)
from sam2ov.workers.process import EXIT_SECONDS, take_process

Returned = TypeVar("Returned")

SILENCE_SECONDS: Final = 60.0
"""How long a lane may give no sign of life (``heartbeat``) before its worker is ended."""

_POLL_SECONDS: Final = 0.1


class WorkerLostError(Exception):
    """A worker has crashed, hung, or run out of memory; its message says which, in a few words."""


class WorkerSilentError(WorkerLostError):
    """A worker was ended because it hung."""


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
        self._process = take_process()
        self.shared = self._process.shared
        self._numbers = count()
        self._sending = new_lock(Rank.WORKER)
        self._waiting: dict[int, queue.SimpleQueue[Message | None]] = {}
        self._lane_of: dict[int, int] = {}  # of calls, dropped ones too, that were not answered
        self._signs: dict[int, float] = {}  # by lane: when it said something last
        self._lock = new_lock(Rank.LEAF)
        self._is_lost = False
        self._why: str | None = None
        self._end = weakref.finalize(self, self._process.end)
        self._calls = cast(IO[bytes], self._process.popen.stdin)
        answers = cast(IO[bytes], self._process.popen.stdout)
        try:
            receive(answers)  # it is ready
            send(self._calls, Message({}, pickle.dumps(allowed)))
            self.missing = tuple(receive(answers).head["missing"])
        except OSError as error:
            reason = self.how_it_ended()
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
        """Have a function called there, and wait for it.

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
        begun = self.begin(function, *arguments, lane=lane, **keywords)
        return begun.answer(progress=progress, cancel=cancel, stage=stage)

    def begin(
        self,
        function: Callable[..., Returned],
        *arguments: Any,
        lane: int = 0,
        **keywords: Any,
    ) -> "BegunCall[Returned]":
        """Have a function called there; arguments are those of ``call``.

        Raises:
            WorkerLostError: it has ended.
        """
        heard: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        with self._lock:
            if self._is_lost:
                raise WorkerLostError("has ended")
            number = next(self._numbers)
            self._waiting[number] = heard
            self._lane_of[number] = lane
        head = {
            "id": number,
            "lane": lane,
            "function": f"{function.__module__}:{function.__name__}",
            "tells": tells_progress(function),
        }
        try:
            self._send(Message(head, pickle.dumps((arguments, keywords))))
        except OSError as error:
            self.forget(number)
            raise WorkerLostError(self.how_it_ended()) from error
        return BegunCall(self, number, lane, function, heard)

    def drop(self, number: int) -> None:
        """Have a call not made that has not been begun, and forget it."""
        self.forget(number)
        with suppress(OSError):  # it has ended, and the call with it
            self._send(Message({"drop": number}))

    def forget(self, number: int) -> None:
        """Nobody waits for a call any more."""
        with self._lock:
            self._waiting.pop(number, None)

    def _send(self, message: Message) -> None:
        with self._sending:
            try:
                send(self._calls, message)
            except ValueError as error:  # Python's word for a pipe that was closed here
                raise BrokenPipeMessageError("it was ended") from error

    def hear(self, message: Message) -> None:
        """Take what it has said; its head is sound."""
        number = message.head["id"]
        with self._lock:
            waiting = self._waiting.get(number)
            lane = self._lane_of.get(number)
            if lane is not None:
                self._signs[lane] = time.monotonic()
                if message.head["is"] in {"answer", "error"}:
                    # A lane works in order: of those before it, dropped ones, nothing comes.
                    before = [n for n, of in self._lane_of.items() if of == lane and n <= number]
                    for each in before:
                        del self._lane_of[each]
        if waiting is not None:
            waiting.put(message)

    def last_sign(self, lane: int) -> float:
        """When a lane gave its last sign of life, by the monotonic clock."""
        with self._lock:
            return self._signs.get(lane, 0.0)

    @property
    def is_lost(self) -> bool:
        """It has ended, by itself or by ``close``."""
        with self._lock:
            return self._is_lost

    def close(self, why: str | None = None) -> None:
        """End it, whatever it does; safe to call twice. ``why`` is for errors, in a few words."""
        with self._lock:
            self._is_lost = True
            self._why = self._why or why
            for each in self._waiting.values():
                each.put(None)
        self._end()

    def how_it_ended(self) -> str:
        """Why it does not answer, in a few words."""
        if self._why is not None:
            return self._why
        try:
            code = self._process.popen.wait(EXIT_SECONDS)
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


class BegunCall(Generic[Returned]):
    """A call that a worker has been asked for; made by ``Worker.begin``."""

    def __init__(
        self,
        worker: Worker,
        number: int,
        lane: int,
        function: Callable[..., Returned],
        heard: "queue.SimpleQueue[Message | None]",
    ) -> None:
        self.worker = worker
        self._number = number
        self._lane = lane
        self._function = function
        self._heard = heard

    def drop(self) -> None:
        """Nobody wants it any more; what it has begun goes on to its end."""
        self.worker.drop(self._number)

    def answer(
        self,
        *,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
        stage: str = "Reading",
    ) -> Returned:
        """Wait for what comes of it; once. Arguments and errors are those of ``Worker.call``."""
        try:
            answer = self._await(progress, cancel, stage)
        finally:
            self.worker.forget(self._number)
        if answer.head["is"] == "error":
            raise _error_of(answer.head)
        try:
            return cast(Returned, returned_by(self._function).validate_json(answer.body))
        except ValidationError as error:
            self.worker.close()
            raise WorkerLostError("gave an answer that makes no sense") from error

    def _await(
        self, progress: ProgressCallback | None, cancel: CancelCheck | None, stage: str
    ) -> Message:
        silent_since = time.monotonic()
        while True:
            try:
                raise_if_cancelled(cancel, stage)
                left = max(silent_since + SILENCE_SECONDS - time.monotonic(), 0)
                wait = left if cancel is None else _POLL_SECONDS
                message = self._heard.get(timeout=wait)
            except queue.Empty:
                # What is before it in its lane, even a call that was dropped, may take long.
                silent_since = max(silent_since, self.worker.last_sign(self._lane))
                if time.monotonic() - silent_since >= SILENCE_SECONDS:
                    self.worker.close()
                    raise WorkerSilentError(
                        f"gave no sign of life for {SILENCE_SECONDS:.0f} seconds"
                    ) from None
                continue
            except BaseException:
                self.worker.close()
                raise
            if message is None:
                raise WorkerLostError(self.worker.how_it_ended())
            silent_since = time.monotonic()
            if message.head["is"] == "progress" and progress is not None:
                progress(Progress(*message.head["progress"]))
            elif message.head["is"] in {"answer", "error"}:
                return message


def _hear(of: "weakref.ref[Worker]", answers: IO[bytes]) -> None:
    """Hand on what a worker says, for as long as there are both.

    One that says what is no message has been taken over: that is its end.
    """
    while True:
        message: Message | None = None
        with suppress(BrokenPipeMessageError, OSError, ValueError, MemoryError):
            message = receive(answers)
        worker = of()
        if worker is None:
            return
        if message is None or not is_sound(message.head):
            worker.close(None if message is None else "says what makes no sense")
            return
        worker.hear(message)
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
