"""What is edited in one clip: objects, their prompts and masks, the range, and the way back.

Everything is written to the project's journal as it happens, one step for each thing that the user
does. Undo and redo move between steps; a project that is opened again is where it was left.
"""

from collections.abc import Generator, Sequence
from contextlib import nullcontext, suppress
from typing import Self

from sam2ov.cleanup.masks import CleanedMasks
from sam2ov.engine.plan import Segment, track_segments
from sam2ov.engine.session import TrackedFrame, VideoSession
from sam2ov.errors import PromptError
from sam2ov.progress import CancelCheck, ProgressCallback, TakeTurn
from sam2ov.project.answers import Answers
from sam2ov.project.documents import ModelDocument
from sam2ov.project.history import History, ModelChangedError
from sam2ov.project.objects import ObjectList
from sam2ov.project.prompts import ProjectPrompts
from sam2ov.project.state import ProjectSnapshot, ProjectState
from sam2ov.store.journal import Journal
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.values.masks import FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.values.timeline import Timeline


class Project:
    """Objects and prompts of a clip, and the engine's session that answers them.

    The caller takes turns; the session is safe from any thread by itself, so tracking may go on
    while prompts are answered.

    Args:
        session: over ``journal``, without objects yet.
        journal: a new one, or that of a project that was left.
        model: what the session runs on.
        clean_up: of objects that are added.

    Attributes:
        session: answers the prompts, and knows what was tracked.
        journal: holds everything; its steps have the labels for undo and redo.
        history: undo and redo.
        objects: what there is to prompt, and editing that.
        prompts: what was said about the objects, and editing that.

    Raises:
        ProjectError: the journal is damaged.
        ModelChangedError: it holds results of another model.
    """

    def __init__(
        self,
        session: VideoSession,
        journal: Journal,
        model: ModelDocument,
        clean_up: CleanUp = NO_CLEAN_UP,
    ) -> None:
        self.session = session
        self.journal = journal
        self._state = ProjectState(journal, session.size_hw, session.num_frames, clean_up)
        known = self._state.draft.model
        if known is None:
            with journal.transaction():
                self._state.put_model(model)
                self._state.add_object()
        elif known.weights != model.weights:
            raise ModelChangedError(known)
        answers = Answers(session, self._state)
        self.history = History(journal, self._state, answers, session.num_frames, self.model)
        self.objects = ObjectList(self._state, answers, self.history)
        self.prompts = ProjectPrompts(
            self._state, answers, self.history, self.objects, session.size_hw
        )
        answers.load(self._state.draft.objects)

    @classmethod
    def answered_anew(
        cls,
        session: VideoSession,
        journal: Journal,
        model: ModelDocument,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
        turn: TakeTurn = nullcontext,
        clean_up: CleanUp = NO_CLEAN_UP,
    ) -> Self:
        """Answer all prompts of a project with another model, as one step; tracked masks go.

        Args:
            session: over ``journal``, without objects yet.
            journal: of the project; a project over it is to be used no more if this succeeds, and
                goes on as it was if not.
            model: what ``session`` runs on.
            progress: told of every frame.
            cancel: asked before every prompt.
            turn: taken for every prompt.
            clean_up: of objects that are added.

        Raises:
            CancelledError: ``cancel`` returned true.
        """
        state = ProjectState(journal, session.size_hw, session.num_frames)
        with journal.step(f"Change the model to {model.title}"):
            for obj_id in state.draft.objects:
                session.forget(obj_id)
            state.put_model(model)
            Answers(session, state).replay_all(progress, cancel, turn)
        return cls(session, journal, model, clean_up)

    @property
    def snapshot(self) -> ProjectSnapshot:
        """The project as it is now; whoever needs several things of it takes it once."""
        return self._state.snapshot

    @property
    def in_out(self) -> range | None:
        """The frames between the in and the out point; None for the whole clip."""
        return self.snapshot.in_out

    @property
    def model(self) -> ModelDocument:
        """The model whose results the project holds."""
        model = self.snapshot.model
        assert model is not None
        return model

    def masks(
        self, frame_idx: int, size_hw: tuple[int, int]
    ) -> tuple[tuple[ClipObject, ...], FloatArray]:
        """The objects that have been prompted, and their cleaned masks on a frame.

        Objects that are removed meanwhile are left out.

        Returns:
            N objects and float32 logits [N, H, W] at ``size_hw``.
        """
        while True:
            known = self.session.obj_ids
            answered = tuple(t for t in self.snapshot.objects.values() if t.obj_id in known)
            ids = [target.obj_id for target in answered]
            # For this frame only: what is tracked may change before the next one is asked for.
            cleaned = CleanedMasks(self.session, {t.obj_id: t.clean_up for t in answered})
            try:
                return answered, cleaned.logits_at(frame_idx, size_hw, ids)
            except PromptError:
                if not set(ids) - set(self.session.obj_ids):
                    raise

    def timelines(self) -> dict[int, Timeline]:
        """What is known on each frame about the objects that have been prompted."""
        found = {}
        for obj_id in self.session.obj_ids:
            with suppress(PromptError):  # it has been removed meanwhile
                found[obj_id] = self.session.timeline(obj_id)
        return found

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
        with self.history.step(
            "Set the in and out points" if frames else "Clear the in and out points"
        ):
            self._state.put_in_out(frames)

    def track(self, label: str, segments: Sequence[Segment]) -> Generator[TrackedFrame]:
        """Track objects along segments as one step; stopping early keeps what is done."""
        if not segments:
            return
        step = self.journal.begin(label, segments[0].frames[0])
        try:
            yield from track_segments(self.session, segments)
        finally:
            self.journal.conclude(step)  # the tab may have been closed meanwhile
