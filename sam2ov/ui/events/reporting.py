"""Telling the user what went wrong, instead of failing."""

import html
import logging
from types import TracebackType

import gradio as gr

from sam2ov.errors import CancelledError, Sam2ovError
from sam2ov.ui.contract.told import UNEXPECTED, told

_SECONDS = 12

_log = logging.getLogger(__name__)


def tell(message: str) -> None:
    """Show a message on the page."""
    gr.Warning(html.escape(message), duration=_SECONDS)


class reported:  # noqa: N801 - used like a function, as contextlib.suppress
    """Shows what is raised inside as a message on the page; a cancellation needs none."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        match error:
            case CancelledError():
                return True
            case Sam2ovError():
                tell(told(error))
                return True
            case Exception():
                _log.error("An event of the page failed.", exc_info=error)
                tell(UNEXPECTED)
                return True
        return False
