"""What routes answer with as JSON: a timeline's lanes and review list, kept projects, models."""

from pydantic import BaseModel, ConfigDict, RootModel

from sam2ov.project.review import Reason
from sam2ov.zoo.presets import PresetName


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


class ReviewList(Answer):
    """The frames most worth correcting, the worst first.

    ``is_calibrated``: the model's confidence was compared with true masks.
    """

    items: tuple[ReviewEntry, ...]
    is_calibrated: bool


class FoundOutline(Answer):
    """A mask that was found: its rings as x, y, x, y … in video pixels, to be filled even-odd."""

    area: int
    rings: tuple[tuple[float, ...], ...]


class FoundOutlines(Answer):
    """The masks of everything on a frame; ``number`` is that of the finding."""

    number: int
    frame: int
    masks: tuple[FoundOutline, ...]


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


class ModelCard(Answer):
    """A model that can be chosen.

    Accuracies are J&F in percent as their authors publish them. ``download_bytes`` is 0 where
    nothing has to be fetched. ``seconds`` are those of a frame with one object; ``is_measured``
    tells whether this very model was run. ``by_hand`` says which file to put where, where there is
    no network. ``problem`` says why it cannot run with the preset.
    """

    name: str
    title: str
    description: str
    is_here: bool
    licence: str | None
    parameters: int | None
    download_bytes: int
    disk_bytes: int
    sa_v_test: float | None
    mose_val: float | None
    davis_2017_val: float | None
    seconds: float | None
    is_measured: bool
    by_hand: str
    problem: str


class CameraObject(Answer):
    """An object that is followed, and whether the newest picture shows it."""

    id: int
    seen: bool


class CameraState(Answer):
    """How it goes with a page's camera.

    ``frame`` is the picture's number for prompts, -1 before the first; ``server_ms`` the median of
    the time that a picture takes on the server; ``recorded`` the seconds of the recording, null
    without one; ``problem`` what has gone wrong with it, or nothing.
    """

    frame: int
    objects: tuple[CameraObject, ...]
    fps: float
    server_ms: float
    recorded: float | None
    problem: str


class PresetCard(Answer):
    """A preset and what it does."""

    name: PresetName
    description: str


class ModelList(Answer):
    """The models, for the preset and the device that were asked for, and what goes for all.

    ``notes`` say what came of the preset that is in use with the model in use, ``needs`` what the
    preset that was asked for lacks on this server. While ``is_measuring``, seconds are on their
    way. ``may_fetch`` tells whether the server gets models for its pages,
    ``most_bytes`` how large a checkpoint it takes from them: 0 where it takes none.
    """

    models: tuple[ModelCard, ...]
    presets: tuple[PresetCard, ...]
    devices: tuple[str, ...]
    notes: tuple[str, ...]
    needs: str
    is_measuring: bool
    speed_problem: str
    may_fetch: bool
    most_bytes: int
