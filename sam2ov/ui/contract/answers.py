"""What routes answer with as JSON: lanes and the review list of a timeline, and kept projects."""

from pydantic import BaseModel, ConfigDict, RootModel

from sam2ov.project.review import Reason


class Answer(BaseModel):
    """Base of all parts of an answer."""

    model_config = ConfigDict(frozen=True)


class Lane(Answer):
    """An object's lane: per bin the least confidence in percent, and where it is absent.

    ``absent`` are ranges of frames, as in "0-36,50-96".
    """

    confidence: tuple[int | None, ...]
    absent: str


class Lanes(RootModel[dict[int, Lane]]):
    """The lanes of all objects that have results, by id."""

    model_config = ConfigDict(frozen=True)


class ReviewEntry(Answer):
    """A ``sam2ov.project.review.ReviewItem``."""

    frame: int
    objects: tuple[int, ...]
    reason: Reason
    severity: float
    frames: int


class ReviewList(RootModel[tuple[ReviewEntry, ...]]):
    """The frames most worth correcting, the worst first."""

    model_config = ConfigDict(frozen=True)


class KeptProject(Answer):
    """A kept project: ``used`` is in seconds since the epoch, ``bytes`` all that it takes."""

    token: str
    name: str
    is_sample: bool
    is_open: bool
    used: float
    days_left: float
    frames: int
    width: int
    height: int
    bytes: int
    clip_bytes: int
    journal_bytes: int


class KeptProjects(Answer):
    """The projects that were asked for, the one used last first, and what all projects take."""

    projects: tuple[KeptProject, ...]
    used_bytes: int
    keep_bytes: int
    keep_days: float
