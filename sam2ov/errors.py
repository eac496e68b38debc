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
    from pydantic_core import ErrorDetails

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
    return f"{where}: {plain_fault(first)}{more}"


def plain_fault(fault: "ErrorDetails") -> str:
    """What is wrong with a value, in words for people; our own checks say it themselves."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "value_error":
        return str(context.get("error", fault["msg"]))
    return _FAULTS.get(kind, "this is not what belongs here").format(**context)


_FAULTS: Final = {
    "missing": "it is missing",
    "extra_forbidden": "nothing of that name is known",
    "string_pattern_mismatch": "this is not written as it should be",
    "string_too_short": "it is too short",
    "string_too_long": "it is longer than {max_length} characters",
    "string_type": "it should be a text",
    "int_type": "it should be a whole number",
    "int_parsing": "it should be a whole number",
    "int_from_float": "it should be a whole number",
    "float_type": "it should be a number",
    "float_parsing": "it should be a number",
    "finite_number": "it should be a finite number",
    "bool_type": "it should be true or false",
    "bool_parsing": "it should be true or false",
    "greater_than": "it should be more than {gt}",
    "greater_than_equal": "it should be at least {ge}",
    "less_than": "it should be less than {lt}",
    "less_than_equal": "it should be at most {le}",
    "literal_error": "it should be {expected}",
    "union_tag_invalid": "it should be {expected_tags}",
    "too_short": "there should be at least {min_length}",
    "too_long": "there should be at most {max_length}",
    "list_type": "it should be a list",
    "tuple_type": "it should be a list",
    "dict_type": "it should be an object with named values",
    "model_type": "it should be an object with named values",
    "json_invalid": "it is no JSON ({error})",
}
"""What pydantic calls its faults, as far as files and forms can have them."""


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


class SilentClipError(VideoError):
    """A video has no sound."""


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
