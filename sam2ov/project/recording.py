"""What was followed live becomes a project: its objects and masks, as if tracked in the clip."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sam2ov.project.documents import ModelDocument
from sam2ov.project.state import ProjectState
from sam2ov.store.journal import Journal
from sam2ov.store.results import FrameResult, Kind, ResultStore
from sam2ov.values.masks import BoolArray
from sam2ov.values.objects import ClipObject
from sam2ov.values.palette import default_colour, to_hex
from sam2ov.values.prompts import MaskPrompt


class RecordedMasks:
    """Writes the journal of a project while its clip is recorded.

    An object's first mask, and the masks that its prompts led to, are mask prompts of the project;
    what was followed from them is tracked forwards.

    Args:
        path: of the journal, which is not there yet.
        model: whose results these are.

    Raises:
        StorageError: it cannot be made.
    """

    def __init__(self, path: Path, model: ModelDocument) -> None:
        self.path = path
        self._model = model
        self._journal = Journal(path)
        self._store = ResultStore(self._journal, None)
        self._prompts: dict[int, dict[int, MaskPrompt]] = {}

    def keep(
        self,
        frame_idx: int,
        obj_id: int,
        result: FrameResult,
        mask: BoolArray,
        *,
        is_prompted: bool,
    ) -> None:
        """Keep what was found of an object on a frame of the clip.

        Args:
            frame_idx: of the clip.
            obj_id: of the object.
            result: what the model said.
            mask: the same, [H, W] at the size of the clip.
            is_prompted: it answers a prompt.

        Raises:
            StorageError: the disk is full.
        """
        known = self._prompts.get(obj_id)
        if mask.any() and (known is None or is_prompted):
            self._prompts.setdefault(obj_id, {})[frame_idx] = MaskPrompt.of(mask)
            self._store.put(obj_id, frame_idx, Kind.CONDITIONING, result, direction=1)
        elif known is not None:
            self._store.put(obj_id, frame_idx, Kind.TRACKED, result, direction=1)

    @contextmanager
    def written(self) -> Iterator[None]:
        """What is kept inside is written at once, which takes less time."""
        with self._journal.transaction():
            yield

    def finish(self, size_hw: tuple[int, int], num_frames: int) -> None:
        """Write down what the project is about, and close the journal.

        Raises:
            StorageError: the disk is full.
        """
        try:
            with self._journal.transaction():
                state = ProjectState(self._journal, size_hw, num_frames)
                state.put_model(self._model)
                for obj_id, by_frame in sorted(self._prompts.items()):
                    colour = to_hex(default_colour(obj_id))
                    state.put_object(ClipObject(obj_id, f"Object {obj_id}", colour))
                    for frame_idx, prompt in by_frame.items():
                        state.put_sequence(obj_id, frame_idx, (prompt,))
                if self._prompts:
                    state.put_order(sorted(self._prompts))
                else:
                    state.add_object()
        finally:
            self._journal.close()

    def discard(self) -> None:
        """Give it up; nothing stays behind."""
        self._journal.close()
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink(missing_ok=True)
