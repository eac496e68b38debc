"""Which objects of a frame go through the networks together."""

from collections.abc import Iterable, Iterator

from sam2ov.engine.policy import BankSelection
from sam2ov.engine.tracked_object import TrackedObject

_AT_ONCE = 16
"""What the networks need besides grows with the number of objects."""

Selected = tuple[TrackedObject, BankSelection]
"""An object, and what it attends to."""


def batches(selected: Iterable[Selected]) -> Iterator[list[Selected]]:
    """Objects that attend to equally many memories and pointers, 16 at most."""
    alike: dict[tuple[int, int], list[Selected]] = {}
    for target, selection in selected:
        alike.setdefault(selection.key, []).append((target, selection))
    for batch in alike.values():
        for start in range(0, len(batch), _AT_ONCE):
            yield batch[start : start + _AT_ONCE]
