"""Every exception that sam2ov raises on purpose, in one small tree.

``Sam2ovError`` is the root. Where the upstream predictor raises a built-in exception for the same
mistake (``ValueError`` for malformed prompts, ``RuntimeError`` for propagating without prompts),
the class also derives from that built-in, so that code written for upstream keeps working.

Messages quote names and contents of files that come from anywhere. Whatever they quote, they are
one line without control characters: terminals and logs follow escape sequences.
"""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import ValidationError

_MOST_CHARACTERS: Final = 1200
_LINE_BREAKS: Final = re.compile(r"\s*[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]\s*")
_JOINERS: Final = "\u200c\u200d"  # parts of words, and of emoji


def one_line(text: str, most: int = _MOST_CHARACTERS) -> str:
    """A text as one line that is safe to print: breaks are spaces, control characters are escaped.

    Args:
        text: from anywhere.
        most: characters; of a longer text beginning and end are left.
    """
    if len(text) > most:
        text = f"{text[: most * 2 // 3]} … {text[-most // 3 :]}"
    if text.isprintable():
        return text
    return "".join(map(_shown, _LINE_BREAKS.sub(" ", text)))


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if character.isspace():
        return " "
    return character.encode("unicode_escape").decode("ascii")


def first_fault(error: "ValidationError") -> str:
    """What is wrong with data that do not fit their schema, and where: the first fault alone."""
    faults = error.errors(include_url=False, include_input=False)
    first = faults[0]
    places = [str(place)[:100] for place in first["loc"] if "[" not in str(place)]
    where = ".".join(places) or "the whole file"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{where}: {first['msg']}{more}"


class Sam2ovError(Exception):
    """Root of all errors; its message says what happened, where, and what to do, in one line."""

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class ModelError(Sam2ovError):
    """A model cannot be found, read, fetched or converted."""


class ModelNotFoundError(ModelError):
    """The name is neither a known model nor a folder with a manifest."""


class ModelFolderError(ModelError):
    """A model folder is incomplete, corrupt, or of another format version."""


class DownloadError(ModelError):
    """A checkpoint could not be fetched, or does not match its checksum."""


class CheckpointError(ModelError):
    """A checkpoint is truncated, unsafe, or does not fit the configuration."""


class ConversionError(ModelError):
    """A checkpoint could not be turned into a model folder."""


class DeviceError(Sam2ovError):
    """The requested OpenVINO device or precision is not available."""


class PromptError(Sam2ovError, ValueError):
    """A point, box, mask, frame index or object id is malformed or contradictory."""


class UnknownSizeError(PromptError):
    """A file tells masks or boxes in shares of a picture, whose size it does not have."""


class TrackingError(Sam2ovError, RuntimeError):
    """The session is in no state to do what was asked (for example, nothing was prompted)."""


class ProjectError(Sam2ovError):
    """A project cannot be found, opened, or changed as asked."""


class StorageError(Sam2ovError):
    """Results or a project cannot be stored or read back (full disk, folder gone)."""


class VideoError(Sam2ovError):
    """A video cannot be read or written."""


class VideoOpenError(VideoError):
    """The file is missing, is not a video, or exceeds a limit."""


class FrameDecodeError(VideoError):
    """A frame of an opened video cannot be decoded."""


class VideoWriteError(VideoError):
    """The output cannot be written (full disk, unsupported codec, no permission)."""


class DatasetError(Sam2ovError):
    """Annotated videos cannot be found or read, or do not fit together."""


class ExportError(Sam2ovError):
    """Results cannot be exported as asked."""


class ClipClosedError(Sam2ovError):
    """A page of the app acts on a clip that is no longer open on the server."""


class QuotaError(Sam2ovError):
    """A user of the app has taken as much of the server as one may."""


class PageUnknownError(Sam2ovError):
    """A page of the app that has not said hello to the server asks for something."""


class ServerError(Sam2ovError):
    """The app's server cannot be started."""


class ServerFullError(Sam2ovError):
    """The app's server serves as many pages as it may."""


class CancelledError(Sam2ovError):
    """The user cancelled the operation; nothing half-written is left under its final name."""
