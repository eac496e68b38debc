"""What a project's journal holds besides results: small JSON documents by key."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sam2ov.mask_files.prompt_file import Colour, FramePrompt
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.zoo.presets import PresetName

ORDER_KEY = "order"
RANGE_KEY = "range"
MODEL_KEY = "model"
OBJECT_PREFIX = "object/"
SEQUENCE_PREFIX = "steps/"

MAX_NAME_LENGTH = 40
MAX_OBJECTS = 50
MAX_OBJECT_ID = 1_000_000
MAX_PROMPTS = 200
"""Prompts of one object on one frame: more are a stuck mouse."""
MAX_POINTS = 1000
"""Points in these prompts; files may bring many in one."""

ObjectId = Annotated[int, Field(ge=1, le=MAX_OBJECT_ID)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]


class Document(BaseModel):
    """Base of all documents."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ObjectDocument(Document):
    """An object as the user knows it; hidden ones are left out of view and of exports."""

    name: Name
    colour: Colour
    hidden: bool = False
    locked: bool = False
    clean_up: CleanUp = NO_CLEAN_UP


class OrderDocument(Document):
    """The objects in the user's order, and the highest number that was ever given."""

    ids: Annotated[tuple[ObjectId, ...], Field(max_length=MAX_OBJECTS)]
    last_id: ObjectId


class RangeDocument(Document):
    """In and out points, both included."""

    first: int = Field(ge=0)
    last: int = Field(ge=0)


class ModelDocument(Document):
    """The model whose results the journal holds: name or folder, and checksum of its weights.

    The checksum tells results apart: of a preset that changes them, it covers the preset too.
    """

    model: str = Field(max_length=4096)
    device: str = Field(max_length=200)
    weights: str = Field(max_length=200)
    preset: PresetName = "quality"

    @property
    def title(self) -> str:
        """The model for people."""
        return self.model if self.preset == "quality" else f"{self.model} ({self.preset})"


SEQUENCE: TypeAdapter[tuple[FramePrompt, ...]] = TypeAdapter(
    Annotated[tuple[FramePrompt, ...], Field(min_length=1, max_length=MAX_PROMPTS)]
)
"""The prompts of one object on one frame, in the order in which they were given."""


def object_key(obj_id: int) -> str:
    """Key of an ``ObjectDocument``."""
    return f"{OBJECT_PREFIX}{obj_id}"


def sequence_key(obj_id: int, frame_idx: int) -> str:
    """Key of the prompts of an object on a frame."""
    return f"{SEQUENCE_PREFIX}{obj_id}/{frame_idx}"
