"""How names from a file are put into a message: few, short, and on one line."""

from collections.abc import Sequence
from typing import Final

_MOST_NAMES: Final = 5
_MOST_CHARACTERS: Final = 100


def shown(name: str) -> str:
    """A name without what would leave the line or fool a terminal."""
    plain = ascii(name[: _MOST_CHARACTERS + 1])[1:-1]
    return plain if len(plain) <= _MOST_CHARACTERS else plain[:_MOST_CHARACTERS] + "…"


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _MOST_NAMES
    listed = ", ".join(shown(name) for name in names[:_MOST_NAMES])
    return f"{listed} and {more} more" if more > 0 else listed
