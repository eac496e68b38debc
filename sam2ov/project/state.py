"""What the documents of a project's journal say: snapshots for readers, and edits for writers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, ValidationError

from sam2ov.errors import ProjectError, PromptError, plain_fault
from sam2ov.mask_files.prompt_file import from_prompt, to_prompt
from sam2ov.project.documents import (
    MAX_POINTS,
    MODEL_KEY,
    ORDER_KEY,
    RANGE_KEY,
    SEQUENCE,
    SEQUENCE_PREFIX,
    ModelDocument,
    OrderDocument,
    RangeDocument,
    object_body,
    object_key,
    parse_object,
    sequence_key,
)
from sam2ov.project.prompt_sequence import PromptSequence
from sam2ov.store.journal import Journal
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.values.objects import ClipObject
from sam2ov.values.palette import default_colour, to_hex
from sam2ov.values.prompts import PointPrompt, Prompt, merge_prompts


@dataclass(frozen=True)
class ProjectSnapshot:
    """A project between two edits; it never changes.

    Attributes:
        objects: by number, in the user's order.
        sequences: prompts by object and frame, where there are any.
        in_out: the frames between the in and the out point; None for the whole clip.
        model: whose results the journal holds; None in a new journal.
        last_id: the highest number that was ever given to an object.
    """

    objects: Mapping[int, ClipObject] = field(default_factory=dict)
    sequences: Mapping[int, Mapping[int, PromptSequence]] = field(default_factory=dict)
    in_out: range | None = None
    model: ModelDocument | None = None
    last_id: int = 0

    def sequence(self, obj_id: int, frame_idx: int) -> PromptSequence:
        """The prompts of an object on a frame as they were given; empty where it has none."""
        return self.sequences.get(obj_id, {}).get(frame_idx, ())

    def prompts(self, obj_id: int) -> dict[int, Prompt]:
        """The prompts of an object by frame, merged as the engine takes them."""
        by_frame = self.sequences.get(obj_id, {})
        return {frame_idx: merge_prompts(sequence) for frame_idx, sequence in by_frame.items()}

    def prompted_frames(self, obj_id: int) -> list[int]:
        """The frames that an object is prompted on, ascending."""
        return sorted(self.sequences.get(obj_id, ()))

    def prompted_objects(self) -> tuple[int, ...]:
        """The objects that have prompts, in the user's order."""
        return tuple(obj_id for obj_id in self.objects if obj_id in self.sequences)

    def with_sequence(
        self, obj_id: int, frame_idx: int, sequence: PromptSequence
    ) -> "ProjectSnapshot":
        """With other prompts of an object on a frame; none takes them away."""
        sequences = dict(self.sequences)
        by_frame = dict(sequences.pop(obj_id, {}))
        if sequence:
            by_frame[frame_idx] = sequence
        else:
            by_frame.pop(frame_idx, None)
        if by_frame:
            sequences[obj_id] = by_frame
        return replace(self, sequences=sequences)


class ProjectState:
    """Objects, prompts, range and model of a project; each change is written to the journal.

    One thread at a time edits it. Others read ``snapshot`` whenever they like: once for an answer,
    because the next one may be of another edit.

    Args:
        journal: to be read, and written to.
        size_hw: of the video.
        num_frames: of the video.
        clean_up: of objects that are added.

    Attributes:
        snapshot: for readers; replaced as a whole.
        draft: for those who edit; ahead of ``snapshot`` inside ``held_back``.

    Raises:
        ProjectError: the journal is damaged.
    """

    def __init__(
        self,
        journal: Journal,
        size_hw: tuple[int, int],
        num_frames: int,
        clean_up: CleanUp = NO_CLEAN_UP,
    ) -> None:
        self._journal = journal
        self._clean_up = clean_up
        self._size_hw = size_hw
        self._num_frames = num_frames
        self._is_held = False
        self.snapshot = self.draft = ProjectSnapshot()
        self.read()

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Have readers see what is changed inside all at once, at the end.

        If the block fails they see nothing of it, and ``read`` is to be called.
        """
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        self._set(self.draft)

    def read(self, keys: Collection[str] | None = None) -> None:
        """Read back what the journal says, after undo or a step that failed.

        Args:
            keys: of the documents that may have changed; None for all.
        """
        try:
            if keys is None:
                present = self._journal.documents("")
                if MODEL_KEY in present:
                    present[ORDER_KEY]  # comes with the model
                self._set(self._parsed(ProjectSnapshot(), present))
            else:
                found = {key: self._journal.document(key) for key in keys}
                changed = {key: document and document[1] for key, document in found.items()}
                self._set(self._parsed(self.draft, changed))
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise ProjectError(
                f"The project is damaged: {_first_line(error)} Open a copy that was saved earlier."
            ) from error

    def add_object(self) -> int:
        """Add an object with a name and colour of its own; returns its number."""
        obj_id = self.draft.last_id + 1
        colour = to_hex(default_colour(obj_id))
        name = f"Object {obj_id}"
        self.put_object(ClipObject(obj_id, name, colour, clean_up=self._clean_up))
        self.put_order([*self.draft.objects])
        return obj_id

    def put_object(self, target: ClipObject) -> None:
        """Add or change an object; a new one needs a place, too (``put_order``)."""
        self._journal.put_document(object_key(target.obj_id), object_body(target))
        objects = {**self.draft.objects, target.obj_id: target}
        self._set(replace(self.draft, objects=objects))

    def put_order(self, ids: Sequence[int]) -> None:
        """Put the objects in order; those that are not named are removed."""
        known = self.draft.objects
        for obj_id in known.keys() - set(ids):
            self._journal.remove_document(object_key(obj_id))
        last_id = max([self.draft.last_id, *ids])
        self._write(ORDER_KEY, OrderDocument(ids=tuple(ids), last_id=last_id))
        self._set(replace(self.draft, objects={i: known[i] for i in ids}, last_id=last_id))

    def put_sequence(self, obj_id: int, frame_idx: int, sequence: PromptSequence) -> None:
        """Set the prompts of an object on a frame; none takes them away."""
        key = sequence_key(obj_id, frame_idx)
        if sequence:
            entries = tuple(from_prompt(frame_idx, prompt) for prompt in sequence)
            self._journal.put_document(key, SEQUENCE.dump_json(entries))
        else:
            self._journal.remove_document(key)
        self._set(self.draft.with_sequence(obj_id, frame_idx, sequence))

    def put_in_out(self, frames: range | None) -> None:
        """Set the in and out points; None takes them away."""
        if frames is None:
            self._journal.remove_document(RANGE_KEY)
        else:
            self._write(RANGE_KEY, RangeDocument(first=frames[0], last=frames[-1]))
        self._set(replace(self.draft, in_out=frames))

    def put_model(self, model: ModelDocument) -> None:
        """Take note of the model."""
        self._write(MODEL_KEY, model)
        self._set(replace(self.draft, model=model))

    def _set(self, snapshot: ProjectSnapshot) -> None:
        self.draft = snapshot
        if not self._is_held:
            self.snapshot = snapshot

    def _write(self, key: str, document: BaseModel) -> None:
        self._journal.put_document(key, document.model_dump_json().encode())

    def _parsed(
        self, before: ProjectSnapshot, documents: Mapping[str, bytes | None]
    ) -> ProjectSnapshot:
        """What follows from documents that have changed; None where there is none any more."""
        ids, last_id, model, in_out = [*before.objects], before.last_id, before.model, before.in_out
        if (body := documents.get(MODEL_KEY)) is not None:
            model = ModelDocument.model_validate_json(body)
        if (body := documents.get(ORDER_KEY)) is not None:
            order = OrderDocument.model_validate_json(body)
            ids, last_id = list(order.ids), max([order.last_id, *order.ids])
        if RANGE_KEY in documents:
            in_out = self._parsed_range(documents[RANGE_KEY])
        objects = {}
        for obj_id in ids:
            body = documents.get(object_key(obj_id))
            objects[obj_id] = before.objects[obj_id] if body is None else parse_object(obj_id, body)
        sequences = {obj_id: dict(by_frame) for obj_id, by_frame in before.sequences.items()}
        for key, body in documents.items():
            if not key.startswith(SEQUENCE_PREFIX):
                continue
            obj_id, frame_idx = map(int, key.removeprefix(SEQUENCE_PREFIX).split("/"))
            if body is None:
                sequences.get(obj_id, {}).pop(frame_idx, None)
            elif obj_id not in objects or not 0 <= frame_idx < self._num_frames:
                raise ValueError(f"object {obj_id} is prompted on frame {frame_idx}.")
            else:
                sequences.setdefault(obj_id, {})[frame_idx] = self._parsed_sequence(body)
        return ProjectSnapshot(
            objects, {i: known for i, known in sequences.items() if known}, in_out, model, last_id
        )

    def _parsed_range(self, body: bytes | None) -> range | None:
        if body is None:
            return None
        found = RangeDocument.model_validate_json(body)
        if not found.first <= found.last < self._num_frames:
            raise ValueError(f"its range goes from frame {found.first} to {found.last}.")
        return range(found.first, found.last + 1)

    def _parsed_sequence(self, body: bytes) -> PromptSequence:
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
        return f"{plain_fault(first)}."
    return f"{error}"
