"""What the JSON files that are read look like, as far as it matters here."""

from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

MAX_PIXELS: Final = 40_000_000
"""Of a mask: a little above 8K."""

MAX_SIDE: Final = 1 << 15
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
_T = TypeVar("_T")
_Several = Annotated[list[_T], Field(fail_fast=True)]
"""Of millions of wrong values only the first is reported."""
Number = Annotated[int, Field(ge=-(1 << 40), le=1 << 40)]


class _Part(BaseModel):
    """Files hold more than is needed; what is needed is checked."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RleFields(_Part):
    """Run lengths, compressed to text or not."""

    size: tuple[Side, Side]
    counts: str | _Several[Annotated[int, Field(ge=0, le=MAX_PIXELS)]]

    @model_validator(mode="after")
    def _not_too_large(self) -> Self:
        _require_few_pixels(*self.size)
        return self


class CocoImage(_Part):
    """A picture; ``frame_id`` is there in files of videos."""

    id: Number
    file_name: str = ""
    width: Side
    height: Side
    frame_id: Number | None = None
    video_id: Number | None = None

    @model_validator(mode="after")
    def _not_too_large(self) -> Self:
        _require_few_pixels(self.height, self.width)
        return self


class CocoAnnotation(_Part):
    """A mask; the last three say which object it belongs to, each in the way of some program."""

    image_id: Number
    category_id: Number
    segmentation: RleFields | _Several[_Several[FiniteFloat]] = []
    track_id: Number | None = None
    instance_id: Number | None = None
    attributes: dict[str, Any] = {}


class CocoCategory(_Part):
    """A kind of objects."""

    id: Number
    name: str = ""


class CocoTrack(_Part):
    """An object, as sam2ov and TAO tell of it."""

    id: Number
    name: str = ""
    object_id: Number | None = None


class CocoFile(_Part):
    """A COCO file of instances."""

    images: _Several[CocoImage]
    annotations: _Several[CocoAnnotation]
    categories: _Several[CocoCategory] = []
    tracks: _Several[CocoTrack] = []


class SavFile(_Part):
    """An SA-V file; the names without "masklet" in SA-V are sam2ov's."""

    masklet: _Several[_Several[RleFields]]
    masklet_id: _Several[Number]
    masklet_object_id: _Several[Number] | None = None
    masklet_name: _Several[str] | None = None
    masklet_every: Annotated[int, Field(ge=1, le=1000)] = 4
    video_first_frame: Annotated[int, Field(ge=0, le=1 << 40)] = 0


def _require_few_pixels(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise ValueError(f"{width}×{height} pixels are too many")
