"""What the browser sends. It is untrusted: everything is checked here before anything is done."""

from typing import Annotated, Any, Literal, TypeVar

import gradio as gr
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from sam2ov.errors import PromptError

MAX_OBJECTS = 50
MAX_OBJECT_ID = 1_000_000
MAX_NAME_LENGTH = 40

Token = Annotated[str, Field(min_length=8, max_length=64)]
FrameIndex = Annotated[int, Field(ge=0, le=10_000_000)]
ObjectId = Annotated[int, Field(ge=1, le=MAX_OBJECT_ID)]
Coordinate = Annotated[FiniteFloat, Field(ge=-16, le=65_536)]
"""In video pixels; a little outside is clamped, the pointer may leave the picture."""
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]


class Payload(BaseModel):
    """Base of all payloads. ``clip`` names the clip that the user looked at when acting."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Numbered(Payload):
    """An edit. The page counts its edits and waits until each number has been answered."""

    number: Annotated[int, Field(ge=1, le=2**53)]


class Click(Numbered):
    """A point on an object (``positive``) or on what does not belong to it."""

    kind: Literal["click"]
    clip: Token
    frame: FrameIndex
    object: ObjectId
    x: Coordinate
    y: Coordinate
    positive: bool


class Box(Numbered):
    """A box around an object, any two opposite corners; it replaces the frame's prompts."""

    kind: Literal["box"]
    clip: Token
    frame: FrameIndex
    object: ObjectId
    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate


class ClearFrame(Numbered):
    """Take back all prompts of an object on a frame."""

    kind: Literal["clear_frame"]
    clip: Token
    frame: FrameIndex
    object: ObjectId


class Undo(Numbered):
    """Take back the last change to prompts."""

    kind: Literal["undo"]
    clip: Token


class AddObject(Numbered):
    """Start another object."""

    kind: Literal["add_object"]
    clip: Token


class ChangeObject(Numbered):
    """Give an object another name or colour."""

    kind: Literal["change_object"]
    clip: Token
    object: ObjectId
    name: Name
    colour: Colour


class RemoveObject(Numbered):
    """Remove an object with its prompts and results."""

    kind: Literal["remove_object"]
    clip: Token
    object: ObjectId


Edit = Click | Box | ClearFrame | Undo | AddObject | ChangeObject | RemoveObject


class Open(Payload):
    """Open the clip that was uploaded last, or the bundled sample."""

    source: Literal["upload", "sample"]


class Track(Payload):
    """Track all objects from the prompts around ``frame``."""

    clip: Token
    frame: FrameIndex
    direction: Literal["forward", "backward", "both"]


class Prepare(Payload):
    """The user looks at a frame and may click on it next."""

    clip: Token
    frame: FrameIndex


P = TypeVar("P", bound=Payload)

_EDIT: TypeAdapter[Edit] = TypeAdapter(Annotated[Edit, Field(discriminator="kind")])


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
        f"The page sent something the server does not accept ({where}: {first['msg']}). "
        "Reload the page and try again."
    )
