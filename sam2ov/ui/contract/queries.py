"""What the page asks routes for, as JSON in their query. It is untrusted, like payloads."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sam2ov.ui.contract.payloads import Coordinate, OptionName, OptionValue
from sam2ov.values.objects import MAX_OBJECTS, ObjectId

MAX_QUERY_LENGTH = 2000
MAX_OPTIONS = 20


class Query(BaseModel):
    """Base of all queries."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Look(Query):
    """An export that the stage shows: a format's name and its options; those left out are usual.

    ``objects`` are all that are not hidden, or those with these numbers.
    """

    format: Annotated[str, Field(min_length=1, max_length=60)]
    options: Annotated[dict[OptionName, OptionValue], Field(max_length=MAX_OPTIONS)]
    objects: Literal["all"] | Annotated[list[ObjectId], Field(max_length=MAX_OBJECTS)]


class Hover(Query):
    """What a click at a place in video pixels would give an object, or take from it."""

    object: ObjectId
    x: Coordinate
    y: Coordinate
    positive: bool
