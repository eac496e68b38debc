"""What the files of an export are called: templates that cannot lead out of their folder."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import PurePosixPath
from string import Formatter
from typing import Final

from sam2ov.errors import ExportError

MAX_STEM_LENGTH: Final = 48
_PLACEHOLDERS: Final = ("clip", "object", "id", "frame", "timecode")
_NUMBERS: Final = frozenset({"id", "frame"})
_PATTERNS: Final = {"id": r"\d+", "frame": r"\d+", "timecode": r"\d\d(-\d\d){2}-\d{2,3}"}
_TEXT = re.compile(r"[\w .+-]*")
_DIGITS = re.compile(r"0?[1-9]?\dd?|")
_EXAMPLE = "{clip}-{object}.{frame:04d}"


def file_stem(name: str) -> str:
    """A file's or an object's name as part of a file name that any file system takes."""
    stem = re.sub(r"[^\w.-]+", "_", name).strip("._")
    return stem[:MAX_STEM_LENGTH] or "clip"


def clip_stem(name: str) -> str:
    """The name of a clip without its suffix, likewise."""
    return file_stem(PurePosixPath(name).stem)


@dataclass(frozen=True)
class _Part:
    """Text, and the placeholder behind it if there is one, with the digits it has at least."""

    text: str
    field: str | None
    digits: int


class NameTemplate:
    """A name with placeholders, without suffix; ``/`` makes folders.

    ``{clip}`` is the clip's name, ``{object}`` the object's name, ``{id}`` its number, ``{frame}``
    the number of the frame, ``{timecode}`` the name that editors call it by, as in 10-00-02-00.
    Numbers take a width, as in ``{frame:05d}``: zeros fill it up, and
    where the last number needs more, all of them get more.

    Raises:
        ExportError: the template has other placeholders or characters, or could leave its folder.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = _parsed(text)
        shape = "".join(part.text + ("x" if part.field else "") for part in self._parts)
        pieces = shape.split("/")
        if any(not piece.strip(" .") or piece[0] in ". " or piece[-1] in ". " for piece in pieces):
            raise ExportError(
                f"{text!r} cannot be a file name: no part of it may be empty or begin or end with "
                f"a dot or a space. Write something like {_EXAMPLE}."
            )

    @property
    def fields(self) -> frozenset[str]:
        """The placeholders in it."""
        return frozenset(part.field for part in self._parts if part.field is not None)

    @property
    def groups(self) -> tuple[frozenset[str], ...]:
        """What a replacement of this template needs: one placeholder of each group."""
        kinds = (frozenset({"frame", "timecode"}), frozenset({"object", "id"}))
        return tuple(kind for kind in kinds if kind & self.fields)

    def require(self, fields: Set[str]) -> None:
        """Raise ExportError if none of ``fields`` is in it: files would replace each other."""
        if not self.fields & fields:
            named = sorted(fields - {"timecode"}, reverse=True)  # which few clips have
            wanted = " or ".join(f"{{{field}}}" for field in named)
            raise ExportError(
                f"{self.text!r} would give several files the same name: put {wanted} into it."
            )

    def require_no_folders(self) -> None:
        """Raise ExportError if it makes folders."""
        if "/" in self.text:
            raise ExportError(f"{self.text!r} has a folder in it; give a name alone.")

    def expand(self, values: Mapping[str, str | int], last_number: int = 0) -> str:
        """The name for ``values``, texts already fit for file names."""
        made = []
        for part in self._parts:
            made.append(part.text)
            if part.field in _NUMBERS:
                longest = len(str(last_number)) if part.field == "frame" and part.digits else 0
                made.append(f"{values[part.field]:0{max(part.digits, longest, 1)}d}")
            elif part.field is not None:
                made.append(str(values[part.field]))
        return "".join(made)

    def pattern(self) -> str:
        """A regular expression that all its names match."""
        return "".join(
            re.escape(part.text)
            + ("" if part.field is None else _PATTERNS.get(part.field, r"[\w.-]+"))
            for part in self._parts
        )


def _parsed(text: str) -> tuple[_Part, ...]:
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise ExportError(
            f"{text!r} cannot be read ({error}). Write something like {_EXAMPLE}."
        ) from error
    parts = []
    for literal, field, spec, conversion in pieces:
        spec = spec or ""
        if not _TEXT.fullmatch(literal.replace("/", "")):
            raise ExportError(
                f"{text!r} has characters that not every disk takes in a name. Use letters, "
                "digits, spaces, and . _ - +"
            )
        is_known = field is None or (field in _PLACEHOLDERS and not conversion)
        if not is_known or not _DIGITS.fullmatch(spec) or (spec and field not in _NUMBERS):
            known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
            raise ExportError(
                f"{text!r} has a placeholder that is none of {known} (numbers with a width, as in "
                f"{{frame:05d}}). Write something like {_EXAMPLE}."
            )
        parts.append(_Part(literal, field, int(spec.strip("d") or 0)))
    return tuple(parts)
