"""What the browser sends. It is untrusted: everything is checked here before anything is done."""

from typing import Annotated, Any, Literal, TypeVar

import gradio as gr
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, Strict, TypeAdapter, ValidationError

from sam2ov.engine.policy import PolicyName
from sam2ov.errors import PromptError, plain_fault
from sam2ov.project import Reach
from sam2ov.values.clean_up import CleanUp
from sam2ov.values.field_order import FieldOrder
from sam2ov.values.objects import MAX_OBJECTS, Category, Colour, Name, ObjectId
from sam2ov.zoo.presets import PresetName

MAX_PROJECTS = 50
"""That a page may ask for at once."""

MAX_FIRST_NUMBER = 10_000_000
MAX_TEMPLATE_LENGTH = 200

OptionName = Annotated[str, Field(min_length=1, max_length=40)]
OptionValue = bool | int | FiniteFloat | Annotated[str, Field(max_length=2000)]

EditNumber = Annotated[int, Field(ge=1, le=2**53)]
Token = Annotated[str, Field(min_length=8, max_length=64)]
FrameIndex = Annotated[int, Field(ge=0, le=10_000_000)]
FoundIndex = Annotated[int, Field(ge=0, le=100_000)]
FrameNumber = Annotated[int, Field(ge=0, le=2**53)]
"""Of a picture that a camera has sent."""
PointIndex = Annotated[int, Field(ge=0, le=1000)]
Coordinate = Annotated[FiniteFloat, Field(ge=-16, le=65_536)]
"""In video pixels; a little outside is clamped, the pointer may leave the picture."""
Place = Annotated[tuple[Coordinate, Coordinate], Strict(strict=False)]
"""JSON has no tuples: a list of two will do."""


class Payload(BaseModel):
    """Base of all payloads. ``clip`` names the clip that the user looked at when acting."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Numbered(Payload):
    """An edit. The page counts its edits and waits until each number has been answered."""

    number: EditNumber


class EditPayload(Numbered):
    """Base of all edits."""

    clip: Token


class ObjectEdit(EditPayload):
    """Base of edits of one object."""

    object: ObjectId


class ObjectsEdit(EditPayload):
    """Base of edits of several objects, which are one step."""

    objects: Annotated[list[ObjectId], Field(min_length=1, max_length=MAX_OBJECTS)]


class FrameEdit(ObjectEdit):
    """Base of edits of one object on one frame."""

    frame: FrameIndex


class Click(FrameEdit):
    """A point on an object (``positive``) or on what does not belong to it."""

    kind: Literal["click"]
    x: Coordinate
    y: Coordinate
    positive: bool


class Box(FrameEdit):
    """A box around an object, any two opposite corners; it replaces the frame's prompts."""

    kind: Literal["box"]
    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate


class Brush(FrameEdit):
    """A stroke that is painted into the object's present mask, or erased from it."""

    kind: Literal["brush"]
    radius: Annotated[FiniteFloat, Field(gt=0, le=4096)]
    erase: bool
    points: Annotated[list[Place], Field(min_length=1, max_length=2000)]


class MovePoint(FrameEdit):
    """Move a point or the corner of a box; ``index`` counts as ``messages.PromptView.points``."""

    kind: Literal["move_point"]
    index: PointIndex
    x: Coordinate
    y: Coordinate


class DeletePoint(FrameEdit):
    """Take a point away, or a whole box."""

    kind: Literal["delete_point"]
    index: PointIndex


class ClearFrame(FrameEdit):
    """Take back all prompts of an object on a frame."""

    kind: Literal["clear_frame"]


class ClearObject(ObjectEdit):
    """Take back all prompts and masks of an object."""

    kind: Literal["clear_object"]


class ClearAll(EditPayload):
    """Take back all prompts and masks of all objects that are not locked."""

    kind: Literal["clear_all"]


class AddObject(EditPayload):
    """Start another object."""

    kind: Literal["add_object"]


class RenameObject(ObjectEdit):
    """Give an object another name."""

    kind: Literal["rename_object"]
    name: Name


class RecolourObjects(ObjectsEdit):
    """Give objects another colour."""

    kind: Literal["recolour_objects"]
    colour: Colour


class ClassifyObjects(ObjectsEdit):
    """Say what class objects have in annotations; empty: what their names say."""

    kind: Literal["classify_objects"]
    category: Category


class HideObjects(ObjectsEdit):
    """Leave objects out of view and out of exports, or bring them back."""

    kind: Literal["hide_objects"]
    hidden: bool


class LockObjects(ObjectsEdit):
    """Protect objects from prompts and tracking, or not any more."""

    kind: Literal["lock_objects"]
    locked: bool


class CleanUpObject(ObjectEdit):
    """Clean an object's masks up for being seen and exported."""

    kind: Literal["clean_up"]
    clean_up: CleanUp


class MoveObject(ObjectEdit):
    """Put an object at another place of the list, counted from 0."""

    kind: Literal["move_object"]
    position: Annotated[int, Field(ge=0, le=MAX_OBJECTS)]


class RemoveObjects(ObjectsEdit):
    """Remove objects with their prompts and results."""

    kind: Literal["remove_objects"]


class SetRange(EditPayload):
    """Set the in and out points, both included; without them the whole clip is meant."""

    kind: Literal["set_range"]
    first: FrameIndex | None
    last: FrameIndex | None


class TakeFound(EditPayload):
    """Make objects of masks that were found on a frame.

    ``found`` is the number of the finding, ``chosen`` are indices of its masks.
    """

    kind: Literal["take_found"]
    found: Annotated[int, Field(ge=1)]
    chosen: Annotated[list[FoundIndex], Field(min_length=1, max_length=MAX_OBJECTS)]


class Undo(EditPayload):
    """Take back the last step."""

    kind: Literal["undo"]


class Redo(EditPayload):
    """Do the step again that was taken back last."""

    kind: Literal["redo"]


Edit = (
    Click
    | Box
    | Brush
    | MovePoint
    | DeletePoint
    | ClearFrame
    | ClearObject
    | ClearAll
    | AddObject
    | RenameObject
    | RecolourObjects
    | ClassifyObjects
    | HideObjects
    | LockObjects
    | CleanUpObject
    | MoveObject
    | RemoveObjects
    | SetRange
    | TakeFound
    | Undo
    | Redo
)


class Open(Payload):
    """Open what was uploaded last (a clip or a project file), the sample, or a kept project.

    With ``field_order``, a kept project's clip is read in this way from now on.
    """

    source: Literal["upload", "sample", "project"]
    project: Token | None = None
    field_order: FieldOrder | None = None


class Close(Payload):
    """Close the clip; its project is kept."""

    clip: Token


class Save(Payload):
    """Make a file of the project."""

    with_clip: bool


class Export(Payload):
    """Make a file of the masks.

    ``objects`` None: all that are not hidden. ``options`` are the format's own, by name; those left
    out have their defaults. ``file`` names the one whose file was uploaded last as an attachment.
    """

    format: Annotated[str, Field(min_length=1, max_length=40)]
    objects: Annotated[list[ObjectId], Field(min_length=1, max_length=MAX_OBJECTS)] | None
    whole_clip: bool
    per_object: bool
    keep_start: bool
    square_pixels: bool
    first_number: Annotated[int, Field(ge=0, le=MAX_FIRST_NUMBER)] | None
    names: Annotated[str, Field(max_length=MAX_TEMPLATE_LENGTH)]
    options: Annotated[dict[OptionName, OptionValue], Field(max_length=40)]
    file: OptionName | None


class SavePrompts(Payload):
    """Make a file of the prompts of all objects."""


class OpenPrompts(Payload):
    """Take prompts or masks from the attachment that was uploaded last."""

    masks: Literal["first", "all"]


class Track(Payload):
    """Track objects from the prompts around ``frame``; ``objects`` None: all not locked."""

    clip: Token
    frame: FrameIndex
    direction: Reach
    objects: Annotated[list[ObjectId], Field(max_length=MAX_OBJECTS)] | None = None


class Prepare(Payload):
    """The user looks at a frame and may click on it next, for ``object``."""

    clip: Token
    frame: FrameIndex
    object: ObjectId | None = None


class Find(Payload):
    """Find masks of everything on a frame, to choose objects from."""

    clip: Token
    frame: FrameIndex


class ChooseModel(Payload):
    """Use a model, or get it first; the server knows it by one of the names that it lists."""

    model: Annotated[str, Field(min_length=1, max_length=4096)]
    device: Annotated[str, Field(min_length=1, max_length=100)]
    preset: PresetName
    memory: PolicyName


class AddModel(Payload):
    """Convert the checkpoint that was uploaded last, and use it."""

    device: Annotated[str, Field(min_length=1, max_length=100)]
    preset: PresetName
    memory: PolicyName


class CameraOrder(Payload):
    """What is done to the picture of the camera.

    click: a point on ``object`` (``positive``) or beside it, on the picture number ``frame``;
    remove: follow ``object`` no more; record: begin a recording; finish: complete it, so that it
    can be opened as what was uploaded last; leave: the camera is switched off.
    """

    kind: Literal["click", "remove", "record", "finish", "leave"]
    object: ObjectId = 1
    frame: FrameNumber = 0
    x: Coordinate = 0.0
    y: Coordinate = 0.0
    positive: bool = True


class AskProjects(Payload):
    """Which kept projects the page wants to hear of, by their tokens."""

    tokens: Annotated[list[Token], Field(max_length=MAX_PROJECTS)]


P = TypeVar("P", bound=Payload)

_EDIT: TypeAdapter[Edit] = TypeAdapter(Annotated[Edit, Field(discriminator="kind")])
_NUMBER: TypeAdapter[int] = TypeAdapter(EditNumber, config=ConfigDict(strict=True))


def number_of(event: gr.EventData) -> int | None:
    """The number of an edit, be the rest of it malformed; None where it has none."""
    payload = _payload(event)
    try:
        return _NUMBER.validate_python(payload.get("number") if isinstance(payload, dict) else None)
    except ValidationError:
        return None


def parse_edit(event: gr.EventData) -> Edit:
    """Check the payload of an ``edit`` event.

    Raises:
        PromptError: it is malformed.
    """
    try:
        return _EDIT.validate_python(_payload(event))
    except ValidationError as error:
        raise _rejected(error) from error


def parse(kind: type[P], event: gr.EventData) -> P:
    """Check the payload of any other event; raises as ``parse_edit``."""
    try:
        return kind.model_validate(_payload(event))
    except ValidationError as error:
        raise _rejected(error) from error


def _payload(event: gr.EventData) -> Any:
    try:
        return event.payload
    except (AttributeError, TypeError):  # no such key, or no keys at all
        return None


def _rejected(error: ValidationError) -> PromptError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "request"
    return PromptError(
        f"The page sent something the server does not accept ({where}: {plain_fault(first)}). "
        "Reload the page and try again."
    )
