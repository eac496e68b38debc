"""Options of annotation formats."""

from typing import Literal

from pydantic import Field

from sam2ov.export.format import FormatOptions


class DavisOptions(FormatOptions):
    """Of DAVIS."""

    images: bool = Field(False, description="Add the frames as JPEGs, as DAVIS has them.")
    quality: int = Field(95, ge=1, le=100, description="Of the JPEGs.")


class EveryOptions(FormatOptions):
    """For formats that need not have every frame."""

    every: int = Field(1, ge=1, description="Take every N-th frame of the range.")


class CocoOptions(EveryOptions):
    """Of COCO."""

    segmentation: Literal["rle", "polygon"] = Field(
        "rle",
        description="rle: exact masks; polygon: outlines that annotation programs let people edit.",
    )
    images: Literal["jpg", "png"] = Field(
        "jpg", description="What the names of the pictures end in, which the file refers to."
    )


class SplitOptions(EveryOptions):
    """Of training data: pictures, and which of them are for validation."""

    val: float = Field(0.2, ge=0, le=0.9, description="Share of frames kept for validation.")
    split: Literal["auto", "clips", "stretches"] = Field(
        "auto",
        description="clips: whole clips are kept; stretches: the end of each clip, with a gap "
        "before it; auto: clips where there are at least three, else stretches.",
    )
    gap: float = Field(1.0, ge=0, description="Seconds before such an end that are left out.")
    quality: int = Field(95, ge=1, le=100, description="Of the JPEGs.")
    empty: bool = Field(True, description="Keep frames on which no object is to be seen.")


class YoloOptions(SplitOptions):
    """Of YOLO."""

    parts: Literal["auto", "joined", "separate"] = Field(
        "auto",
        description="An object in several parts: joined is one polygon, its parts connected by "
        "thin lines as Ultralytics does it; separate is a polygon for each, which counts as an "
        "object then; auto joins where the lines change less than 2 % of the mask, and else leaves "
        "out specks, if that changes no more than that.",
    )


class DatasetOptions(YoloOptions):
    """Of a data set in several formats at once."""


class LabelStudioOptions(EveryOptions):
    """Of Label Studio."""

    video: str = Field(
        "",
        max_length=2000,
        description="Where Label Studio finds the clip, such as /data/upload/1/clip.mp4; the "
        "clip's name if left out.",
    )


class CvatOptions(EveryOptions):
    """Of CVAT."""

    shapes: Literal["mask", "polygon", "box"] = Field(
        "mask",
        description="mask: exact, each a shape of its own, as CVAT keeps masks; polygon, box: a "
        "track for each object, to be edited.",
    )
