"""A mask or box as it was found in a file."""

from dataclasses import dataclass

from sam2ov.values.rle import Rle


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

    def of(self, key: object) -> int:
        """The number of an object: its own if it has a free one, else the next that is free."""
        if key not in self._known:
            own = key if isinstance(key, int) and not isinstance(key, bool) else 0
            number = own if own >= 1 and own not in self._taken else 1
            while number in self._taken:
                number += 1
            self._known[key] = number
            self._taken.add(number)
        return self._known[key]
