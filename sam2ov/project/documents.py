"""What a project's journal holds besides results: small JSON documents by key."""

import hashlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic_core import from_json

from sam2ov.engine.policy import PolicyName
from sam2ov.manifest import Manifest
from sam2ov.mask_files.prompt_file import FramePrompt
from sam2ov.values.objects import MAX_OBJECTS, ClipObject, ObjectId
from sam2ov.zoo.presets import PresetName

ORDER_KEY = "order"
RANGE_KEY = "range"
MODEL_KEY = "model"
OBJECT_PREFIX = "object/"
SEQUENCE_PREFIX = "steps/"

MAX_PROMPTS = 200
"""Prompts of one object on one frame: more are a stuck mouse."""
MAX_POINTS = 1000
"""Points in these prompts; files may bring many in one."""


class Document(BaseModel):
    """Base of all documents."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    memory: PolicyName = "upstream"

    @staticmethod
    def of(
        model: str, device: str, preset: PresetName, memory: PolicyName, manifest: Manifest
    ) -> "ModelDocument":
        """What a project notes of a model; its results fit no other weights, preset or memory.

        Args:
            model: its name, or folder.
            device: that it runs on.
            preset: of its speed.
            memory: which frames it remembers.
            manifest: of the networks that the preset runs.
        """
        told = manifest.model_dump_json(exclude_none=True)
        if preset != "quality":
            told += preset
        if memory != "upstream":
            told += memory
        weights = hashlib.sha256(told.encode()).hexdigest()
        return ModelDocument(
            model=model, device=device, weights=weights, preset=preset, memory=memory
        )

    @property
    def title(self) -> str:
        """The model for people."""
        return titled(self.model, self.preset, self.memory)


def titled(model: str, preset: PresetName, memory: PolicyName) -> str:
    """A model with what is unusual of how it runs."""
    unusual: list[str] = [preset] if preset != "quality" else []
    if memory != "upstream":
        unusual.append(f"{memory} memory")
    return f"{model} ({', '.join(unusual)})" if unusual else model


SEQUENCE: TypeAdapter[tuple[FramePrompt, ...]] = TypeAdapter(
    Annotated[tuple[FramePrompt, ...], Field(min_length=1, max_length=MAX_PROMPTS)]
)
"""The prompts of one object on one frame, in the order in which they were given."""


_OBJECT = TypeAdapter(ClipObject)


def object_key(obj_id: int) -> str:
    """Key of the document of an object."""
    return f"{OBJECT_PREFIX}{obj_id}"


def object_body(target: ClipObject) -> bytes:
    """The document of an object: all but its number, which is in the key."""
    return _OBJECT.dump_json(target, exclude={"obj_id"})


def parse_object(obj_id: int, body: bytes) -> ClipObject:
    """The object of a document.

    Raises:
        ValueError: it is malformed.
        TypeError: likewise.
    """
    return _OBJECT.validate_python(from_json(body) | {"id": obj_id})


def sequence_key(obj_id: int, frame_idx: int) -> str:
    """Key of the prompts of an object on a frame."""
    return f"{SEQUENCE_PREFIX}{obj_id}/{frame_idx}"
