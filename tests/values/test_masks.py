"""Mask logits: resizing, filling, overlaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sam2ov.values.masks import (
    box_of,
    fill_holes,
    mask_prompt_logits,
    mask_to_model,
    resize_antialiased,
    resize_logits,
    stability_scores,
    without_overlaps,
)

logits = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=12),
    elements=st.floats(-40, 40, width=32),
)


@given(logits, st.integers(1, 40), st.integers(1, 40))
def test_resizing_stays_within_the_values(values: np.ndarray, height: int, width: int) -> None:
    resized = resize_logits(values, (height, width))
    assert resized.shape == (len(values), height, width)
    assert resized.dtype == np.float32
    assert resized.min() >= values.min() - 1e-4
    assert resized.max() <= values.max() + 1e-4


def test_resizing_uses_half_pixel_centres() -> None:
    ramp = np.array([[[0.0, 4.0]]], np.float32)
    assert resize_logits(ramp, (1, 4))[0, 0].tolist() == [0.0, 1.0, 3.0, 4.0]


def test_antialiased_resizing_keeps_the_mean() -> None:
    image = np.random.default_rng(0).normal(size=(64, 96)).astype(np.float32)
    assert resize_antialiased(image, (16, 24)).mean() == pytest.approx(image.mean(), abs=0.02)


def test_mask_prompt_becomes_ten_and_minus_ten() -> None:
    mask = np.zeros((64, 64), np.bool_)
    mask[16:48, 16:48] = True
    low_res = mask_prompt_logits(mask_to_model(mask, 64), 16)
    assert low_res.shape == (16, 16)
    assert low_res[8, 8] == pytest.approx(10)
    assert low_res[0, 0] == pytest.approx(-10)
    assert ((low_res > 0) == mask[2::4, 2::4]).all()


def test_mask_prompt_of_another_size_is_squashed() -> None:
    mask = np.zeros((30, 100), np.bool_)
    mask[:, 50:] = True
    model = mask_to_model(mask, 64)
    assert model.shape == (64, 64)
    assert not model[:, :31].any()
    assert model[:, 33:].all()


def test_small_holes_are_filled_and_large_ones_stay() -> None:
    values = np.full((1, 20, 20), 5.0, np.float32)
    values[0, 2:4, 2:4] = -3  # 4 pixels
    values[0, 10:15, 10:15] = -3  # 25 pixels
    filled = fill_holes(values, 8)
    assert (filled[0, 2:4, 2:4] > 0).all()
    assert (filled[0, 10:15, 10:15] == -3).all()
    assert (values[0, 2:4, 2:4] == -3).all(), "the input must not be written to"
    assert fill_holes(values, 0) is values


def test_diagonal_holes_are_one_hole() -> None:
    values = np.full((1, 20, 20), 5.0, np.float32)
    for step in range(10):
        values[0, 3 + step, 3 + step] = -1
    assert (fill_holes(values, 9) == values).all()
    assert (fill_holes(values, 10) > 0).all()


@given(logits)
def test_overlaps_leave_one_owner_a_pixel(values: np.ndarray) -> None:
    separated = without_overlaps(values)
    assert ((separated > 0).sum(axis=0) <= 1).all()
    winner = values.max(axis=0)
    assert (np.isclose(separated.max(axis=0), winner)).all()


def test_stability_compares_two_thresholds() -> None:
    values = np.zeros((3, 2, 2), np.float32)
    values[0] = 1.0
    values[1] = [[1.0, 0.01], [-1.0, -1.0]]
    values[2] = -1.0
    assert stability_scores(values, 0.05).tolist() == [1.0, 0.5, 1.0]


def test_the_box_of_a_mask_has_its_ends() -> None:
    mask = np.zeros((10, 20), np.bool_)
    assert box_of(mask) is None
    mask[2:5, 3:9] = True
    assert box_of(mask) == (3, 2, 9, 5)
