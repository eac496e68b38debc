"""``LiveTracker``: prompts, corrections and removals while frames come."""

import re
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from sam2ov.engine.model import SAM2Model
from sam2ov.errors import PromptError
from sam2ov.jobs.live.tracker import LiveTracker
from tests.engine.test_live_session import SIZE_HW, picture
from tests.fake_model import FakeModel

REPOSITORY = Path(__file__).resolve().parents[3]


def tracker(frames_held: int = 8) -> LiveTracker:
    return LiveTracker(cast(SAM2Model, FakeModel()), frames_held=frames_held)


def test_objects_come_and_go() -> None:
    with tracker() as live:
        assert live.obj_ids == ()
        found = live.step(picture(0), 10.0)
        assert found.masks.shape == (0, *SIZE_HW)
        found = live.add_points(7, [[40, 20]], [1])
        assert (found.obj_ids, found.frame, found.seconds) == ((7,), 0, 10.0)
        found = live.step(picture(1), 10.5, dropped=3)
        assert (found.frame, found.seconds, live.dropped) == (1, 10.5, 3)
        assert found.masks[0, 20, 31 + 16]
        assert not found.masks[0, 4, 4]
        found = live.add_mask(3, np.ones(SIZE_HW, bool))
        assert found.obj_ids == (7, 3)
        assert found.masks[1].all()
        live.remove_object(7)
        assert live.step(picture(2)).obj_ids == (3,)
        found = live.step(picture(46))
        assert found.scores[0] < 0, "the square is gone"
        assert not found.masks.any()


def test_an_earlier_frame_is_corrected_and_followed_to_the_newest() -> None:
    with tracker() as live:
        for number in range(20):
            live.step(picture(number))
        assert live.frames == range(12, 20)
        found = live.add_points(1, [[40, 20]], [1], frame=14)
        assert (found.frame, found.obj_ids) == (19, (1,))
        assert found.masks[0, 20, 13 + 16]
        for number, error in ((11, "12 to 19"), (20, "12 to 19")):
            with pytest.raises(PromptError, match=error):
                live.add_points(1, [[40, 20]], [1], frame=number)


def test_large_pictures_are_held_for_less_long() -> None:
    size = picture(0).nbytes
    for bytes_held, expected in ((3 * size + 1, range(2, 5)), (1, range(4, 5))):
        model = cast(SAM2Model, FakeModel())
        with LiveTracker(model, frames_held=8, bytes_held=bytes_held) as live:
            for number in range(5):
                live.step(picture(number))
            assert live.frames == expected


def test_mistakes_are_told() -> None:
    with tracker() as live:
        with pytest.raises(PromptError, match="no frame has come yet"):
            live.add_points(1, [[4, 4]], [1])
        with pytest.raises(PromptError, match=r"uint8 RGB \[H, W, 3\]"):
            live.step(np.zeros((4, 4), np.uint8))
        live.step(picture(0))
        with pytest.raises(PromptError, match="as the first one was"):
            live.step(np.zeros((4, 4, 3), np.uint8))
        with pytest.raises(PromptError, match="there is no object 5"):
            live.remove_object(5)
    with pytest.raises(PromptError, match="frames_held"):
        tracker(0)


def test_the_example_runs() -> None:
    """The one in the documentation, with the bundled model, a camera of numbers and no display."""
    text = (REPOSITORY / "docs" / "live.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    shown: list[np.ndarray] = []
    names = {"camera": (picture(number) for number in range(6)), "show": shown.append}
    exec(found[1], names)
    assert [masks.shape for masks in shown] == [(1, *SIZE_HW)] * 6
    assert shown[-1].any()
