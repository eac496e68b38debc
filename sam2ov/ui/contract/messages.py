"""What the server tells the browser: one snapshot of everything the page shows.

A snapshot stands for itself: when two arrive at once, the page may skip the older one.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.dataclasses import dataclass

from sam2ov.engine.policy import PolicyName
from sam2ov.ui.contract.formats import FormatView
from sam2ov.values.field_order import FieldOrder
from sam2ov.values.objects import ClipObject
from sam2ov.zoo.presets import PresetName

About = Literal["clip", "edit", "track", "export", "prompts", "project", "model"]
"""What the user did when something went wrong."""


class Message(BaseModel):
    """Base of all parts of a snapshot."""

    model_config = ConfigDict(frozen=True)


class EditorProps(Message):
    """What the editor is made with: the URL of its first module, and what may be uploaded.

    ``limits`` says in words what ``max_bytes``, ``max_pixels`` (of a frame) and ``max_seconds``
    say in numbers; unused projects are kept for ``keep_days`` and have up to ``max_objects``.
    """

    script: str
    limits: str
    keep_days: float
    max_bytes: int
    max_pixels: int
    max_seconds: float
    max_objects: int
    formats: tuple[FormatView, ...]


class ClipView(Message):
    """The opened clip. ``token`` opens its frames at ``media/<token>/<i>.jpg``.

    ``pixel_aspect`` is width / height of a pixel as shown; ``treatment`` says what is done to its
    pictures to show them, a line each; ``has_sound`` tells of a sound track. ``field_order`` is how
    they are read where they have fields; None where nothing speaks for that.
    """

    token: str
    name: str
    num_frames: int
    width: int
    height: int
    pixel_aspect: float
    fps: float
    has_sound: bool
    treatment: tuple[str, ...]
    field_order: FieldOrder | None


class PromptView(Message):
    """A frame's prompts of one object.

    ``points`` are (x, y, label) in video pixels with the labels of ``sam2ov.values.prompts.Label``;
    ``has_mask`` says that a mask was given.
    """

    points: tuple[tuple[float, float, int], ...]
    has_mask: bool


@dataclass(
    frozen=True,
    kw_only=True,
    config=ConfigDict(populate_by_name=True, json_schema_serialization_defaults_required=True),
)
class ObjectView(ClipObject):
    """An object. ``tracked`` and ``stale`` are ranges of frames, as in "0-36,50-96"."""

    prompts: dict[int, PromptView]
    tracked: str
    stale: str


class JobView(Message):
    """A long operation: ``done`` of ``total`` (0: unknown) in ``unit``, and what the clock says.

    ``sharing`` others use the model now; ``waiting`` of them stand before it in the queue, None
    while it works.
    """

    kind: Literal["track", "export", "load", "find"]
    label: str
    done: int
    total: int
    unit: str
    per_second: float | None
    seconds_left: float | None
    cancelling: bool
    sharing: int
    waiting: int | None


class ModelView(Message):
    """The model in use: what it is asked for by, what it is called, and how it runs."""

    name: str
    title: str
    device: str
    preset: PresetName
    memory: PolicyName
    is_demonstration: bool


class GettingView(Message):
    """A model that is being fetched and converted, while the page goes on with another.

    ``model`` is empty for a checkpoint that was uploaded.
    """

    model: str
    job: JobView


class MaskView(Message):
    """All masks of a frame, ``png`` in base64: ``overlay.Overlay``."""

    frame: int
    png: str
    objects: tuple[tuple[int, int], ...]


class FoundView(Message):
    """The finding that was asked for last: the frame, and how many masks are on it.

    ``number`` counts the findings of the clip; the outlines are at ``media/<token>/found``.
    """

    number: int
    frame: int
    count: int


class RangeView(Message):
    """In and out points, both included."""

    first: int
    last: int


class ProjectView(Message):
    """The open project; ``token`` opens it again."""

    token: str
    name: str


class DownloadView(Message):
    """A file that the page fetches once, at ``url`` relative to the page."""

    url: str
    name: str
    bytes: int


class ProblemView(Message):
    """What went wrong last, until its cause is gone: the next event takes it away.

    ``about`` says beside which control the page shows it; ``number`` tells one from the next.
    """

    number: int
    about: About
    text: str


class Refusal(Message):
    """In place of the first snapshot: the server takes no more pages; ``full`` says what to do."""

    full: str


class SayHello(Message):
    """In place of a snapshot: the server does not know the page (any more) and waits for its hello.

    The event has done nothing.
    """

    unknown: bool


class Snapshot(Message):
    """The state of one browser tab.

    ``seq`` grows with every snapshot, ``revision`` whenever masks that the page may hold have
    become outdated. ``edits`` is the highest number of an answered edit; ``opened`` counts the
    answered requests to open a clip, with or without success. ``show_frame`` asks the page to go
    to a frame. ``upload`` opens the way for a clip at ``media/<upload>/clip``. ``undo`` and
    ``redo`` say what they would do.
    """

    seq: int
    edits: int
    opened: int
    upload: str
    clip: ClipView | None
    objects: tuple[ObjectView, ...]
    revision: int
    range: RangeView | None
    undo: str | None
    redo: str | None
    project: ProjectView | None
    model: ModelView
    getting: GettingView | None
    job: JobView | None
    mask: MaskView | None
    found: FoundView | None
    show_frame: int | None
    download: DownloadView | None
    problem: ProblemView | None
