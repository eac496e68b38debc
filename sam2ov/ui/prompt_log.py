"""What the user prompted, step by step: the record that undo goes back through."""

from collections.abc import Iterator
from dataclasses import dataclass

from sam2ov.prompts import Prompt

Steps = tuple[Prompt, ...]
"""Prompts of one object on one frame in the order they were given."""


@dataclass(frozen=True, eq=False)
class Change:
    """One undoable change: the steps that an object had on a frame before it."""

    obj_id: int
    frame_idx: int
    before: Steps


class PromptLog:
    """Steps by object and frame, and the changes that led to them."""

    def __init__(self) -> None:
        self._steps: dict[tuple[int, int], Steps] = {}
        self._changes: list[Change] = []

    def steps(self, obj_id: int, frame_idx: int) -> Steps:
        """The steps of an object on a frame; empty where it has none."""
        return self._steps.get((obj_id, frame_idx), ())

    def frames(self, obj_id: int) -> list[int]:
        """The frames that an object is prompted on, ascending."""
        return sorted(frame for owner, frame in self._steps if owner == obj_id)

    def __iter__(self) -> Iterator[tuple[int, int, Steps]]:
        """All (object, frame, steps), in the order in which they were first prompted."""
        for (obj_id, frame_idx), steps in self._steps.items():
            yield obj_id, frame_idx, steps

    def change(self, obj_id: int, frame_idx: int, steps: Steps) -> None:
        """Record that an object now has ``steps`` on a frame."""
        self._changes.append(Change(obj_id, frame_idx, self.steps(obj_id, frame_idx)))
        self._set(obj_id, frame_idx, steps)

    def restore(self, obj_id: int, frame_idx: int, steps: Steps) -> None:
        """Take in steps from a file; there is nothing before them to go back to."""
        self._set(obj_id, frame_idx, steps)

    def __len__(self) -> int:
        """How many frames of objects are prompted."""
        return len(self._steps)

    @property
    def last_change(self) -> Change | None:
        """What ``undo`` would take back."""
        return self._changes[-1] if self._changes else None

    def undo(self) -> None:
        """Go back to before ``last_change``."""
        last = self._changes.pop()
        self._set(last.obj_id, last.frame_idx, last.before)

    def remove_object(self, obj_id: int) -> None:
        """Forget an object; its changes cannot be undone any more."""
        self._steps = {key: value for key, value in self._steps.items() if key[0] != obj_id}
        self._changes = [change for change in self._changes if change.obj_id != obj_id]

    def _set(self, obj_id: int, frame_idx: int, steps: Steps) -> None:
        if steps:
            self._steps[obj_id, frame_idx] = steps
        else:
            self._steps.pop((obj_id, frame_idx), None)
