"""The prompts of a project, and how the user edits them; each edit is a step."""

from collections.abc import Sequence

from sam2ov.errors import PromptError
from sam2ov.project.answers import Answers
from sam2ov.project.documents import MAX_PROMPTS
from sam2ov.project.history import History
from sam2ov.project.objects import ObjectList
from sam2ov.project.prompt_sequence import (
    PromptSequence,
    painted,
    refined,
    with_point_moved,
    without_point,
)
from sam2ov.project.state import ProjectState
from sam2ov.values.masks import FloatArray
from sam2ov.values.prompts import MaskPrompt, make_point_prompt


class ProjectPrompts:
    """The prompts by object and frame, in video pixels; points outside are moved to the edge.

    Every edit raises PromptError if the object has been removed or is locked, or if there is no
    such frame.

    Args:
        state: of the project.
        answers: to the prompts.
        history: that the edits here become steps of.
        objects: of the project.
        size_hw: of the video.
    """

    def __init__(
        self,
        state: ProjectState,
        answers: Answers,
        history: History,
        objects: ObjectList,
        size_hw: tuple[int, int],
    ) -> None:
        self._state = state
        self._answers = answers
        self._history = history
        self._objects = objects
        self._size_hw = size_hw

    def obj_ids(self) -> tuple[int, ...]:
        """The objects that have prompts, in the user's order."""
        return self._state.snapshot.prompted_objects()

    def frames(self, obj_id: int) -> list[int]:
        """The frames that an object is prompted on, ascending."""
        return self._state.snapshot.prompted_frames(obj_id)

    def sequence(self, obj_id: int, frame_idx: int) -> PromptSequence:
        """The prompts of an object on a frame as they were given; empty where it has none."""
        return self._state.snapshot.sequence(obj_id, frame_idx)

    def click(
        self, obj_id: int, frame_idx: int, xy: tuple[float, float], *, positive: bool
    ) -> None:
        """Add a point to an object on a frame; a mask that was painted or given is refined.

        Raises:
            PromptError: besides, if nothing of a painted mask would be left.
        """
        target = self._objects.find_unlocked(obj_id)
        prompt = make_point_prompt([self._inside(*xy)], [int(positive)], None, self._size_hw)
        if len(self.sequence(obj_id, frame_idx)) >= MAX_PROMPTS:
            raise PromptError(
                f"Frame {frame_idx} has {MAX_PROMPTS} prompts for this object already. Clear the "
                "frame and draw a box instead."
            )
        given = any(isinstance(one, MaskPrompt) for one in self.sequence(obj_id, frame_idx))
        with self._history.step(f"Click on {target.name}", frame_idx):
            if not given:
                self._answers.add(obj_id, frame_idx, prompt)
                return
            # The mask goes in with the click. Of the answer only what the click is about is taken:
            # models may well find another object, and what was painted is not theirs to drop.
            present = self._answers.mask(obj_id, frame_idx)
            self._answers.add(obj_id, frame_idx, prompt)
            answer = self._answers.mask(obj_id, frame_idx)
            mask = refined(present, answer, self._inside(*xy), positive=positive)
            if not mask.any():
                raise PromptError(
                    "This click would take away all that was painted. Use the eraser (E) for a "
                    "part of it, or clear the frame (Del) to start over."
                )
            self._answers.replay(obj_id, frame_idx, (MaskPrompt.of(mask),))

    def preview_click(
        self,
        obj_id: int,
        frame_idx: int,
        xy: tuple[float, float],
        size_hw: tuple[int, int],
        *,
        positive: bool,
    ) -> FloatArray | None:
        """What ``click`` would show of an object, and nothing changes.

        Args:
            obj_id: the object.
            frame_idx: the frame.
            xy: the point.
            size_hw: of the mask.
            positive: whether the point belongs to the object.

        Returns:
            Cleaned float32 logits [H, W]; None where the frame is not prepared.
        """
        target = self._objects.find_unlocked(obj_id)
        prompt = make_point_prompt([self._inside(*xy)], [int(positive)], None, self._size_hw)
        return self._answers.preview(target, frame_idx, prompt, size_hw)

    def box(
        self, obj_id: int, frame_idx: int, corner: tuple[float, float], other: tuple[float, float]
    ) -> None:
        """Start an object on a frame over, from a box between any two opposite corners."""
        target = self._objects.find_unlocked(obj_id)
        (x0, y0), (x1, y1) = self._inside(*corner), self._inside(*other)
        box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            raise PromptError("The box is empty. Drag from one corner of the object to the other.")
        prompt = make_point_prompt(None, None, box, self._size_hw)
        self._replay(f"Box around {target.name}", obj_id, frame_idx, (prompt,))

    def brush(
        self,
        obj_id: int,
        frame_idx: int,
        points_xy: Sequence[tuple[float, float]],
        radius: float,
        *,
        erase: bool,
        pixel_aspect: float = 1.0,
    ) -> None:
        """Paint into an object's mask on a frame; the result is a mask prompt.

        Args:
            obj_id: the object.
            frame_idx: the frame.
            points_xy: the stroke.
            radius: of the brush, in rows of the video.
            erase: take the stroke away from the mask.
            pixel_aspect: width / height of a pixel; the brush is round where the video is shown.
        """
        target = self._objects.find_unlocked(obj_id)
        present = self._answers.mask(obj_id, frame_idx)
        mask = painted(present, points_xy, radius, erase=erase, pixel_aspect=pixel_aspect)
        verb = "Erase from" if erase else "Paint"
        self._replay(f"{verb} {target.name}", obj_id, frame_idx, (MaskPrompt.of(mask),))

    def import_mask(self, obj_id: int, frame_idx: int, prompt: MaskPrompt) -> None:
        """Give an object's mask on a frame; it replaces the frame's prompts."""
        target = self._objects.find_unlocked(obj_id)
        self._replay(f"Mask of {target.name}", obj_id, frame_idx, (prompt,))

    def move_point(self, obj_id: int, frame_idx: int, index: int, xy: tuple[float, float]) -> None:
        """Move a point or the corner of a box; ``index`` counts as ``points_of``."""
        target = self._objects.find_unlocked(obj_id)
        sequence = with_point_moved(self.sequence(obj_id, frame_idx), index, self._inside(*xy))
        self._replay(f"Move a point of {target.name}", obj_id, frame_idx, sequence)

    def delete_point(self, obj_id: int, frame_idx: int, index: int) -> None:
        """Take a point or a box away; ``index`` counts as ``points_of``."""
        target = self._objects.find_unlocked(obj_id)
        sequence = without_point(self.sequence(obj_id, frame_idx), index)
        self._replay(f"Delete a point of {target.name}", obj_id, frame_idx, sequence)

    def clear_frame(self, obj_id: int, frame_idx: int) -> None:
        """Take back all prompts of an object on a frame."""
        target = self._objects.find_unlocked(obj_id)
        if self.sequence(obj_id, frame_idx):
            self._replay(f"Clear {target.name} on this frame", obj_id, frame_idx, ())

    def clear_object(self, obj_id: int) -> None:
        """Take back all prompts and masks of an object."""
        target = self._objects.find_unlocked(obj_id)
        with self._history.step(f"Clear {target.name}"):
            self._answers.forget(obj_id)

    def clear_all(self) -> None:
        """Take back all prompts and masks of all objects that are not locked."""
        with self._history.step("Clear all objects"):
            for target in self._objects:
                if not target.locked:
                    self._answers.forget(target.obj_id)

    def _replay(self, label: str, obj_id: int, frame_idx: int, sequence: PromptSequence) -> None:
        with self._history.step(label, frame_idx):
            self._answers.replay(obj_id, frame_idx, sequence)

    def _inside(self, x: float, y: float) -> tuple[float, float]:
        height, width = self._size_hw
        return min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))
