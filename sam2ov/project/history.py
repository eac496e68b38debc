"""The steps of a project and the way back, with what is in memory following the journal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sam2ov.errors import ProjectError, PromptError
from sam2ov.project.answers import Answers
from sam2ov.project.documents import SEQUENCE_PREFIX, ModelDocument
from sam2ov.project.state import ProjectState
from sam2ov.store.journal import Journal, Touched


class ModelChangedError(ProjectError):
    """A step that was moved to belongs to results of another ``model``."""

    def __init__(self, model: ModelDocument) -> None:
        super().__init__(f"The project goes on with the model {model.title}.")
        self.model = model


class History:
    """One step for each thing that the user does.

    Args:
        journal: of the project.
        state: of the project.
        answers: to be kept in line with the journal.
        num_frames: of the video.
        model: whose results the project holds.

    Attributes:
        revision: of the masks; what the browser has of an older one is outdated.
    """

    def __init__(
        self,
        journal: Journal,
        state: ProjectState,
        answers: Answers,
        num_frames: int,
        model: ModelDocument,
    ) -> None:
        self.revision = 0
        self._journal = journal
        self._state = state
        self._answers = answers
        self._num_frames = num_frames
        self._runs_on = model

    @contextmanager
    def step(self, label: str, frame_idx: int | None = None) -> Iterator[None]:
        """Take a step; if the block fails, nothing of it has happened.

        Args:
            label: what the user did.
            frame_idx: the frame that it was done on, None if on none.

        Raises:
            PromptError: there is no such frame.
        """
        if frame_idx is not None:  # what is refused must not cost what can be done again
            self._require_frame(frame_idx)
        with ExitStack() as stack:
            try:
                with self._journal.step(label, frame_idx):
                    try:
                        with self._state.held_back():
                            yield
                    except BaseException:
                        stack.enter_context(self._answers.held())
                        raise
            except BaseException:
                self._answers.reload()
                self.revision += 1
                raise
        self.revision += 1

    def undo(self) -> int | None:
        """Take back the last step; returns the frame it was on, None if on none.

        Raises:
            ModelChangedError: it was made with another model: open the project with that one.
        """
        step = self._journal.done
        self._follow(self._journal.undo)
        return step.frame_idx if step else None

    def redo(self) -> int | None:
        """Do the step again that was taken back last; returns and raises as ``undo``."""
        step = self._journal.undone
        self._follow(self._journal.redo)
        return step.frame_idx if step else None

    def _follow(self, move: Callable[[], Touched]) -> None:
        with self._answers.held(), self._state.held_back():
            touched = move()
            self._state.read(touched.keys)
            self.revision += 1
            model = self._state.draft.model
            assert model is not None
            if model != self._runs_on:
                raise ModelChangedError(model)
            keys = [key for key in touched.keys if key.startswith(SEQUENCE_PREFIX)]
            self._answers.load(touched.obj_ids | {int(key.split("/")[1]) for key in keys})

    def _require_frame(self, frame_idx: int) -> None:
        last = self._num_frames - 1
        if not 0 <= frame_idx <= last:
            raise PromptError(
                f"Frame {frame_idx} is outside the video, which has frames 0 to {last}."
            )
