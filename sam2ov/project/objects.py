"""The objects of a project as the user knows them: a list that is edited step by step."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import overload

from sam2ov.errors import PromptError
from sam2ov.progress import CancelCheck, ProgressCallback, TakeTurn
from sam2ov.project.answers import Answers
from sam2ov.project.history import History
from sam2ov.project.prompt_sequence import PromptSequence
from sam2ov.project.state import ProjectState, require_few_points
from sam2ov.values.clean_up import CleanUp
from sam2ov.values.masks import BoolArray
from sam2ov.values.objects import MAX_OBJECT_ID, MAX_OBJECTS, ClipObject
from sam2ov.values.prompts import MaskPrompt


@dataclass(frozen=True)
class NewObject:
    """An object to be taken in, and its prompts by frame."""

    known: ClipObject
    prompts: Mapping[int, PromptSequence]


class ObjectList(Sequence[ClipObject]):
    """All objects, prompted or not, in the user's order; a live view. There is always one.

    Args:
        state: of the project.
        answers: to its prompts.
        history: that the edits here become steps of.
    """

    def __init__(self, state: ProjectState, answers: Answers, history: History) -> None:
        self._state = state
        self._answers = answers
        self._history = history

    @overload
    def __getitem__(self, index: int) -> ClipObject: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ClipObject, ...]: ...
    def __getitem__(self, index: int | slice) -> ClipObject | tuple[ClipObject, ...]:
        return self._snapshot()[index]

    def __iter__(self) -> Iterator[ClipObject]:
        return iter(self._snapshot())

    def __len__(self) -> int:
        return len(self._state.snapshot.objects)

    def find(self, obj_id: int) -> ClipObject:
        """An object by its number.

        Raises:
            PromptError: there is none (any more).
        """
        try:
            return self._state.snapshot.objects[obj_id]
        except KeyError:
            raise PromptError("This object has been removed. Choose or add another one.") from None

    def find_unlocked(self, obj_id: int) -> ClipObject:
        """An object that takes prompts.

        Raises:
            PromptError: there is none (any more), or it is locked.
        """
        target = self.find(obj_id)
        if target.locked:
            raise PromptError(f"{target.name} is locked. Unlock it in the list to change it.")
        return target

    def add(self) -> ClipObject:
        """Add an object; the engine hears of it with its first prompt."""
        if len(self) >= MAX_OBJECTS:
            raise PromptError(
                f"There are {MAX_OBJECTS} objects already. Remove one, or save this project and "
                "start another for the rest."
            )
        with self._history.step("Add an object"):
            obj_id = self._state.add_object()
        return self.find(obj_id)

    def take_masks(
        self, frame_idx: int, masks: Sequence[BoolArray], turn: TakeTurn = nullcontext
    ) -> tuple[int, ...]:
        """Make an object of each mask on a frame, as one step; returns their numbers.

        Objects without any prompt that are neither locked nor hidden are taken first.

        Args:
            frame_idx: the frame.
            masks: bool [H, W] in video pixels; they become prompts.
            turn: taken for each of them.

        Raises:
            PromptError: there are too many objects.
        """
        prompted = set(self._state.snapshot.prompted_objects())
        free = [
            target.obj_id
            for target in self
            if target.obj_id not in prompted and not (target.locked or target.hidden)
        ][: len(masks)]
        if len(self) + len(masks) - len(free) > MAX_OBJECTS:
            raise PromptError(f"A project has up to {MAX_OBJECTS} objects. Choose fewer.")
        label = "Add an object" if len(masks) == 1 else f"Add {len(masks)} objects"
        with self._history.step(label, frame_idx):
            added = [self._state.add_object() for _ in masks[len(free) :]]
            taken = (*free, *added)
            for obj_id, mask in zip(taken, masks, strict=True):
                with turn():
                    self._answers.replay(obj_id, frame_idx, (MaskPrompt.of(mask),))
        return taken

    def rename(self, obj_id: int, name: str) -> None:
        """Give an object another name."""
        target = self.find(obj_id)
        self._put(f"Rename {target.name}", [replace(target, name=name)])

    def recolour(self, obj_ids: Sequence[int], colour: str) -> None:
        """Give objects another colour."""
        targets = self._several(obj_ids)
        label = f"Recolour {_named(targets)}"
        self._put(label, [replace(target, colour=colour) for target in targets])

    def classify(self, obj_ids: Sequence[int], category: str) -> None:
        """Say what objects are in annotations; empty: what their names say."""
        targets = self._several(obj_ids)
        label = f"Class of {_named(targets)}"
        self._put(label, [replace(target, category=category) for target in targets])

    def hide(self, obj_ids: Sequence[int], *, hidden: bool) -> None:
        """Leave objects out of view and of exports, or bring them back."""
        targets = self._several(obj_ids)
        label = f"{'Hide' if hidden else 'Show'} {_named(targets)}"
        self._put(label, [replace(target, hidden=hidden) for target in targets])

    def lock(self, obj_ids: Sequence[int], *, locked: bool) -> None:
        """Protect objects from prompts and tracking, or not any more."""
        targets = self._several(obj_ids)
        label = f"{'Lock' if locked else 'Unlock'} {_named(targets)}"
        self._put(label, [replace(target, locked=locked) for target in targets])

    def set_clean_up(self, obj_id: int, clean_up: CleanUp) -> None:
        """Say how an object's masks are cleaned up for being seen and exported.

        What was tracked stays, so a locked object takes it as well.
        """
        target = self.find(obj_id)
        if clean_up != target.clean_up:
            self._put(f"Clean up {target.name}", [replace(target, clean_up=clean_up)])

    def move(self, obj_id: int, position: int) -> None:
        """Put an object at another place of the list, counted from 0."""
        target = self.find(obj_id)
        ids = [i for i in self._state.snapshot.objects if i != obj_id]
        ids.insert(position, obj_id)
        with self._history.step(f"Move {target.name} in the list"):
            self._state.put_order(ids)

    def remove(self, obj_ids: Sequence[int]) -> None:
        """Remove objects with their prompts and results; there is always one object left."""
        targets = self._several(obj_ids)
        for target in targets:
            if target.locked:
                raise PromptError(f"{target.name} is locked. Unlock it before you remove it.")
        with self._history.step(f"Remove {_named(targets)}"):
            for target in targets:
                self._answers.forget(target.obj_id)
            gone = {target.obj_id for target in targets}
            self._put_order([i for i in self._state.draft.objects if i not in gone])

    def replace(
        self,
        objects: Sequence[NewObject],
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
        turn: TakeTurn = nullcontext,
    ) -> None:
        """Take other objects with their prompts in place of all that there are, as one step.

        Args:
            objects: in their order.
            progress: told of every frame that is answered.
            cancel: asked before every prompt.
            turn: taken for every prompt.

        Raises:
            PromptError: there are too many.
            CancelledError: ``cancel`` returned true; nothing has changed then.
        """
        _require_few(objects)
        with self._history.step("Open prompts"):
            for obj_id in self._state.draft.objects:
                self._answers.forget(obj_id)
            self._state.put_order([])
            for target in objects:
                self._state.put_object(target.known)
                for frame_idx, sequence in target.prompts.items():
                    self._state.put_sequence(target.known.obj_id, frame_idx, sequence)
            self._put_order([target.known.obj_id for target in objects])
            self._answers.replay_all(progress, cancel, turn)

    def _snapshot(self) -> tuple[ClipObject, ...]:
        return tuple(self._state.snapshot.objects.values())

    def _several(self, obj_ids: Sequence[int]) -> list[ClipObject]:
        return [self.find(obj_id) for obj_id in dict.fromkeys(obj_ids)]

    def _put(self, label: str, targets: Sequence[ClipObject]) -> None:
        with self._history.step(label):
            for target in targets:
                self._state.put_object(target)

    def _put_order(self, ids: list[int]) -> None:
        self._state.put_order(ids)
        if not ids:
            self._state.add_object()


def _named(targets: Sequence[ClipObject]) -> str:
    """Objects in the label of a step."""
    return targets[0].name if len(targets) == 1 else f"{len(targets)} objects"


def _require_few(objects: Sequence[NewObject]) -> None:
    highest = max((target.known.obj_id for target in objects), default=0)
    if len(objects) > MAX_OBJECTS or highest > MAX_OBJECT_ID:
        raise PromptError(
            f"A project has up to {MAX_OBJECTS} objects, numbered up to {MAX_OBJECT_ID:,}; "
            f"here are {len(objects)}, up to number {highest:,}. Split the file, or use "
            "sam2ov track."
        )
    for target in objects:
        for sequence in target.prompts.values():
            require_few_points(sequence)
