"""What the JSON files that are read look like, as far as it matters here."""

from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_PIXELS: Final = 40_000_000
"""Of a mask: a little above 8K."""

MAX_SIDE: Final = 1 << 15
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
_T = TypeVar("_T")
Several = Annotated[list[_T], Field(fail_fast=True)]
"""Of millions of wrong values only the first is reported."""
Coordinate = Annotated[float, Field(gt=-1e9, lt=1e9)]
"""Of any kind; what is computed with it stays exact, and finite."""
Number = Annotated[int, Field(ge=-(1 << 40), le=1 << 40)]


class _Part(BaseModel):
    """Files hold more than is needed; what is needed is checked."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RleFields(_Part):
    """Run lengths, compressed to text or not."""

    size: tuple[Side, Side]
    counts: str | Several[Annotated[int, Field(ge=0, le=MAX_PIXELS)]]

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
    """A mask or box; the last three say which object it belongs to, each as some program does."""

    image_id: Number
    category_id: Number
    segmentation: RleFields | Several[Several[Coordinate]] = []
    bbox: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    track_id: Number | None = None
    instance_id: Number | None = None
    attributes: dict[str, Any] = {}
    score: Any = None


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

    images: Several[CocoImage]
    annotations: Several[CocoAnnotation]
    categories: Several[CocoCategory] = []
    tracks: Several[CocoTrack] = []


class SavFile(_Part):
    """An SA-V file; the names without "masklet" in SA-V are sam2ov's."""

    masklet: Several[Several[RleFields]]
    masklet_id: Several[Number]
    masklet_object_id: Several[Number] | None = None
    masklet_name: Several[str] | None = None
    masklet_every: Annotated[int, Field(ge=1, le=1000)] = 4
    video_first_frame: Annotated[int, Field(ge=0, le=1 << 40)] = 0


def _require_few_pixels(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise ValueError(f"{width}×{height} pixels are too many")


class CocoResult(_Part):
    """What a detector found, as COCO's evaluation takes it: a list of these is a file."""

    image_id: Number
    category_id: Number
    segmentation: RleFields | None = None
    bbox: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    track_id: Number | None = None
    score: Any = None


class VideoBox(_Part):
    """A box of a frame, which counts from 1, in percent of the picture."""

    frame: Annotated[int, Field(ge=1, le=1 << 40)]
    enabled: bool = True
    x: Coordinate
    y: Coordinate
    width: Coordinate
    height: Coordinate


class RegionValue(_Part):
    """What a region of Label Studio is; which fields there are depends on its kind."""

    rle: Several[Annotated[int, Field(ge=0, le=255)]] | None = None
    points: Several[tuple[Coordinate, Coordinate]] | None = None
    x: Coordinate | None = None
    y: Coordinate | None = None
    width: Coordinate | None = None
    height: Coordinate | None = None
    rotation: Coordinate = 0
    sequence: Several[VideoBox] | None = None
    labels: Several[str] | None = None
    brushlabels: Several[str] | None = None
    polygonlabels: Several[str] | None = None
    rectanglelabels: Several[str] | None = None


class LabelStudioRegion(_Part):
    """A region, or a choice, a relation or whatever else people answer."""

    type: str = ""
    value: RegionValue | None = None
    original_width: Side | None = None
    original_height: Side | None = None

    @model_validator(mode="after")
    def _not_too_large(self) -> Self:
        _require_few_pixels(self.original_height or 1, self.original_width or 1)
        return self


class LabelStudioAnnotation(_Part):
    """What one person answered."""

    result: Several[LabelStudioRegion] = []
    was_cancelled: bool = False


class LabelStudioTask(_Part):
    """A picture or video and the answers to it."""

    data: dict[str, Any]
    annotations: Several[LabelStudioAnnotation] = []
