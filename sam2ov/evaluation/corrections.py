"""Does one click on a frame where tracking failed help, there and afterwards?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sam2ov.engine.session import VideoSession
from sam2ov.evaluation.metrics import region_similarity
from sam2ov.evaluation.user import correct, current_mask
from sam2ov.values.masks import BoolArray

FAILED_BELOW = 0.5
"""J of a frame on which a user would step in."""

FOLLOWING_FRAMES = 10
"""Annotated frames after the clicked one that are looked at."""

_LOST_AT_MOST = 0.01
"""Of J: masks are stored at the model's resolution, and J moves a little."""


@dataclass(frozen=True)
class Correction:
    """One click; J between 0 and 1.

    Attributes:
        obj_id: the object.
        frame_idx: its worst frame, on which the click is given.
        before: J there; ``clicked``: right after the click; ``after``: after tracking again.
        clicked: see ``before``.
        after: see ``before``.
        following_before: mean J of the frames that follow, before; None where none follow.
        following_after: the same after tracking again.
    """

    obj_id: int
    frame_idx: int
    before: float
    clicked: float
    after: float
    following_before: float | None
    following_after: float | None

    @property
    def raised(self) -> bool:
        """Whether the click made its frame better."""
        return self.clicked > self.before

    @property
    def kept(self) -> bool:
        """Whether tracking again left the frame as good as the click made it."""
        return self.after >= self.clicked - _LOST_AT_MOST


def correct_worst_frame(
    session: VideoSession,
    obj_id: int,
    j: Mapping[int, float],
    truths: Callable[[int], BoolArray],
    track_again: Callable[[], Mapping[int, float]],
) -> tuple[Correction, Mapping[int, float]] | None:
    """Click once on an object's worst frame and track it again.

    Args:
        session: with the object tracked.
        obj_id: the object.
        j: of its frames.
        truths: the true mask on a frame.
        track_again: tracks the object from its prompts and gives J of the same frames.

    Returns:
        What came of it, and J of all frames now; None where no frame has failed on which the
        object can be seen.
    """
    failed = [frame for frame, value in j.items() if value < FAILED_BELOW]
    visible = [frame for frame in failed if truths(frame).any()]
    if not visible:
        return None
    worst = min(visible, key=lambda frame: (j[frame], frame))
    truth = truths(worst)
    correct(session, worst, obj_id, truth)
    clicked = region_similarity(current_mask(session, worst, obj_id), truth)
    again = track_again()
    following = [frame for frame in sorted(j) if frame > worst][:FOLLOWING_FRAMES]
    correction = Correction(
        obj_id=obj_id,
        frame_idx=worst,
        before=j[worst],
        clicked=clicked,
        after=again[worst],
        following_before=_mean(j, following),
        following_after=_mean(again, following),
    )
    return correction, again


def _mean(j: Mapping[int, float], frames: list[int]) -> float | None:
    return float(np.mean([j[frame] for frame in frames])) if frames else None
