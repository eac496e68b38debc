"""Scripted interactions: what a user does to a clip, for any predictor with sam2's methods."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tests.reference.record import Answer


class User:
    """Prompts a predictor and keeps its answers.

    Args:
        predictor: the authors' or ours.
        state: its ``inference_state`` of the clip.
        num_frames: of the clip.
        size_hw: of its frames.

    Attributes:
        answers: in the order in which they came.
    """

    def __init__(
        self, predictor: Any, state: Any, num_frames: int, size_hw: tuple[int, int]
    ) -> None:
        self._predictor, self._state = predictor, state
        self.num_frames, self.size_hw = num_frames, size_hw
        self.answers: list[Answer] = []

    def xy(self, x: float, y: float) -> list[float]:
        """A point from fractions of the frame."""
        height, width = self.size_hw
        return [x * width, y * height]

    def at(self, part: float) -> int:
        """A frame index from a fraction of the clip's length."""
        return round(part * (self.num_frames - 1))

    def points(
        self, frame: int, obj: int, *clicks: tuple[float, float, int], **kwargs: Any
    ) -> None:
        """Click at fractions (x, y) with a label each."""
        points = [self.xy(x, y) for x, y, _ in clicks]
        labels = [label for _, _, label in clicks]
        self._ask("add_new_points_or_box", frame, obj, points=points, labels=labels, **kwargs)

    def box(self, frame: int, obj: int, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draw a box at fractions of the frame."""
        self._ask("add_new_points_or_box", frame, obj, box=self.xy(x0, y0) + self.xy(x1, y1))

    def mask(self, frame: int, obj: int, mask: npt.NDArray[np.bool_]) -> None:
        """Give a mask [H, W]."""
        self._ask("add_new_mask", frame, obj, mask=mask)

    def clear(self, frame: int, obj: int) -> None:
        """Clear a frame."""
        self._ask("clear_all_prompts_in_frame", frame, obj)

    def remove(self, obj: int) -> None:
        """Remove an object; the frames that it was prompted on are answered anew."""
        obj_ids, updated = self._predictor.remove_object(self._state, obj)
        for frame, masks in sorted(updated, key=lambda each: int(each[0])):
            self._keep(frame, obj_ids, masks)

    def reset(self) -> None:
        """Remove everything."""
        self._predictor.reset_state(self._state)

    def track(self, **kwargs: Any) -> None:
        """Propagate."""
        for answer in self._predictor.propagate_in_video(self._state, **kwargs):
            self._keep(*answer)

    def _ask(self, method: str, *args: Any, **kwargs: Any) -> None:
        self._keep(*getattr(self._predictor, method)(self._state, *args, **kwargs))

    def _keep(self, frame: int, obj_ids: Any, masks: Any) -> None:
        logits = masks if isinstance(masks, np.ndarray) else masks.float().numpy()
        assert logits.dtype == np.float32
        self.answers.append(Answer(frame, tuple(obj_ids), logits.copy()))


def play(
    script: "Script", predictor: Any, state: Any, frames: npt.NDArray[np.uint8]
) -> list[Answer]:
    """The answers of a predictor to a script.

    Args:
        script: what the user does.
        predictor: the authors' or ours.
        state: its ``inference_state`` of the clip.
        frames: the clip, RGB [T, H, W, 3].
    """
    user = User(predictor, state, len(frames), (frames.shape[1], frames.shape[2]))
    script(user)
    return user.answers


def first_click(user: User) -> None:
    """One click, tracked to the end."""
    user.points(0, 1, (0.3, 0.4, 1))
    user.track()


def box(user: User) -> None:
    """A box, tracked to the end; then a box on another frame."""
    user.box(0, 1, 0.15, 0.15, 0.5, 0.65)
    user.track()
    user.box(user.at(0.6), 1, 0.3, 0.3, 0.7, 0.8)
    user.track(start_frame_idx=user.at(0.5))


def three_clicks(user: User) -> None:
    """Clicks one after another on one frame, each refining the answer before."""
    user.points(0, 1, (0.3, 0.4, 1))
    user.points(0, 1, (0.33, 0.45, 1), clear_old_points=False)
    user.points(0, 1, (0.7, 0.8, 0), clear_old_points=False)
    user.track()


def replaced_clicks(user: User) -> None:
    """Three clicks in one go that replace an earlier one."""
    user.points(0, 1, (0.6, 0.6, 1))
    user.points(0, 1, (0.3, 0.4, 1), (0.35, 0.42, 1), (0.8, 0.1, 0))
    user.track()


def mask_prompt(user: User) -> None:
    """A disc given as a mask, then tracked; a later empty mask says that the object is gone."""
    height, width = user.size_hw
    y, x = np.mgrid[:height, :width]
    disc = np.hypot(x - 0.7 * width, y - 0.65 * height) < 0.2 * height
    user.mask(0, 1, disc)
    user.track()
    user.mask(user.at(0.4), 1, np.zeros_like(disc))
    user.track(start_frame_idx=user.at(0.2))


def correction(user: User) -> None:
    """Clicks on tracked frames, twice on one of them, then tracked again from there."""
    middle, later = user.at(0.5), user.at(0.8)
    user.points(0, 1, (0.3, 0.4, 1))
    user.track()
    user.points(middle, 1, (0.6, 0.6, 1))
    user.points(middle, 1, (0.2, 0.2, 0), clear_old_points=False)
    user.track(start_frame_idx=middle)
    user.points(middle, 1, (0.65, 0.65, 1), clear_old_points=False)
    user.points(later, 1, (0.5, 0.5, 1))
    user.track()


def two_objects(user: User) -> None:
    """Two objects clicked on the first frame, tracked together."""
    user.points(0, 1, (0.3, 0.4, 1))
    user.points(0, 2, (0.7, 0.65, 1), (0.1, 0.9, 0))
    user.track()


def second_object(user: User) -> None:
    """An object added on a later frame after tracking; the first is tracked along."""
    user.points(0, 7, (0.3, 0.4, 1))
    user.track()
    user.box(user.at(0.4), 3, 0.4, 0.4, 0.75, 0.9)
    user.track()
    user.points(user.at(0.2), 3, (0.7, 0.6, 1))
    user.track(start_frame_idx=user.at(0.2))


def reverse(user: User) -> None:
    """Backwards from the last frame, then a correction on a frame tracked backwards."""
    last = user.num_frames - 1
    user.points(last, 1, (0.45, 0.65, 1))
    user.box(last // 2, 2, 0.3, 0.3, 0.7, 0.8)
    user.track(reverse=True, start_frame_idx=last)
    user.points(user.at(0.2), 1, (0.6, 0.6, 1))
    user.track(reverse=True, start_frame_idx=last)
    user.track(start_frame_idx=user.at(0.2))


def removal(user: User) -> None:
    """Removing one of three objects before and after tracking."""
    user.points(0, 1, (0.3, 0.4, 1))
    user.points(0, 2, (0.7, 0.65, 1))
    user.points(user.at(0.4), 3, (0.5, 0.2, 1))
    user.remove(2)
    user.track()
    user.points(user.at(0.5), 4, (0.5, 0.5, 1))
    user.remove(1)
    user.track(start_frame_idx=user.at(0.4))


def clearing(user: User) -> None:
    """Clearing a committed frame, an uncommitted one, and prompting the cleared one again."""
    middle, later = user.at(0.6), user.at(0.8)
    user.points(0, 1, (0.3, 0.4, 1))
    user.points(middle, 1, (0.6, 0.6, 1))
    user.track()
    user.clear(middle, 1)
    user.track(start_frame_idx=user.at(0.4))
    user.points(later, 1, (0.4, 0.4, 1))
    user.clear(later, 1)
    user.points(middle, 1, (0.5, 0.7, 1), (0.1, 0.1, 0))
    user.track(start_frame_idx=user.at(0.5))


def reset(user: User) -> None:
    """Starting over."""
    user.points(0, 1, (0.3, 0.4, 1))
    user.track(max_frame_num_to_track=2)
    user.reset()
    user.box(user.at(0.2), 5, 0.5, 0.4, 0.9, 0.9)
    user.track()


def resume(user: User) -> None:
    """Tracking resumes in the middle, where the neighbours' memories were dropped long ago."""
    user.points(0, 1, (0.3, 0.4, 1))
    user.track()
    user.track(start_frame_idx=user.at(0.6), max_frame_num_to_track=3)
    user.points(user.at(0.8), 1, (0.65, 0.6, 1))
    user.track(start_frame_idx=user.at(0.4), max_frame_num_to_track=4)


Script = Callable[[User], None]

SCRIPTS: Final[tuple[Script, ...]] = (
    first_click,
    box,
    three_clicks,
    replaced_clicks,
    mask_prompt,
    correction,
    two_objects,
    second_object,
    reverse,
    removal,
    clearing,
    reset,
    resume,
)


ANSWERED_ALIKE: Final[tuple[Script, ...]] = (
    first_click,
    three_clicks,
    replaced_clicks,
    mask_prompt,
    correction,
    two_objects,
    resume,
)
"""What sam2 1.0 answers as sam2 1.1.0 does: objects share their prompted frames, and no boxes."""


def everything(user: User) -> None:
    """The kinds of interaction in one short script, for models that take seconds a frame."""
    middle = user.at(0.5)
    user.points(0, 1, (0.3, 0.4, 1))
    user.box(0, 2, 0.5, 0.45, 0.9, 0.85)
    user.track()
    user.points(middle, 1, (0.6, 0.6, 1), (0.2, 0.2, 0))
    user.track(start_frame_idx=middle, reverse=True)
    user.remove(2)
    height, width = user.size_hw
    y, x = np.mgrid[:height, :width]
    user.mask(middle, 3, np.hypot(x - 0.5 * width, y - 0.5 * height) < 0.2 * height)
    user.track(start_frame_idx=middle, max_frame_num_to_track=1)
