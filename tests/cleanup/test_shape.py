"""Single masks: exact pictures, and what must hold for all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sam2ov.cleanup.shape import (
    antialiased,
    feathered,
    grown,
    smoothed,
    without_holes,
    without_specks,
)
from sam2ov.values.masks import BoolArray, FloatArray
from tests.cleanup.conftest import SIZE_HW, box, disc

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24)))


def test_holes_of_up_to_an_area_are_filled() -> None:
    mask = box(20, 20, 60, 50)
    mask[30:32, 30:33] = mask[50:60, 50:60] = False
    filled = without_holes(mask, 6)
    assert filled[30:32, 30:33].all()
    assert not filled[50:60, 50:60].any()
    np.testing.assert_array_equal(without_holes(mask, 100), box(20, 20, 60, 50))
    np.testing.assert_array_equal(without_holes(mask, 5), mask)


def test_what_touches_the_border_is_no_hole() -> None:
    mask = np.ones(SIZE_HW, np.bool_)
    mask[:3, 10:13] = mask[40:43, -3:] = False
    np.testing.assert_array_equal(without_holes(mask, 1000), mask)


def test_specks_of_up_to_an_area_are_removed() -> None:
    mask = box(20, 20, 60, 50) | box(100, 10, 3, 2) | box(120, 60, 10, 10)
    np.testing.assert_array_equal(
        without_specks(mask, 6), box(20, 20, 60, 50) | box(120, 60, 10, 10)
    )
    assert not without_specks(mask, 5000).any()


def test_growing_is_in_pixels() -> None:
    assert grown(disc((80, 45), 20), 5).sum() == pytest.approx(np.pi * 25**2, rel=0.03)
    assert grown(disc((80, 45), 20), -5).sum() == pytest.approx(np.pi * 15**2, rel=0.03)
    square = grown(box(50, 30, 20, 20), -3)
    np.testing.assert_array_equal(square, box(53, 33, 14, 14))


def test_the_border_of_the_picture_is_no_outline() -> None:
    mask = box(0, 0, 40, SIZE_HW[0])
    np.testing.assert_array_equal(grown(mask, -4), box(0, 0, 36, SIZE_HW[0]))
    np.testing.assert_array_equal(smoothed(mask, 5), mask)
    soft = feathered(mask, 10)
    assert (soft[:, :30] == 1).all()


def test_smoothing_takes_details_and_leaves_the_rest() -> None:
    plain = disc((80, 45), 25)
    ragged = plain | box(103, 44, 14, 2)
    ragged[43:46, 55:62] = False
    smooth = smoothed(ragged, 3)
    assert not smooth[:, 110:].any()
    assert smooth[44, 58:62].all()
    assert smooth.sum() == pytest.approx(plain.sum(), rel=0.03)


def test_a_feather_is_as_wide_as_said() -> None:
    soft = feathered(box(0, 0, 80, SIZE_HW[0]), 10)[45]
    assert soft[74] == 1
    assert soft[85] == 0
    np.testing.assert_array_less(soft[75:86], soft[74:85])
    np.testing.assert_allclose(soft[75:85] + soft[75:85][::-1], 1, atol=1e-6)


@given(MASKS, st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_filling_and_removing_twice_changes_nothing_more(mask: BoolArray, area: int) -> None:
    for step in (without_holes, without_specks):
        once = step(mask, area)
        np.testing.assert_array_equal(step(once, area), once)
    assert (without_holes(mask, area) >= mask).all()
    assert (without_specks(mask, area) <= mask).all()


@given(MASKS, st.floats(0.5, 8))
@settings(max_examples=60, deadline=None)
def test_growing_only_adds_and_shrinking_only_takes(mask: BoolArray, by: float) -> None:
    assert (grown(mask, by) >= mask).all()
    assert (grown(mask, -by) <= mask).all()
    assert (grown(grown(mask, by), -by) >= mask).all(), "closing never loses a pixel"


@given(MASKS, st.floats(0, 12))
@settings(max_examples=60, deadline=None)
def test_a_matte_is_soft_around_its_mask(mask: BoolArray, width: float) -> None:
    soft = feathered(mask, width)
    assert soft.dtype == np.float32
    assert soft.min() >= 0
    assert soft.max() <= 1
    np.testing.assert_array_equal(soft > 0.5, mask)


@given(MASKS)
def test_nothing_asked_for_is_nothing_done(mask: BoolArray) -> None:
    for made in (
        without_holes(mask, 0),
        without_specks(mask, 0),
        smoothed(mask, 0),
        grown(mask, 0),
        feathered(mask, 0),
    ):
        np.testing.assert_array_equal(made, mask)


@settings(max_examples=30)
@given(st.floats(10, 30), st.floats(10, 30), st.floats(2, 8), st.floats(0.2, 5), st.floats(0.5, 3))
def test_antialiased_edges_are_what_pixels_are_covered(
    x: float, y: float, radius: float, slope: float, bend: float
) -> None:
    """Of a disc whose outline lies anywhere between pixels, and whose scores have any slope."""

    def signed(factor: int) -> FloatArray:
        rows, columns = (np.mgrid[: 40 * factor, : 40 * factor] + 0.5) / factor
        return np.asarray(radius - np.hypot(columns - x, rows - y), np.float32)

    distance = signed(1)
    logits = (np.tanh(distance / (8 * bend)) * 8 * slope).astype(np.float32)
    mask = logits > 0
    matte = antialiased(mask, logits)
    np.testing.assert_array_equal(matte > 0.5, mask)
    covered = (signed(8) > 0).reshape(40, 8, 40, 8).mean(axis=(1, 3))
    assert np.abs(matte - covered).max() < 0.16
    assert abs(matte.sum() - covered.sum()) <= 0.02 * covered.sum() + 1
    assert not matte[distance < -1].any()


def test_antialiased_edges_end_where_the_mask_was_cut() -> None:
    """Such as by another object on top: there the scores do not pass through 0."""
    logits = np.full((20, 20), 3, np.float32)
    mask = np.zeros((20, 20), np.bool_)
    mask[5:15, 5:15] = True
    np.testing.assert_array_equal(antialiased(mask, logits), mask)
    assert not antialiased(np.zeros((20, 20), np.bool_), logits).any()


@pytest.mark.parametrize("pixel_aspect", [64 / 45, 0.5])
def test_soft_edges_are_as_wide_both_ways_where_they_are_shown(pixel_aspect: float) -> None:
    mask = np.zeros((120, 120), np.bool_)
    mask[40:80, 40:80] = True
    matte = feathered(mask, 16, pixel_aspect)
    assert np.array_equal(matte > 0.5, mask)
    down = np.count_nonzero((matte[:60, 60] > 0.02) & (matte[:60, 60] < 0.98))
    across = np.count_nonzero((matte[60, :60] > 0.02) & (matte[60, :60] < 0.98))
    assert across * pixel_aspect == pytest.approx(down, abs=2)
