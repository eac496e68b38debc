"""Prompts are checked before they reach a network."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.errors import PromptError
from sam2ov.values.prompts import make_mask_prompt, make_point_prompt, points_to_model

SIZE_HW = (480, 640)


def test_box_comes_before_clicks() -> None:
    prompt = make_point_prompt([[5, 6]], [0], (1, 2, 3, 4), SIZE_HW)
    assert prompt.points_xy_video.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert prompt.labels.tolist() == [2, 3, 0]


def test_fractions_are_scaled_to_video_pixels() -> None:
    prompt = make_point_prompt([[0.5, 0.25]], [1], None, SIZE_HW, normalize_coords=False)
    assert prompt.points_xy_video.tolist() == [[320, 120]]


def test_a_leading_batch_of_one_is_taken() -> None:
    prompt = make_point_prompt([[[5, 6], [7, 8]]], [[1, 0]], None, SIZE_HW)
    assert prompt.points_xy_video.shape == (2, 2)


@pytest.mark.parametrize(
    ("points", "labels", "box", "message"),
    [
        ([[1, 2]], None, None, "together"),
        (None, [1], None, "together"),
        (None, None, None, "at least one"),
        ([], [], None, "empty"),
        ([[1, 2]], [1, 1], None, "1 points need 1 labels"),
        ([[1, 2, 3]], [1], None, r"\[P, 2\]"),
        ([[1, 2]], [4], None, "labels are 1"),
        ([[1, 2]], [-1], None, "labels are 1"),
        ([["a", 2]], [1], None, "must be numbers"),
        ([[float("nan"), 2]], [1], None, "finite"),
        (None, None, (1, 2, 3), "a box is"),
        (None, None, (1, 2, 3, float("inf")), "finite"),
    ],
)
def test_malformed_prompts_are_value_errors(
    points: Any, labels: Any, box: Any, message: str
) -> None:
    with pytest.raises(PromptError, match=message) as caught:
        make_point_prompt(points, labels, box, SIZE_HW)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (0, 5)])
def test_a_mask_is_two_dimensional(shape: tuple[int, ...]) -> None:
    with pytest.raises(PromptError, match="two-dimensional"):
        make_mask_prompt(np.zeros(shape))


def test_any_number_makes_a_mask() -> None:
    assert make_mask_prompt([[0, 255], [1, 0]]).mask.tolist() == [[False, True], [True, False]]


@given(
    st.integers(1, 4000),
    st.integers(1, 4000),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([256, 512, 1024]),
)
def test_model_coordinates_keep_the_place(
    height: int, width: int, x: float, y: float, image_size: int
) -> None:
    point = np.array([[x * width, y * height]], np.float32)
    scaled = points_to_model(point, (height, width), image_size)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [[x * image_size, y * image_size]], rtol=1e-4, atol=1e-3)
