"""The process of a worker: ``python -m sam2ov.workers.main MODULE … --shared-fd N``.

It imports what takes time, says that it is ready, is confined by the first message, and then works
off calls. Calls of one lane run one after another in a thread of their own; lanes run beside each
other. What is called is named by its owner and says by its annotations what it returns.
"""

import argparse
import importlib
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable
from typing import IO, Any, Final

from sam2ov import errors
from sam2ov.locks import Rank, new_lock
from sam2ov.progress import Progress
from sam2ov.workers import heartbeat, shared_memory
from sam2ov.workers.confinement import confine
from sam2ov.workers.messages import BrokenPipeMessageError, Message, receive, returned_by, send

_STACK_BYTES: Final = 8 << 20


class _Worker:
    """Works off what comes over a pipe."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers
        self._sending = new_lock(Rank.WORKER)
        self._lanes: dict[int, queue.SimpleQueue[Message]] = {}
        self._wanted: set[int] = set()  # calls that were not begun

    def tell(self, head: dict[str, Any], body: bytes = b"") -> None:
        with self._sending:
            send(self._answers, Message(head, body))

    def take(self, call: Message) -> None:
        """Have a call made in its lane, or one that was not begun dropped."""
        if "drop" in call.head:
            self._wanted.discard(call.head["drop"])
            return
        self._wanted.add(call.head["id"])
        lane = int(call.head["lane"])
        if lane not in self._lanes:
            self._lanes[lane] = queue.SimpleQueue()
            threading.Thread(target=self._work, args=(self._lanes[lane],), daemon=True).start()
        self._lanes[lane].put(call)

    def _work(self, calls: "queue.SimpleQueue[Message]") -> None:
        while True:
            call = calls.get()
            number = call.head["id"]
            if number not in self._wanted:
                continue
            self._wanted.discard(number)
            try:
                self._answer(number, call)
            except errors.Sam2ovError as error:
                self._fail(number, type(error).__name__, str(error))
            except MemoryError:
                self._fail(number, "MemoryError", "")
            except BaseException as error:
                self._fail(number, "", f"{type(error).__name__}: {error}")

    def _answer(self, number: int, call: Message) -> None:
        arguments, keywords = pickle.loads(call.body)  # noqa: S301 - of the owner, who is trusted
        function = _find(call.head["function"])
        heartbeat.listen(lambda: self.tell({"id": number, "is": "alive"}))
        if call.head["tells"]:
            keywords["progress"] = lambda progress: self._tell_progress(number, progress)
        returned = function(*arguments, **keywords)
        self.tell({"id": number, "is": "answer"}, returned_by(function).dump_json(returned))

    def _tell_progress(self, number: int, progress: Progress) -> None:
        told = [progress.stage, progress.done, progress.total, progress.unit]
        self.tell({"id": number, "is": "progress", "progress": told})

    def _fail(self, number: int, kind: str, message: str) -> None:
        self.tell({"id": number, "is": "error", "kind": kind, "message": message[:4000]})


def _find(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return function


def main() -> None:
    """Work until the owner goes away."""
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--shared-fd", type=int)
    parser.add_argument("--shared-file")
    options = parser.parse_args()
    # Ctrl-C, a closed terminal and service managers mean the owner, who ends its workers.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    shared_memory.inherited_fd = options.shared_fd or os.open(options.shared_file, os.O_RDWR)
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever libraries print must not come between the messages.
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    threading.stack_size(_STACK_BYTES)
    for module in options.modules:
        importlib.import_module(module)
    worker = _Worker(answers)
    try:
        worker.tell({"is": "ready"})
        first = receive(calls)
        os.dup2(nothing, 2)  # up to here, people can see why it does not start
        missing = confine(pickle.loads(first.body))  # noqa: S301 - of the owner
        worker.tell({"is": "confined", "missing": list(missing)})
        while True:
            worker.take(receive(calls))
    except (BrokenPipeMessageError, OSError):
        pass
    os._exit(0)  # the lanes may hang


if __name__ == "__main__":
    main()
