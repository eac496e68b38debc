import numpy as np
import pytest

from sam2ov.engine.features import ArrayFrames
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import PromptError
from sam2ov.evaluation.user import (
    PROMPT_KINDS,
    correct,
    corrections_of,
    deepest_point,
    error_click,
    first_prompt,
    tight_box,
)
from sam2ov.values.prompts import MaskPrompt, PointPrompt
from tests.evaluation.conftest import SIZE_HW, square_masks


def area(rows: slice, columns: slice) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    mask = np.zeros((40, 60), bool)
    mask[rows, columns] = True
    return mask


def test_box_has_the_edges() -> None:
    assert tight_box(area(slice(5, 10), slice(20, 31))) == (20, 5, 31, 10)
    with pytest.raises(PromptError, match="empty"):
        tight_box(area(slice(0), slice(0)))


def test_the_deepest_point_is_in_the_middle_and_the_picture_ends_the_mask() -> None:
    assert deepest_point(area(slice(10, 21), slice(20, 31))) == ((25.5, 15.5), 6.0)
    (x, y), depth = deepest_point(area(slice(0, 11), slice(0, 11)))
    assert (x, y, depth) == (5.5, 5.5, 6)
    assert deepest_point(area(slice(0), slice(0)))[1] == 0


def test_clicks_go_to_the_deeper_error() -> None:
    truth = area(slice(10, 30), slice(10, 30))
    missing = truth & ~area(slice(10, 30), slice(10, 22))
    assert error_click(missing, truth) == ((16.5, 20.5), True) or error_click(missing, truth)[1]
    (x, y), positive = error_click(missing, truth)
    assert positive
    assert 10 < x < 22
    assert 10 < y < 30
    (x, _), positive = error_click(truth | area(slice(5, 35), slice(30, 50)), truth)
    assert not positive
    assert x > 30


def test_prompts_say_what_they_should() -> None:
    truth = square_masks(1)[0]
    mask, box, click, clicks = (first_prompt(truth, kind) for kind in PROMPT_KINDS)
    assert isinstance(mask, MaskPrompt)
    assert (mask.mask == truth).all()
    assert isinstance(box, PointPrompt)
    assert box.points_xy_video.tolist() == [[8, 16], [40, 48]]
    for first in (click, clicks):
        assert isinstance(first, PointPrompt)
        assert first.labels.tolist() == [1]
        x, y = first.points_xy_video[0].astype(int)
        assert truth[y, x]
    assert [corrections_of(kind) for kind in PROMPT_KINDS] == [0, 0, 0, 2]


def test_corrections_go_where_the_answer_is_wrong(tracker: Tracker) -> None:
    truth = square_masks(1)[0]
    frames = np.zeros((1, *SIZE_HW, 3), np.uint8)
    frames[0, truth] = (250, 0, 0)
    with VideoSession(tracker, ArrayFrames(frames)) as session:
        half = truth & (np.arange(SIZE_HW[1]) < 24)
        first = first_prompt(half, "clicks3")
        assert isinstance(first, PointPrompt)
        session.add_points(0, 4, first)
        for _ in range(2):
            correct(session, 0, 4, half)
        clicks = session.prompts(4)[0]
    assert isinstance(clicks, PointPrompt)
    assert clicks.labels.tolist() == [1, 0, 0], "the stand-in marks the whole square: too much"
