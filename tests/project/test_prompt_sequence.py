"""Points are moved and taken away by the number under which the page knows them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.errors import PromptError
from sam2ov.project.prompt_sequence import (
    PromptSequence,
    painted,
    points_of,
    refined,
    with_point_moved,
    without_point,
)
from sam2ov.values.prompts import MaskPrompt, Prompt, make_point_prompt

SIZE_HW = (64, 96)
x_values = st.integers(0, 96)
y_values = st.integers(0, 64)


@st.composite
def a_prompt(draw: st.DrawFn) -> Prompt:
    kind = draw(st.sampled_from(["clicks", "box", "both", "mask"]))
    if kind == "mask":
        return MaskPrompt.of(np.ones(SIZE_HW, np.bool_))
    box = None
    if kind in ("box", "both"):
        x0, y0 = draw(st.integers(0, 90)), draw(st.integers(0, 60))
        box = (x0, y0, x0 + draw(st.integers(1, 6)), y0 + draw(st.integers(1, 4)))
    clicks = None
    if kind in ("clicks", "both"):
        clicks = draw(st.lists(st.tuples(x_values, y_values), min_size=1, max_size=3))
    labels = None if clicks is None else [draw(st.integers(0, 1)) for _ in clicks]
    return make_point_prompt(clicks, labels, box, SIZE_HW)


steps_strategy = st.lists(a_prompt(), max_size=4).map(tuple)


@given(steps_strategy, st.data())
def test_a_moved_point_is_where_it_was_put(sequence: PromptSequence, data: st.DataObject) -> None:
    before = points_of(sequence)
    if not before:
        with pytest.raises(PromptError, match="no longer there"):
            with_point_moved(sequence, 0, (1, 1))
        return
    index = data.draw(st.integers(0, len(before) - 1))
    xy = (float(data.draw(x_values)), float(data.draw(y_values)))
    try:
        after = points_of(with_point_moved(sequence, index, xy))
    except PromptError:
        assert before[index][2] >= 2, "only boxes can become empty"
        return
    assert len(after) == len(before)
    assert [label for *_, label in after] == [label for *_, label in before]
    if before[index][2] < 2:
        assert after[index] == (*xy, before[index][2])
        assert [p for i, p in enumerate(after) if i != index] == [
            p for i, p in enumerate(before) if i != index
        ]
    else:
        first = index if before[index][2] == 2 else index - 1
        (x0, y0, _), (x1, y1, _) = after[first : first + 2]
        assert x0 < x1
        assert y0 < y1
        assert xy[0] in (x0, x1)
        assert xy[1] in (y0, y1)


@given(steps_strategy, st.data())
def test_a_deleted_point_is_gone_and_nothing_else(
    sequence: PromptSequence, data: st.DataObject
) -> None:
    before = points_of(sequence)
    if not before:
        with pytest.raises(PromptError, match="no longer there"):
            without_point(sequence, 0)
        return
    index = data.draw(st.integers(0, len(before) - 1))
    after = points_of(without_point(sequence, index))
    gone = {index}
    if before[index][2] >= 2:  # a box goes as a whole
        gone = {index, index + 1} if before[index][2] == 2 else {index - 1, index}
    assert after == [p for i, p in enumerate(before) if i not in gone]


@given(steps_strategy, st.integers(0, 20))
def test_what_is_not_there_cannot_be_changed(sequence: PromptSequence, beyond: int) -> None:
    index = len(points_of(sequence)) + beyond
    with pytest.raises(PromptError):
        with_point_moved(sequence, index, (5, 5))
    with pytest.raises(PromptError):
        without_point(sequence, index)


def test_deleting_all_points_leaves_the_masks() -> None:
    sequence: PromptSequence = (
        MaskPrompt.of(np.ones(SIZE_HW, np.bool_)),
        make_point_prompt([(3, 3)], [1], None, SIZE_HW),
    )
    (rest,) = without_point(sequence, 0)
    assert isinstance(rest, MaskPrompt)


def test_a_dot_is_a_disc() -> None:
    empty = np.zeros((41, 41), np.bool_)
    dot = painted(empty, [(20.5, 20.5)], 8, erase=False)
    rows, columns = np.mgrid[:41, :41]
    distance = np.hypot(rows - 20, columns - 20)
    assert dot[distance <= 7].all()
    assert not dot[distance >= 9.5].any()
    assert not empty.any(), "what is painted on stays as it is"


def test_a_stroke_joins_its_points_and_erasing_takes_it_back() -> None:
    empty = np.zeros((40, 60), np.bool_)
    stroke = [(10.0, 20.0), (50.0, 20.0)]
    line = painted(empty, stroke, 4, erase=False)
    assert line[20, 8:52].all()
    assert line[17:23, 30].all()
    assert not line[:14].any()
    assert not line[27:].any()
    assert not painted(line, stroke, 4, erase=True).any()
    full = painted(np.ones_like(line), stroke, 4, erase=True)
    np.testing.assert_array_equal(full, ~line)


@given(
    st.lists(st.tuples(st.floats(-16, 65_536), st.floats(-16, 65_536)), min_size=1, max_size=4),
    st.floats(0.1, 64),
)
def test_strokes_may_leave_the_picture(points: list[tuple[float, float]], radius: float) -> None:
    blank = np.zeros((30, 40), np.bool_)
    assert painted(blank, points, radius, erase=False).shape == (30, 40)


@pytest.mark.parametrize("pixel_aspect", [64 / 45, 4 / 3, 8 / 9])
def test_the_brush_is_round_where_the_picture_is_shown(pixel_aspect: float) -> None:
    mask = np.zeros((100, 120), np.bool_)
    made = painted(mask, [(60, 50)], 30, erase=False, pixel_aspect=pixel_aspect)
    rows, columns = made.any(axis=1).sum(), made.any(axis=0).sum()
    assert rows == pytest.approx(60, abs=1)
    assert columns * pixel_aspect == pytest.approx(60, abs=2)
    assert made.sum() * pixel_aspect == pytest.approx(np.pi * 30**2, rel=0.03)
    gone = painted(made, [(60, 50)], 40, erase=True, pixel_aspect=pixel_aspect)
    assert not gone.any()


def test_a_click_changes_a_mask_where_it_is() -> None:
    mask = np.zeros(SIZE_HW, np.bool_)
    mask[10:20, 10:30] = True
    answer = np.zeros(SIZE_HW, np.bool_)
    answer[10:20, 25:40] = True
    answer[40:50, 10:20] = True
    more = refined(mask, answer, (35, 15), positive=True)
    np.testing.assert_array_equal(more[10:20, 10:40], True)
    assert more.sum() == 300, "the other part was not clicked on"
    less = refined(mask, answer, (12, 12), positive=False)
    np.testing.assert_array_equal(np.flatnonzero(less.any(axis=0)), np.arange(25, 30))
    for xy, positive in [((60, 60), True), ((27, 12), False), ((12, 12), True)]:
        np.testing.assert_array_equal(refined(mask, answer, xy, positive=positive), mask)
