"""A mask or box as it was found in a file."""

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final

from sam2ov.errors import PromptError
from sam2ov.values.rle import Rle

_MOST_OBJECTS: Final = 10_000
_LARGEST_ID: Final = (1 << 63) - 1
MOST_DIGITS: Final = 18
"""Of a number in a name: some have their time in nanoseconds there."""


def last_number(name: str) -> int | None:
    """The last number in a name, which is that of its frame; None without one.

    Raises:
        PromptError: it has too many digits for any frame.
    """
    digits = re.findall(r"\d+", name)
    if not digits:
        return None
    if len(digits[-1]) > MOST_DIGITS:
        raise PromptError(
            f"The number in {name[:60]!r} has {len(digits[-1]):,} digits; the last number of a "
            f"name is that of its frame, of up to {MOST_DIGITS} digits."
        )
    return int(digits[-1])


@dataclass(frozen=True, eq=False)
class FoundMask:
    """What a file says about an object on a frame.

    Attributes:
        number: of the frame, as the file counts.
        obj_id: of the object, from 1, the same on all frames.
        name: of the object, or empty.
        mask: valid run lengths, or None where there is a box.
        box: (x0, y0, x1, y1) in pixels.
    """

    number: int
    obj_id: int
    name: str
    mask: Rle | None
    box: tuple[float, float, float, float] | None = None


class ObjectIds:
    """Gives numbers from 1 to objects that files know by other names."""

    def __init__(self) -> None:
        self._known: dict[object, int] = {}
        self._taken: set[int] = set()
        self._first_free = 1

    def of(self, key: object, own: int | None = None) -> int:
        """The number of an object: its own if that is free, else the next that is.

        Args:
            key: what tells the object from others.
            own: its number in the file; None: the key, if that is a number.
        """
        if key not in self._known:
            if own is None:
                own = key if isinstance(key, int) and not isinstance(key, bool) else 0
            if len(self._known) == _MOST_OBJECTS:
                raise PromptError(
                    f"There are more than {_MOST_OBJECTS:,} objects. Take fewer of them."
                )
            while self._first_free in self._taken:
                self._first_free += 1
            is_free = 1 <= own <= _LARGEST_ID and own not in self._taken
            number = own if is_free else self._first_free
            self._known[key] = number
            self._taken.add(number)
        return self._known[key]


def require_one_per_frame(labels: Iterable[tuple[Hashable, str]], lacks: str) -> None:
    """Check that a label tells an object where nothing else does.

    Args:
        labels: of the masks that nothing else tells apart, each with its frame.
        lacks: what the file might have told them by.

    Raises:
        PromptError: a frame has two masks of a label.
    """
    seen: set[tuple[Hashable, str]] = set()
    for label in labels:
        if label in seen:
            frame, name = label
            raise PromptError(
                "The file does not say which masks belong to one object: "
                f"{frame} has several of {name[:60]!r}, and no {lacks} that tell them apart."
            )
        seen.add(label)
