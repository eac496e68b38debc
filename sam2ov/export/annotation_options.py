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
        description="clips: whole clips are kept; stretches: a stretch of each clip, with a gap "
        "around it; auto: clips where there are at least three, else stretches.",
    )
    gap: float = Field(
        1.0, ge=0, description="Seconds on both sides of a stretch that are left out."
    )
    quality: int = Field(95, ge=1, le=100, description="Of the JPEGs.")
    empty: bool = Field(True, description="Keep frames on which no object is to be seen.")


class YoloOptions(SplitOptions):
    """Of YOLO."""

    parts: Literal["joined", "separate"] = Field(
        "joined",
        description="An object in several parts is one polygon, its parts joined by thin lines as "
        "Ultralytics does it; or a polygon for each part, which counts as an object then.",
    )
