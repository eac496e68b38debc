"""What people know an object of a clip by: one record, from the journal to the page and exports."""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, ConfigDict, Field

from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.values.palette import Rgb, from_hex

MAX_OBJECTS: Final = 50
"""In a project, or in a call of the app's functions."""
MAX_OBJECT_ID: Final = 1_000_000
MAX_NAME_LENGTH: Final = 40

ObjectId = Annotated[int, Field(ge=1, le=MAX_OBJECT_ID)]


def plain_name(name: str) -> str:
    """A name from anywhere, fit for terminals, logs and files: no control characters in it."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() or c in _JOINERS else "\ufffd" for c in name)


_JOINERS: Final = "\u200c\u200d"  # parts of words, and of emoji

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(plain_name)]
Category = Annotated[str, Field(max_length=MAX_NAME_LENGTH), AfterValidator(plain_name)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


@dataclass(frozen=True)
class ClipObject:
    """An object as people know it: its number, name and "#rrggbb" colour.

    One that is ``hidden`` is left out of view and of exports; one that is ``locked`` takes no
    prompts and is not tracked. ``clean_up`` is done to what is shown and exported of it.
    ``category`` is its class in annotations; empty where its name is. What comes from elsewhere is
    checked against the types of the fields.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    obj_id: Annotated[ObjectId, Field(alias="id")]
    name: Name
    colour: Colour
    hidden: bool = False
    locked: bool = False
    clean_up: CleanUp = NO_CLEAN_UP
    category: Category = ""

    @property
    def rgb(self) -> Rgb:
        """The colour as numbers."""
        return from_hex(self.colour)
