"""What the documents of a project's journal say, read back and kept in step with them."""

from pydantic import BaseModel, ValidationError

from sam2ov.errors import ProjectError, PromptError
from sam2ov.mask_files.prompt_file import from_prompt, to_prompt
from sam2ov.project.documents import (
    MAX_POINTS,
    MODEL_KEY,
    ORDER_KEY,
    RANGE_KEY,
    SEQUENCE,
    SEQUENCE_PREFIX,
    ModelDocument,
    ObjectDocument,
    OrderDocument,
    RangeDocument,
    object_key,
    sequence_key,
)
from sam2ov.project.prompt_sequence import PromptSequence
from sam2ov.store.journal import Journal
from sam2ov.values.palette import default_colour, to_hex
from sam2ov.values.prompts import PointPrompt, Prompt, merge_prompts


class ProjectState:
    """Objects, prompts, range and model of a project; each change is written to the journal.

    Args:
        journal: to be read, and written to.
        size_hw: of the video.
        num_frames: of the video.

    Attributes:
        objects: by number, in the user's order.
        sequences: prompts by object and frame, where there are any.
        in_out: the frames between the in and the out point; None for the whole clip.
        model: whose results the journal holds; None in a new journal.

    Raises:
        ProjectError: the journal is damaged.
    """

    def __init__(self, journal: Journal, size_hw: tuple[int, int], num_frames: int) -> None:
        self._journal = journal
        self._size_hw = size_hw
        self._num_frames = num_frames
        self.objects: dict[int, ObjectDocument] = {}
        self.sequences: dict[tuple[int, int], PromptSequence] = {}
        self.in_out: range | None = None
        self.model: ModelDocument | None = None
        self._last_id = 0
        self.read()

    def read(self) -> None:
        """Read everything back, after undo or a step that failed."""
        try:
            self._parse(self._journal.documents(""))
        except (ValidationError, ValueError, KeyError) as error:
            raise ProjectError(
                f"The project is damaged: {_first_line(error)} Open a copy that was saved earlier."
            ) from error

    def prompts(self, obj_id: int) -> dict[int, Prompt]:
        """The prompts of an object by frame, merged as the engine takes them."""
        return {
            frame_idx: merge_prompts(sequence)
            for (owner, frame_idx), sequence in self.sequences.items()
            if owner == obj_id
        }

    def prompted_frames(self, obj_id: int) -> list[int]:
        """The frames that an object is prompted on, ascending."""
        return sorted(frame for owner, frame in self.sequences if owner == obj_id)

    def add_object(self) -> int:
        """Add an object with a name and colour of its own; returns its number."""
        obj_id = self._last_id + 1
        colour = to_hex(default_colour(obj_id))
        self.put_object(obj_id, ObjectDocument(name=f"Object {obj_id}", colour=colour))
        self.put_order([*self.objects])
        return obj_id

    def put_object(self, obj_id: int, document: ObjectDocument) -> None:
        """Add or change an object; a new one needs a place, too (``put_order``)."""
        self._write(object_key(obj_id), document)
        self.objects[obj_id] = document

    def put_order(self, ids: list[int]) -> None:
        """Put the objects in order; those that are not named are removed."""
        for obj_id in self.objects.keys() - set(ids):
            self._journal.remove_document(object_key(obj_id))
        self._last_id = max([self._last_id, *ids])
        self._write(ORDER_KEY, OrderDocument(ids=tuple(ids), last_id=self._last_id))
        self.objects = {i: self.objects[i] for i in ids}

    def put_sequence(self, obj_id: int, frame_idx: int, sequence: PromptSequence) -> None:
        """Set the prompts of an object on a frame; none takes them away."""
        key = sequence_key(obj_id, frame_idx)
        if sequence:
            entries = tuple(from_prompt(frame_idx, prompt) for prompt in sequence)
            self._journal.put_document(key, SEQUENCE.dump_json(entries))
            self.sequences[obj_id, frame_idx] = sequence
        else:
            self._journal.remove_document(key)
            self.sequences.pop((obj_id, frame_idx), None)

    def put_in_out(self, frames: range | None) -> None:
        """Set the in and out points; None takes them away."""
        if frames is None:
            self._journal.remove_document(RANGE_KEY)
        else:
            self._write(RANGE_KEY, RangeDocument(first=frames[0], last=frames[-1]))
        self.in_out = frames

    def put_model(self, model: ModelDocument) -> None:
        """Take note of the model."""
        self._write(MODEL_KEY, model)
        self.model = model

    def _write(self, key: str, document: BaseModel) -> None:
        self._journal.put_document(key, document.model_dump_json().encode())

    def _parse(self, documents: dict[str, bytes]) -> None:
        self.objects, self.sequences, self.in_out, self.model = {}, {}, None, None
        if MODEL_KEY in documents:
            self.model = ModelDocument.model_validate_json(documents[MODEL_KEY])
            order = OrderDocument.model_validate_json(documents[ORDER_KEY])
            self._last_id = max([order.last_id, *order.ids])
            for obj_id in order.ids:
                body = documents[object_key(obj_id)]
                self.objects[obj_id] = ObjectDocument.model_validate_json(body)
        if RANGE_KEY in documents:
            found = RangeDocument.model_validate_json(documents[RANGE_KEY])
            if not found.first <= found.last < self._num_frames:
                raise ValueError(f"its range goes from frame {found.first} to {found.last}.")
            self.in_out = range(found.first, found.last + 1)
        for key, body in documents.items():
            if key.startswith(SEQUENCE_PREFIX):
                obj_id, frame_idx = map(int, key.removeprefix(SEQUENCE_PREFIX).split("/"))
                if obj_id not in self.objects or not 0 <= frame_idx < self._num_frames:
                    raise ValueError(f"object {obj_id} is prompted on frame {frame_idx}.")
                self.sequences[obj_id, frame_idx] = self._parse_sequence(body)

    def _parse_sequence(self, body: bytes) -> PromptSequence:
        sequence = tuple(to_prompt(entry, self._size_hw) for entry in SEQUENCE.validate_json(body))
        require_few_points(sequence)
        return sequence


def require_few_points(sequence: PromptSequence) -> None:
    """Raise PromptError if the prompts of a frame have more points than anybody clicks."""
    count = sum(len(prompt.labels) for prompt in sequence if isinstance(prompt, PointPrompt))
    if count > MAX_POINTS:
        raise PromptError(
            f"A frame has {count} points for one object; up to {MAX_POINTS} are possible."
        )


def _first_line(error: Exception) -> str:
    """What is wrong, without what else pydantic tells."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{first['msg']}."
    return f"{error}"
