"""The body of a process that tracks clips for a pool."""

import signal
import time
from multiprocessing.connection import Connection
from typing import Any, Final

from sam2ov.errors import CancelledError, Sam2ovError
from sam2ov.jobs.batch.clip import reason_of, track_item
from sam2ov.jobs.batch.models import Models
from sam2ov.jobs.batch.place import Place
from sam2ov.progress import Progress

_TOLD_SECONDS: Final = 0.25
"""Between two words on how far a clip is."""


def serve(pipe: Connection, stop: Any, place: Place) -> None:
    """Track what comes, until nothing more does.

    Args:
        pipe: brings an item and the threads that it may compute with, or None at the end; takes
            how far it is, and at last a record and a reason, or None where it was cancelled.
        stop: a shared byte, not 0 once tracking has to end at a frame.
        place: of the results.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who has started it says when to stop
    models = Models()
    while True:
        try:
            asked = pipe.recv()
        except (EOFError, OSError):
            return
        if asked is None:
            return
        item, threads = asked
        told = 0.0

        def tell(progress: Progress) -> None:
            nonlocal told
            if time.monotonic() - told >= _TOLD_SECONDS or progress.done == progress.total:
                told = time.monotonic()
                try:
                    pipe.send(progress)
                except OSError as error:  # who has asked for it is gone
                    raise CancelledError("The batch has ended.") from error

        if models.threads != threads:
            models = Models(threads)
        try:
            answer: object = (track_item(item, place, models, tell, lambda: bool(stop.value)), "")
        except CancelledError:
            answer = None
        except (Sam2ovError, OSError) as error:
            answer = (None, reason_of(error))
        try:
            pipe.send(answer)
        except OSError:
            return
