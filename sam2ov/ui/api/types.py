"""What the public functions take and give, as Gradio's API page and MCP clients are told.

The dictionaries are those of ``prompts.json`` (``sam2ov.mask_files.prompt_file``, which checks
them); Gradio would call every field of its models required, so that they are described here once
more.
"""

from typing import Any, Literal, TypedDict


class PointFields(TypedDict, total=False):
    """A click in video pixels; label 1 lies on the object (the default), 0 does not."""

    x: float
    y: float
    label: Literal[0, 1]


class MaskFields(TypedDict, total=False):
    """A mask in COCO's run-length encoding: size (height, width) and compressed counts."""

    size: list[int]
    counts: str


class FramePromptFields(TypedDict, total=False):
    """What is said about an object on one frame: points and at most one box, or a mask."""

    frame: int
    points: list[PointFields]
    box: list[float] | None
    mask: MaskFields | None


class ObjectFields(TypedDict, total=False):
    """An object to track: a number from 1, a name, a colour, and its prompts."""

    id: int
    name: str
    colour: str | None
    prompts: list[FramePromptFields]


class VideoFields(TypedDict, total=False):
    """The video that prompts were made on; checked against the one they are applied to."""

    file: str
    num_frames: int
    width: int
    height: int


class PromptFields(TypedDict, total=False):
    """Everything that tracking a video needs to know besides the model."""

    version: Literal[1]
    video: VideoFields | None
    objects: list[ObjectFields]


class ModelFields(TypedDict):
    """A model: its name, whether it is on the server, what it is good for, and sizes in bytes."""

    name: str
    status: Literal["bundled", "cached", "available"]
    description: str
    download_bytes: int
    disk_bytes: int


class FormatFields(TypedDict):
    """A format: its name, what it is for, how file names end, and its options as JSON Schema."""

    name: str
    purpose: str
    suffix: str
    alpha: bool
    lossless: bool
    options: dict[str, Any]
