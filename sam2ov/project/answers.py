"""The engine's session and a project's prompts, kept in line with each other."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np

from sam2ov.cleanup.masks import CleanedMasks
from sam2ov.engine.session import VideoSession
from sam2ov.errors import ProjectError
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, TakeTurn, raise_if_cancelled
from sam2ov.project.prompt_sequence import PromptSequence
from sam2ov.project.state import ProjectState
from sam2ov.values.masks import BoolArray, FloatArray, MaskSource, no_object, resize_logits
from sam2ov.values.objects import ClipObject
from sam2ov.values.prompts import PointPrompt, Prompt


class WithAnswer:
    """A ``MaskSource`` in which an object has another answer on a frame.

    Args:
        stored: all other answers.
        obj_id: the object, which may be unknown there.
        frame_idx: the frame.
        logits: the answer, float32 [h, w].
    """

    def __init__(self, stored: MaskSource, obj_id: int, frame_idx: int, logits: FloatArray) -> None:
        self._stored = stored
        self._place = obj_id, frame_idx
        self._logits = logits
        self.num_frames = stored.num_frames
        self.size_hw = stored.size_hw

    @property
    def obj_ids(self) -> Sequence[int]:
        """The objects that have prompts."""
        return self._stored.obj_ids

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        """The objects' answers on a frame, float32 [N, H, W] at a size."""
        ids = self.obj_ids if obj_ids is None else obj_ids
        found = [self._single(obj_id, frame_idx, size_hw) for obj_id in ids]
        stacked: FloatArray = np.asarray(found, np.float32).reshape(len(found), *size_hw)
        return stacked

    def _single(self, obj_id: int, frame_idx: int, size_hw: tuple[int, int]) -> FloatArray:
        if (obj_id, frame_idx) == self._place:
            resized: FloatArray = resize_logits(self._logits[None], size_hw)[0]
            return resized
        if obj_id not in self._stored.obj_ids:
            return no_object(size_hw)
        single: FloatArray = self._stored.logits_at(frame_idx, size_hw, [obj_id])[0]
        return single


class Answers:
    """What the session says to the prompts of the project's state.

    Nothing here is a step: whoever calls takes one (``History.step``).

    Args:
        session: over the journal that ``state`` is of.
        state: of the project.
    """

    def __init__(self, session: VideoSession, state: ProjectState) -> None:
        self._session = session
        self._state = state

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have whoever reads answers wait, from a move of the journal until ``load`` is done."""
        with self._session.held():
            yield

    def load(self, obj_ids: Iterable[int]) -> None:
        """Have the session take up what the journal knows of objects.

        Raises:
            ProjectError: a stored result is damaged.
        """
        for obj_id in obj_ids:
            try:
                self._session.load(obj_id, self._state.draft.prompts(obj_id))
            except (IndexError, OverflowError, TypeError, ValueError) as error:
                raise ProjectError(
                    f"The results of object {obj_id} are damaged ({error}). Open a copy of the "
                    "project that was saved earlier."
                ) from error

    def reload(self) -> None:
        """Bring state and session in line with the journal; raises as ``load``."""
        known = {*self._session.obj_ids, *self._state.draft.objects}
        self._state.read()
        self.load(known.union(self._state.draft.objects))

    def add(self, obj_id: int, frame_idx: int, prompt: PointPrompt) -> None:
        """Answer points that add to what was said about an object on a frame."""
        self._answer(obj_id, frame_idx, prompt)
        sequence = self._state.draft.sequence(obj_id, frame_idx)
        self._state.put_sequence(obj_id, frame_idx, (*sequence, prompt))

    def replay(self, obj_id: int, frame_idx: int, sequence: PromptSequence) -> None:
        """Answer prompts in place of what was said about an object on a frame."""
        self._session.replay(frame_idx, obj_id, sequence)
        self._state.put_sequence(obj_id, frame_idx, sequence)
        if not self._state.draft.prompted_frames(obj_id):
            # Without any prompt there is nothing that results could follow from.
            self._remove_results(obj_id)

    def replay_all(
        self,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
        turn: TakeTurn = nullcontext,
    ) -> None:
        """Answer all prompts from the beginning; the session knows no answers yet.

        Args:
            progress: told of every frame.
            cancel: asked before every prompt.
            turn: taken for every prompt.

        Raises:
            CancelledError: ``cancel`` returned true.
        """
        stage = "Answering the prompts"
        prompted = [
            (obj_id, *entry)
            for obj_id, by_frame in self._state.draft.sequences.items()
            for entry in by_frame.items()
        ]
        for done, (obj_id, frame_idx, sequence) in enumerate(prompted, 1):
            for prompt in sequence:
                raise_if_cancelled(cancel, stage)
                with turn():
                    self._answer(obj_id, frame_idx, prompt)
            if progress is not None:
                progress(Progress(stage, done, len(prompted), "items"))

    def forget(self, obj_id: int) -> None:
        """Take back all prompts of an object, and with them its results."""
        for frame_idx in self._state.draft.prompted_frames(obj_id):
            self._state.put_sequence(obj_id, frame_idx, ())
        self._remove_results(obj_id)

    def preview(
        self, target: ClipObject, frame_idx: int, prompt: PointPrompt, size_hw: tuple[int, int]
    ) -> FloatArray | None:
        """What an object would look like with points more on a frame, [H, W]; None: see there."""
        logits = self._session.preview_points(frame_idx, target.obj_id, prompt)
        if logits is None:
            return None
        source = WithAnswer(self._session, target.obj_id, frame_idx, logits)
        cleaned = CleanedMasks(source, {target.obj_id: target.clean_up})
        shown: FloatArray = cleaned.logits_at(frame_idx, size_hw, [target.obj_id])[0]
        return shown

    def mask(self, obj_id: int, frame_idx: int) -> BoolArray:
        """The mask of an object on a frame, [H, W] in video pixels; empty where it has none."""
        size_hw = self._session.size_hw
        if obj_id not in self._session.obj_ids:
            return np.zeros(size_hw, np.bool_)
        mask: BoolArray = self._session.logits_at(frame_idx, size_hw, [obj_id])[0] > 0
        return mask

    def _answer(self, obj_id: int, frame_idx: int, prompt: Prompt) -> None:
        """Answer what is said next, after what was said about an object on a frame."""
        if isinstance(prompt, PointPrompt):
            self._session.add_points(frame_idx, obj_id, prompt, clear_old_points=False)
        else:
            self._session.add_mask(frame_idx, obj_id, prompt)

    def _remove_results(self, obj_id: int) -> None:
        if obj_id in self._session.obj_ids:
            self._session.remove_object(obj_id)
