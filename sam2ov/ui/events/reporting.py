"""Telling the user what went wrong, instead of failing."""

import logging
from types import TracebackType

from sam2ov.errors import CancelledError, PageUnknownError, Sam2ovError
from sam2ov.ui.contract.messages import About
from sam2ov.ui.contract.told import UNEXPECTED, told
from sam2ov.ui.tabs.workspace import Workspace

_log = logging.getLogger(__name__)


class reported:  # noqa: N801 - used like a function, as contextlib.suppress
    """Has the tab's next snapshots say what is raised inside; a cancellation needs no words.

    Args:
        workspace: of the tab.
        about: what the user did.
    """

    def __init__(self, workspace: Workspace, about: About) -> None:
        self._workspace = workspace
        self._about = about

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
            case PageUnknownError():
                return False
            case Sam2ovError():
                self._workspace.tell(self._about, told(error))
                return True
            case Exception():
                _log.error("An event of the page failed.", exc_info=error)
                self._workspace.tell(self._about, UNEXPECTED)
                return True
        return False
