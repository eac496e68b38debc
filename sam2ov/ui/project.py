"""What is edited in one clip: objects with names and colours, their prompts, and the masks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from sam2ov.errors import PromptError
from sam2ov.masks import FloatArray
from sam2ov.palette import default_colour, to_hex
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.prompts import make_point_prompt
from sam2ov.session import VideoSession
from sam2ov.ui.payloads import MAX_OBJECTS, Box, Click
from sam2ov.ui.prompt_log import PromptLog, Steps

MAX_STEPS = 200
"""Prompts of one object on one frame: more are a stuck mouse."""


@dataclass(frozen=True)
class ProjectObject:
    """An object as the user knows it: its number, name and "#rrggbb" colour."""

    obj_id: int
    name: str
    colour: str


class Project:
    """Objects and prompts of a clip, and the engine's session that answers them.

    The caller takes turns (``Workspace.turn``); the session is safe from any thread by itself.

    Args:
        session: without objects yet.
    """

    def __init__(self, session: VideoSession) -> None:
        self.session = session
        self.log = PromptLog()
        self.revision = 0  # of the masks: what the browser has of an older one is outdated
        self._objects: dict[int, ProjectObject] = {}
        self._last_id = 0
        self.add_object()

    @classmethod
    def restored(
        cls,
        session: VideoSession,
        objects: Sequence[ProjectObject],
        log: PromptLog,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> Self:
        """Answer known prompts in a new session: those of a file, or after a change of model.

        Raises:
            CancelledError: ``cancel`` returned true.
        """
        project = cls(session)
        project.log = log
        if objects:
            project._objects = {target.obj_id: target for target in objects}
            project._last_id = max(project._objects)
        for done, (obj_id, frame_idx, steps) in enumerate(log, 1):
            raise_if_cancelled(cancel, "Answering the prompts")
            session.replay(frame_idx, obj_id, steps)
            if progress is not None:
                progress(Progress("Answering the prompts", done, len(log), "steps"))
        return project

    @property
    def objects(self) -> tuple[ProjectObject, ...]:
        """All objects, prompted or not, in the order of their creation."""
        return tuple(self._objects.values())

    def add_object(self) -> ProjectObject:
        """Add an object; the engine hears of it with its first prompt."""
        if len(self._objects) >= MAX_OBJECTS:
            raise PromptError(
                f"There are {MAX_OBJECTS} objects already. Remove one, or save this project and "
                "start another for the rest."
            )
        self._last_id += 1
        number = self._last_id
        made = ProjectObject(number, f"Object {number}", to_hex(default_colour(number)))
        self._objects[number] = made
        return made

    def change_object(self, obj_id: int, name: str, colour: str) -> None:
        """Rename or recolour an object."""
        self._objects[obj_id] = replace(self._object(obj_id), name=name, colour=colour)
        self.revision += 1

    def remove_object(self, obj_id: int) -> None:
        """Remove an object with its prompts and results; there is always one object left."""
        self._object(obj_id)
        if obj_id in self.session.obj_ids:
            self.session.remove_object(obj_id)
        self.log.remove_object(obj_id)
        del self._objects[obj_id]
        self.revision += 1
        if not self._objects:
            self.add_object()

    def click(self, click: Click) -> None:
        """Add a point to an object on a frame."""
        prompt = make_point_prompt(
            [self._inside(click.x, click.y)], [int(click.positive)], None, self.session.size_hw
        )
        steps = self.log.steps(click.object, click.frame)
        if len(steps) >= MAX_STEPS:
            raise PromptError(
                f"Frame {click.frame} has {MAX_STEPS} prompts for this object already. Clear the "
                "frame and draw a box instead."
            )
        self._object(click.object)
        self.session.add_points(click.frame, click.object, prompt, clear_old_points=False)
        self._changed(click.object, click.frame, (*steps, prompt))

    def box(self, box: Box) -> None:
        """Start an object on a frame over, from a box around it."""
        x0, y0 = self._inside(min(box.x0, box.x1), min(box.y0, box.y1))
        x1, y1 = self._inside(max(box.x0, box.x1), max(box.y0, box.y1))
        if x1 - x0 < 1 or y1 - y0 < 1:
            raise PromptError("The box is empty. Drag from one corner of the object to the other.")
        self._object(box.object)
        prompt = make_point_prompt(None, None, (x0, y0, x1, y1), self.session.size_hw)
        self.session.replay(box.frame, box.object, (prompt,))
        self._changed(box.object, box.frame, (prompt,))

    def clear_frame(self, obj_id: int, frame_idx: int) -> None:
        """Take back all prompts of an object on a frame."""
        self._object(obj_id)
        if self.log.steps(obj_id, frame_idx):
            self.session.replay(frame_idx, obj_id, ())
            self._changed(obj_id, frame_idx, ())

    def undo(self) -> int | None:
        """Take back the last change to prompts; returns its frame, None if there is none."""
        last = self.log.last_change
        if last is None:
            return None
        self.session.replay(last.frame_idx, last.obj_id, last.before)
        self.log.undo()
        self.revision += 1
        self._forget_unprompted(last.obj_id)
        return last.frame_idx

    def prompted_objects(self) -> tuple[int, ...]:
        """The objects that can be tracked."""
        return tuple(i for i in self._objects if self.log.frames(i))

    def masks(self, frame_idx: int) -> tuple[tuple[ProjectObject, ...], FloatArray]:
        """The objects that have been prompted, and their masks on a frame.

        Returns:
            N objects and float32 logits [N, h, w] at low resolution.
        """
        known = self.session.obj_ids
        answered = tuple(target for target in self.objects if target.obj_id in known)
        ids = [target.obj_id for target in answered]
        return answered, self.session.mask_logits(frame_idx, ids)

    def _changed(self, obj_id: int, frame_idx: int, steps: Steps) -> None:
        self.log.change(obj_id, frame_idx, steps)
        self.revision += 1
        self._forget_unprompted(obj_id)

    def _forget_unprompted(self, obj_id: int) -> None:
        """Without any prompt there is nothing that an object's results could follow from."""
        if not self.log.frames(obj_id) and obj_id in self.session.obj_ids:
            self.session.remove_object(obj_id)

    def _object(self, obj_id: int) -> ProjectObject:
        try:
            return self._objects[obj_id]
        except KeyError:
            raise PromptError("This object has been removed. Choose or add another one.") from None

    def _inside(self, x: float, y: float) -> tuple[float, float]:
        height, width = self.session.size_hw
        return min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))
