"""Masks for supervision."""

from typing import Any

import numpy as np
import pytest

from sam2ov import masks_to_detections
from sam2ov.errors import PromptError


@pytest.fixture
def logits() -> Any:
    """Two objects, and one between them that is not to be seen."""
    array = np.full((3, 1, 20, 30), -5, np.float32)
    array[0, 0, 2:6, 3:10] = 4
    array[2, 0, 19, 29] = 1
    return array


def test_objects_of_a_frame(logits: Any) -> None:
    found = masks_to_detections(logits, [7, 8, 9], class_ids=[1, 1, 2], scores=[0.9, 0.8, 0.7])
    assert found["xyxy"].tolist() == [[3, 2, 9, 5], [29, 19, 29, 19]]
    assert found["xyxy"].dtype == np.float32
    assert found["mask"].shape == (2, 20, 30)
    assert found["mask"].dtype == np.bool_
    assert found["mask"].sum(axis=(1, 2)).tolist() == [28, 1]
    assert found["tracker_id"].tolist() == [7, 9]
    assert found["class_id"].tolist() == [1, 2]
    assert found["confidence"].tolist() == pytest.approx([0.9, 0.7])


def test_masks_of_an_image(logits: Any) -> None:
    found = masks_to_detections(logits[:, 0] > 0)
    assert found["class_id"].tolist() == [0, 0]
    assert found["tracker_id"] is None
    assert found["confidence"] is None


def test_nothing_to_be_seen() -> None:
    found = masks_to_detections(np.zeros((2, 5, 5)), [1, 2])
    assert found["xyxy"].shape == (0, 4)
    assert found["mask"].shape == (0, 5, 5)
    assert found["tracker_id"].shape == (0,)
    assert masks_to_detections([])["xyxy"].shape == (0, 4)


@pytest.mark.parametrize(
    ("masks", "options", "message"),
    [
        (np.zeros((5, 5)), {}, r"\[N, H, W\]"),
        (np.zeros((2, 3, 5, 5)), {}, r"\[N, H, W\]"),
        (np.zeros((2, 5, 5)), {"obj_ids": [1]}, "obj_ids must have"),
        (np.zeros((2, 5, 5)), {"scores": [1]}, "scores must have"),
    ],
)
def test_what_does_not_fit_is_refused(masks: Any, options: Any, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        masks_to_detections(masks, **options)
