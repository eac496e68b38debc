"""What is edited in one clip: objects, their prompts and masks, the range, and the way back.

Everything is written to the project's journal as it happens, one step for each thing that the user
does. Undo and redo move between steps; a project that is opened again is where it was left.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import numpy as np

from sam2ov.cleanup.masks import CleanedMasks
from sam2ov.cleanup.settings import NO_CLEAN_UP, CleanUp
from sam2ov.errors import ProjectError, PromptError
from sam2ov.journal import Journal, Touched
from sam2ov.masks import BoolArray, FloatArray
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.project.documents import (
    MAX_OBJECT_ID,
    MAX_OBJECTS,
    MAX_STEPS,
    STEPS_PREFIX,
    ModelDocument,
    ObjectDocument,
)
from sam2ov.project.prompt_steps import Steps, painted, with_point_moved, without_point
from sam2ov.project.state import ProjectState, require_few_points
from sam2ov.prompts import MaskPrompt, make_point_prompt
from sam2ov.session import TrackedFrame, VideoSession
from sam2ov.tracking_job import Segment


@dataclass(frozen=True)
class ProjectObject:
    """An object as the user knows it: its number, name and "#rrggbb" colour.

    One that is ``hidden`` is left out of view and of exports; one that is ``locked`` takes no
    prompts and is not tracked. ``clean_up`` is done to what is shown and exported of it.
    """

    obj_id: int
    name: str
    colour: str
    hidden: bool = False
    locked: bool = False
    clean_up: CleanUp = NO_CLEAN_UP


@dataclass(frozen=True)
class NewObject:
    """An object to be taken in: what is known of it, and its prompts by frame."""

    obj_id: int
    name: str
    colour: str
    prompts: dict[int, Steps]


class Project:
    """Objects and prompts of a clip, and the engine's session that answers them.

    The caller takes turns; the session is safe from any thread by itself, so tracking may go on
    while prompts are answered.

    Args:
        session: over ``journal``, without objects yet.
        journal: a new one, or that of a project that was left.
        model: what the session runs on.

    Raises:
        ProjectError: the journal is damaged.
        ModelChangedError: it holds results of another model.
    """

    def __init__(self, session: VideoSession, journal: Journal, model: ModelDocument) -> None:
        self.session = session
        self.journal = journal
        self.revision = 0  # of the masks: what the browser has of an older one is outdated
        self._state = ProjectState(journal, session.size_hw, session.num_frames)
        if self._state.model is None:
            with journal.transaction():
                self._state.put_model(model)
                self._state.add_object()
        elif self._state.model.weights != model.weights:
            raise ModelChangedError(self._state.model)
        self._runs_on = self.model
        for obj_id in self._state.objects:
            self._load(obj_id)

    @classmethod
    def answered_anew(
        cls,
        session: VideoSession,
        journal: Journal,
        model: ModelDocument,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> Self:
        """Answer all prompts of a project with another model, as one step; tracked masks go.

        Args:
            session: over ``journal``, without objects yet.
            journal: of the project; a project over it is to be used no more if this succeeds, and
                goes on as it was if not.
            model: what ``session`` runs on.
            progress: told of every frame.
            cancel: asked before every frame.

        Raises:
            CancelledError: ``cancel`` returned true.
        """
        state = ProjectState(journal, session.size_hw, session.num_frames)
        with journal.step(f"Change the model to {model.title}"):
            for obj_id in state.objects:
                session.forget(obj_id)
            state.put_model(model)
            _answer(session, state.steps, progress, cancel)
        return cls(session, journal, model)

    # ---- What there is

    @property
    def objects(self) -> tuple[ProjectObject, ...]:
        """All objects, prompted or not, in the user's order."""
        return tuple(self._object(obj_id) for obj_id in self._state.objects)

    @property
    def in_out(self) -> range | None:
        """The frames between the in and the out point; None for the whole clip."""
        return self._state.in_out

    @property
    def model(self) -> ModelDocument:
        """The model whose results the project holds."""
        assert self._state.model is not None
        return self._state.model

    def steps(self, obj_id: int, frame_idx: int) -> Steps:
        """The prompts of an object on a frame as they were given; empty where it has none."""
        return self._state.steps.get((obj_id, frame_idx), ())

    def prompted_frames(self, obj_id: int) -> list[int]:
        """The frames that an object is prompted on, ascending."""
        return self._state.prompted_frames(obj_id)

    def prompted_objects(self) -> tuple[int, ...]:
        """The objects that have prompts, in the user's order."""
        prompted = {owner for owner, _ in self._state.steps}
        return tuple(i for i in self._state.objects if i in prompted)

    def masks(
        self, frame_idx: int, size_hw: tuple[int, int]
    ) -> tuple[tuple[ProjectObject, ...], FloatArray]:
        """The objects that have been prompted, and their cleaned masks on a frame.

        Returns:
            N objects and float32 logits [N, H, W] at ``size_hw``.
        """
        known = self.session.obj_ids
        answered = tuple(target for target in self.objects if target.obj_id in known)
        ids = [target.obj_id for target in answered]
        # For this frame only: what is tracked may change before the next one is asked for.
        cleaned = CleanedMasks(self.session, {t.obj_id: t.clean_up for t in answered})
        return answered, cleaned.logits_at(frame_idx, size_hw, ids)

    # ---- Prompts

    def click(
        self, obj_id: int, frame_idx: int, xy: tuple[float, float], *, positive: bool
    ) -> None:
        """Add a point to an object on a frame, in video pixels."""
        target = self._unlocked(obj_id)
        prompt = make_point_prompt([self._inside(*xy)], [int(positive)], None, self.session.size_hw)
        steps = self.steps(obj_id, frame_idx)
        if len(steps) >= MAX_STEPS:
            raise PromptError(
                f"Frame {frame_idx} has {MAX_STEPS} prompts for this object already. Clear the "
                "frame and draw a box instead."
            )
        with self._step(f"Click on {target.name}", frame_idx):
            self.session.add_points(frame_idx, obj_id, prompt, clear_old_points=False)
            self._state.put_steps(obj_id, frame_idx, (*steps, prompt))

    def box(
        self, obj_id: int, frame_idx: int, corner: tuple[float, float], other: tuple[float, float]
    ) -> None:
        """Start an object on a frame over, from a box between any two opposite corners."""
        target = self._unlocked(obj_id)
        (x0, y0), (x1, y1) = self._inside(*corner), self._inside(*other)
        box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            raise PromptError("The box is empty. Drag from one corner of the object to the other.")
        prompt = make_point_prompt(None, None, box, self.session.size_hw)
        with self._step(f"Box around {target.name}", frame_idx):
            self._replay(obj_id, frame_idx, (prompt,))

    def brush(
        self,
        obj_id: int,
        frame_idx: int,
        points_xy: Sequence[tuple[float, float]],
        radius: float,
        *,
        erase: bool,
    ) -> None:
        """Paint into an object's mask on a frame; the result is a mask prompt.

        Args:
            obj_id: the object.
            frame_idx: the frame.
            points_xy: the stroke, in video pixels.
            radius: of the brush, in video pixels.
            erase: take the stroke away from the mask.
        """
        target = self._unlocked(obj_id)
        mask = painted(self._mask(obj_id, frame_idx), points_xy, radius, erase=erase)
        verb = "Erase from" if erase else "Paint"
        with self._step(f"{verb} {target.name}", frame_idx):
            self._replay(obj_id, frame_idx, (MaskPrompt(mask),))

    def import_mask(self, obj_id: int, frame_idx: int, prompt: MaskPrompt) -> None:
        """Give an object's mask on a frame; it replaces the frame's prompts."""
        target = self._unlocked(obj_id)
        with self._step(f"Mask of {target.name}", frame_idx):
            self._replay(obj_id, frame_idx, (prompt,))

    def move_point(self, obj_id: int, frame_idx: int, index: int, xy: tuple[float, float]) -> None:
        """Move a point or the corner of a box; ``index`` counts as ``points_of``."""
        target = self._unlocked(obj_id)
        steps = with_point_moved(self.steps(obj_id, frame_idx), index, self._inside(*xy))
        with self._step(f"Move a point of {target.name}", frame_idx):
            self._replay(obj_id, frame_idx, steps)

    def delete_point(self, obj_id: int, frame_idx: int, index: int) -> None:
        """Take a point or a box away; ``index`` counts as ``points_of``."""
        target = self._unlocked(obj_id)
        steps = without_point(self.steps(obj_id, frame_idx), index)
        with self._step(f"Delete a point of {target.name}", frame_idx):
            self._replay(obj_id, frame_idx, steps)

    def clear_frame(self, obj_id: int, frame_idx: int) -> None:
        """Take back all prompts of an object on a frame."""
        target = self._unlocked(obj_id)
        if self.steps(obj_id, frame_idx):
            with self._step(f"Clear {target.name} on this frame", frame_idx):
                self._replay(obj_id, frame_idx, ())

    def clear_object(self, obj_id: int) -> None:
        """Take back all prompts and masks of an object."""
        target = self._unlocked(obj_id)
        with self._step(f"Clear {target.name}"):
            self._forget_results(obj_id)

    def clear_all(self) -> None:
        """Take back all prompts and masks of all objects that are not locked."""
        with self._step("Clear all objects"):
            for target in self.objects:
                if not target.locked:
                    self._forget_results(target.obj_id)

    # ---- Objects and range

    def add_object(self) -> ProjectObject:
        """Add an object; the engine hears of it with its first prompt."""
        if len(self._state.objects) >= MAX_OBJECTS:
            raise PromptError(
                f"There are {MAX_OBJECTS} objects already. Remove one, or save this project and "
                "start another for the rest."
            )
        with self._step("Add an object"):
            obj_id = self._state.add_object()
        return self._object(obj_id)

    def change_object(self, obj_id: int, name: str, colour: str) -> None:
        """Rename or recolour an object."""
        target = self._object(obj_id)
        label = f"Rename {target.name}" if name != target.name else f"Recolour {name}"
        self._change_object(label, obj_id, {"name": name, "colour": colour})

    def hide_object(self, obj_id: int, *, hidden: bool) -> None:
        """Leave an object out of view and of exports, or bring it back."""
        label = f"{'Hide' if hidden else 'Show'} {self._object(obj_id).name}"
        self._change_object(label, obj_id, {"hidden": hidden})

    def lock_object(self, obj_id: int, *, locked: bool) -> None:
        """Protect an object from prompts and tracking, or not any more."""
        label = f"{'Lock' if locked else 'Unlock'} {self._object(obj_id).name}"
        self._change_object(label, obj_id, {"locked": locked})

    def set_clean_up(self, obj_id: int, clean_up: CleanUp) -> None:
        """Say how an object's masks are cleaned up for being seen and exported.

        What was tracked stays, so a locked object takes it as well.
        """
        target = self._object(obj_id)
        if clean_up != target.clean_up:
            self._change_object(f"Clean up {target.name}", obj_id, {"clean_up": clean_up})

    def move_object(self, obj_id: int, position: int) -> None:
        """Put an object at another place of the list, counted from 0."""
        target = self._object(obj_id)
        ids = [i for i in self._state.objects if i != obj_id]
        ids.insert(position, obj_id)
        with self._step(f"Move {target.name} in the list"):
            self._state.put_order(ids)

    def remove_object(self, obj_id: int) -> None:
        """Remove an object with its prompts and results; there is always one object left."""
        target = self._object(obj_id)
        if target.locked:
            raise PromptError(f"{target.name} is locked. Unlock it before you remove it.")
        with self._step(f"Remove {target.name}"):
            self._remove_object(obj_id)
            if not self._state.objects:
                self._state.add_object()

    def set_in_out(self, frames: range | None) -> None:
        """Set the in and out points; None takes them away.

        Raises:
            PromptError: they lie outside the clip or in the wrong order.
        """
        last = self.session.num_frames - 1
        if frames is not None and not (frames and frames[0] >= 0 and frames[-1] <= last):
            raise PromptError(
                f"The in and out points must lie inside the clip, which has frames 0 to {last}, "
                "the in point first."
            )
        with self._step("Set the in and out points" if frames else "Clear the in and out points"):
            self._state.put_in_out(frames)

    # ---- Tracking

    def track(self, label: str, segments: Sequence[Segment]) -> Generator[TrackedFrame]:
        """Track objects along segments as one step; stopping early keeps what is done."""
        if not segments:
            return
        step = self.journal.begin(label, segments[0].first)
        try:
            for segment in segments:
                present = [i for i in segment.obj_ids if i in self.session.obj_ids]
                if present:
                    yield from self.session.propagate(
                        segment.first,
                        segment.num_frames - 1,
                        reverse=segment.reverse,
                        obj_ids=present,
                    )
        finally:
            self.journal.conclude(step)  # the tab may have been closed meanwhile

    # ---- The way back

    def undo(self) -> int | None:
        """Take back the last step; returns the frame it was on, None if on none.

        Raises:
            ModelChangedError: it was made with another model: open the project with that one.
        """
        step = self.journal.done
        return self._moved(self.journal.undo(), step.frame_idx if step else None)

    def redo(self) -> int | None:
        """Do the step again that was taken back last; returns and raises as ``undo``."""
        step = self.journal.undone
        return self._moved(self.journal.redo(), step.frame_idx if step else None)

    # ---- Wholesale

    def replace_objects(
        self,
        objects: Sequence[NewObject],
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> None:
        """Take other objects with their prompts in place of all that there are, as one step.

        Raises:
            PromptError: there are too many.
            CancelledError: ``cancel`` returned true; nothing has changed then.
        """
        highest = max((target.obj_id for target in objects), default=0)
        if len(objects) > MAX_OBJECTS or highest > MAX_OBJECT_ID:
            raise PromptError(
                f"A project has up to {MAX_OBJECTS} objects, numbered up to {MAX_OBJECT_ID:,}; "
                f"here are {len(objects)}, up to number {highest:,}. Split the file, or use "
                "sam2ov track."
            )
        for target in objects:
            for steps in target.prompts.values():
                require_few_points(steps)
        with self._step("Open prompts"):
            for obj_id in list(self._state.objects):
                self._remove_object(obj_id)
            for target in objects:
                document = ObjectDocument(name=target.name, colour=target.colour)
                self._state.put_object(target.obj_id, document)
                for frame_idx, steps in target.prompts.items():
                    self._state.put_steps(target.obj_id, frame_idx, steps)
            self._state.put_order([target.obj_id for target in objects])
            if not objects:
                self._state.add_object()
            _answer(self.session, dict(self._state.steps), progress, cancel)

    # ---- Inside

    @contextmanager
    def _step(self, label: str, frame_idx: int | None = None) -> Iterator[None]:
        if frame_idx is not None:  # what is refused must not cost what can be done again
            self._require_frame(frame_idx)
        try:
            with self.journal.step(label, frame_idx):
                yield
        except BaseException:
            self._reload()
            raise
        self.revision += 1

    def _moved(self, touched: Touched, frame_idx: int | None) -> int | None:
        self._state.read()
        self.revision += 1
        if self.model != self._runs_on:
            raise ModelChangedError(self.model)
        prompted = {key.split("/")[1] for key in touched.keys if key.startswith(STEPS_PREFIX)}
        for obj_id in touched.obj_ids | set(map(int, prompted)):
            self._load(obj_id)
        return frame_idx

    def _reload(self) -> None:
        """Bring what is in memory in line with the journal."""
        known = {*self.session.obj_ids, *self._state.objects}
        self._state.read()
        for obj_id in known.union(self._state.objects):
            self._load(obj_id)
        self.revision += 1

    def _load(self, obj_id: int) -> None:
        try:
            self.session.load(obj_id, self._state.prompts(obj_id))
        except (IndexError, OverflowError, TypeError, ValueError) as error:
            raise ProjectError(
                f"The results of object {obj_id} are damaged ({error}). Open a copy of the project "
                "that was saved earlier."
            ) from error

    def _replay(self, obj_id: int, frame_idx: int, steps: Steps) -> None:
        self.session.replay(frame_idx, obj_id, steps)
        self._state.put_steps(obj_id, frame_idx, steps)
        if not self.prompted_frames(obj_id) and obj_id in self.session.obj_ids:
            # Without any prompt there is nothing that results could follow from.
            self.session.remove_object(obj_id)

    def _forget_results(self, obj_id: int) -> None:
        for frame_idx in self.prompted_frames(obj_id):
            self._state.put_steps(obj_id, frame_idx, ())
        if obj_id in self.session.obj_ids:
            self.session.remove_object(obj_id)

    def _change_object(
        self, label: str, obj_id: int, values: Mapping[str, str | bool | CleanUp]
    ) -> None:
        document = self._state.objects[obj_id].model_copy(update=values)
        with self._step(label):
            self._state.put_object(obj_id, document)

    def _remove_object(self, obj_id: int) -> None:
        self._forget_results(obj_id)
        self._state.put_order([i for i in self._state.objects if i != obj_id])

    def _mask(self, obj_id: int, frame_idx: int) -> BoolArray:
        size_hw = self.session.size_hw
        if obj_id not in self.session.obj_ids:
            return np.zeros(size_hw, np.bool_)
        mask: BoolArray = self.session.logits_at(frame_idx, size_hw, [obj_id])[0] > 0
        return mask

    def _object(self, obj_id: int) -> ProjectObject:
        try:
            return ProjectObject(obj_id, **dict(self._state.objects[obj_id]))
        except KeyError:
            raise PromptError("This object has been removed. Choose or add another one.") from None

    def _unlocked(self, obj_id: int) -> ProjectObject:
        target = self._object(obj_id)
        if target.locked:
            raise PromptError(f"{target.name} is locked. Unlock it in the list to change it.")
        return target

    def _require_frame(self, frame_idx: int) -> None:
        last = self.session.num_frames - 1
        if not 0 <= frame_idx <= last:
            raise PromptError(
                f"Frame {frame_idx} is outside the video, which has frames 0 to {last}."
            )

    def _inside(self, x: float, y: float) -> tuple[float, float]:
        height, width = self.session.size_hw
        return min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))


class ModelChangedError(ProjectError):
    """A step that was moved to belongs to results of another ``model``."""

    def __init__(self, model: ModelDocument) -> None:
        super().__init__(f"The project goes on with the model {model.title}.")
        self.model = model


def _answer(
    session: VideoSession,
    steps: Mapping[tuple[int, int], Steps],
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> None:
    """Answer prompts from the beginning."""
    for done, ((obj_id, frame_idx), prompts) in enumerate(steps.items(), 1):
        raise_if_cancelled(cancel, "Answering the prompts")
        session.replay(frame_idx, obj_id, prompts)
        if progress is not None:
            progress(Progress("Answering the prompts", done, len(steps), "steps"))
