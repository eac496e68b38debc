"""What a browser is told of an error: all of its message but where things lie on the server."""

import logging
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

UNEXPECTED: Final = (
    "Something went wrong that should not have. What you did is kept as far as possible, and "
    "the log of the server says more. Please report it."
)

_FOLDERS: Final = r"""(?<![\w.:/\\<-])     # the beginning of a path: no "and/or", no address
    (?:{known}/|[A-Za-z]:[/\\])             # absolute, as most are
    (?:[^/\\\s'"()<>:;,]+[/\\])*"""

_log = logging.getLogger(__name__)


def told(error: Exception) -> str:
    """The message of an error, with names of files instead of their paths; the log has them."""
    text = str(error)
    shown = without_folders(text)
    if shown != text:
        _log.warning("%s", text)
    return shown


def without_folders(text: str) -> str:
    """A text in which paths are names alone."""
    return _folders().sub("", text)


@cache
def _folders() -> re.Pattern[str]:
    """Folders that a path begins with; where most things lie may have spaces in their names."""
    places = {Path(tempfile.gettempdir()), Path.home(), Path.cwd()}
    longest_first = sorted((str(place) for place in places if place.name), key=len, reverse=True)
    known = "".join(rf"{re.escape(place)}[/\\]|" for place in longest_first)
    return re.compile(_FOLDERS.replace("{known}", known), re.VERBOSE)
