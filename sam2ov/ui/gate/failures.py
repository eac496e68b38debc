"""Requests that fail for their own fault: a line of the log each, and no more of it.

Gradio prints the trace of every error, and what callers send makes as many as they like. Traces
are kept of what is wrong with this server: errors that come out of code of ours and are none of
``sam2ov.errors``.
"""

import logging
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Final

import gradio.queueing
import gradio.routes
from fastapi.exceptions import RequestValidationError
from gradio.exceptions import Error
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

import sam2ov
from sam2ov.errors import Sam2ovError

_OURS: Final = Path(sam2ov.__file__).parent
_GATE: Final = Path(__file__).parent
"""Every request passes it, so it tells nothing of what went wrong."""
_LONGEST: Final = 300
_PRINTING: Final[tuple[ModuleType, ...]] = (gradio.queueing, gradio.routes)

_log = logging.getLogger(__name__)


def note_failure(what: str, error: BaseException) -> None:
    """Write down that something has failed.

    Args:
        what: failed, in a few words of anybody's.
        error: by which it ended.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [Path(frame.filename) for frame in frames]
    ours = any(_OURS in place.parents and _GATE not in place.parents for place in places)
    is_unforeseen = ours and not isinstance(error, Sam2ovError | Error)
    where = f"{places[-1].name}:{frames[-1].lineno}" if frames else "nowhere"
    said = ascii(f"{what}: {type(error).__name__}: {error}"[:_LONGEST])[1:-1]
    _log.error("%s (%s)", said, where, exc_info=error if is_unforeseen else None)


class _Lines:
    """Stands where Gradio looks for the module ``traceback``, of which it uses one function."""

    @staticmethod
    def print_exc() -> None:
        """Write down the error that is being handled."""
        error = sys.exception()
        if error is not None:
            note_failure("An event failed", error)


async def malformed(_: Request, error: Exception) -> Response:
    """The answer to a request whose body is not what its route takes.

    FastAPI's own says all that was sent over again, and takes seconds of the event loop for it.
    """
    assert isinstance(error, RequestValidationError)
    return PlainTextResponse("The body of this request is not what its address takes.", 422)


def note_failures_of_gradio() -> None:
    """Have Gradio's own failures written down in the same way; it has no setting for that."""
    for module in _PRINTING:
        vars(module)["traceback"] = _Lines
