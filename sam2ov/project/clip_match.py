"""Whether a clip is the one that a project was made on: the same pictures at the same places.

A project that is saved without its clip keeps marks: small grey pictures of some of its frames. A
clip that was encoded again, scaled in brightness or graded has them still; another one has not, and
one that was moved by a frame has them elsewhere.
"""

import base64
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from sam2ov.errors import ProjectError
from sam2ov.video.probe import VideoInfo

_HEIGHT, _WIDTH = 36, 64
_COUNT: Final = 5
_REACH: Final = 3
"""Frames before and behind a mark in which its picture is looked for."""

_SAME: Final = 0.002
_OTHER: Final = 0.4
"""How unlike two pictures are, from 0 to 2: up to the one they are the same for sure; from the
other on they are of other things."""

_FLAT: Final = 2.0
"""Standard deviation of a picture, of 255, that shows nothing."""

_OTHER_RATE: Final = 0.01

Grey = npt.NDArray[np.uint8]
"""[36, 64]."""


class ClipMark(BaseModel):
    """The small picture of a frame: 64×36 grey values in base64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: int = Field(ge=0, le=1 << 31)
    grey: Annotated[str, Field(max_length=4 * _HEIGHT * _WIDTH)]


class Pictures(Protocol):
    """A clip, as far as it is needed here."""

    @property
    def info(self) -> VideoInfo:
        """Facts about it."""

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        """A frame, RGB [H, W, 3]."""


class ClipFacts(Protocol):
    """What a project knows of its clip."""

    @property
    def clip_name(self) -> str:
        """What people know it by."""

    @property
    def num_frames(self) -> int:
        """Its length."""

    @property
    def width(self) -> int:
        """In pixels."""

    @property
    def height(self) -> int:
        """In pixels."""

    @property
    def fps(self) -> str | None:
        """Frames per second, a fraction as text; None if not known."""

    @property
    def marks(self) -> tuple[ClipMark, ...]:
        """Some of its frames, if known."""


def marks_of(clip: Pictures) -> tuple[ClipMark, ...]:
    """Small pictures of frames that are spread over a clip.

    Raises:
        VideoError: a frame cannot be read.
    """
    count = clip.info.num_frames
    frames = sorted({(2 * place + 1) * count // (2 * _COUNT) for place in range(_COUNT)})
    return tuple(
        ClipMark(frame=frame, grey=base64.b64encode(_small(clip.read(frame)).tobytes()).decode())
        for frame in frames
    )


def require_match(clip: Pictures, facts: ClipFacts) -> None:
    """Check that a clip is the one of a project.

    Raises:
        ProjectError: it has another size, length or rate, shows something else, or is moved.
        VideoError: a frame cannot be read.
    """
    found = clip.info
    length = found.num_frames
    if (length, found.width, found.height) != (facts.num_frames, facts.width, facts.height):
        _refuse(
            facts,
            f"{facts.num_frames} frames of {facts.width}×{facts.height}, but the clip here has "
            f"{length} of {found.width}×{found.height}",
        )
    if facts.fps is not None:
        rate = Fraction(facts.fps)
        if abs(rate - found.fps) > _OTHER_RATE * rate:
            _refuse(
                facts,
                f"{float(rate):g} frames a second, but the clip here has {float(found.fps):g}",
            )
    marks = [(mark.frame, _grey_of(mark)) for mark in facts.marks if mark.frame < length]
    if not marks:
        return
    here = _unlike(clip, marks, 0)
    if max(here) <= _SAME:
        return
    moved = {step: _unlike(clip, marks, step) for step in range(-_REACH, _REACH + 1) if step}
    best = min(moved, key=lambda step: sum(moved[step]))
    if sum(moved[best]) < 0.5 * sum(here):
        way = "later" if best > 0 else "earlier"
        frames = "a frame" if abs(best) == 1 else f"{abs(best)} frames"
        _refuse(facts, f"whose pictures come {frames} {way} in the clip here")
    if float(np.median(here)) >= _OTHER:
        _refuse(facts, "which shows something else than the clip here")


def _refuse(facts: ClipFacts, difference: str) -> None:
    raise ProjectError(
        f"This project was made on {facts.clip_name}, {difference}. Give the right clip: open it "
        "first, then the project file, or name it with --clip."
    )


def _unlike(clip: Pictures, marks: Sequence[tuple[int, Grey]], step: int) -> list[float]:
    """How unlike the frames so many behind the marks are to them; 0 is equal."""
    last = clip.info.num_frames - 1
    found = []
    for frame, grey in marks:
        other = _small(clip.read(min(max(frame + step, 0), last)))
        deviations = float(grey.std()), float(other.std())
        if min(deviations) < _FLAT:
            # A picture that is nearly flat may be one that is flat, a little brighter.
            found.append(0.0 if max(deviations) < 2 * _FLAT else 1.0)
        else:
            found.append(1 - float((_normal(grey) * _normal(other)).sum()))
    return found


def _grey_of(mark: ClipMark) -> Grey:
    try:
        grey = np.frombuffer(base64.b64decode(mark.grey, validate=True), np.uint8)
        return grey.reshape(_HEIGHT, _WIDTH)
    except ValueError as error:
        raise ProjectError("The project file is damaged. Open another copy.") from error


def _small(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _normal(grey: Grey) -> npt.NDArray[np.float32]:
    """Less its mean; its squares sum to 1."""
    values = grey.astype(np.float32)
    values -= values.mean()
    return np.asarray(values / np.sqrt((values**2).sum()), np.float32)
