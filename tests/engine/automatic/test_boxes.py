"""Suppressing boxes, and telling those that a crop cuts off."""

import numpy as np
import pytest

from sam2ov.engine.automatic.boxes import suppress, touch_crop_edge
from sam2ov.engine.automatic.grids import Crop


def plain(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    """One after the other, each against all that were kept."""
    kept: list[int] = []
    for index in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
        x0, y0, x1, y1 = boxes[index]
        for other in kept:
            u0, v0, u1, v1 = boxes[other]
            shared = max(min(x1, u1) - max(x0, u0), 0) * max(min(y1, v1) - max(y0, v0), 0)
            union = (x1 - x0) * (y1 - y0) + (u1 - u0) * (v1 - v0) - shared
            # The IoU is rounded to float32, the threshold is not: a fraction may exceed itself.
            if union > 0 and float(np.float32(shared) / np.float32(union)) > threshold:
                break
        else:
            kept.append(index)
    return kept


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_what_stays(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 12, (60, 2, 2))  # many equal, some without area
    boxes = np.concatenate([corners.min(1), corners.max(1)], axis=1).astype(np.float32)
    scores = rng.integers(0, 8, 60).astype(np.float32)
    assert suppress(boxes, scores, threshold).tolist() == plain(boxes, scores, threshold)


def test_no_boxes() -> None:
    assert suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5).tolist() == []


def test_boxes_at_the_edge_of_a_crop_alone() -> None:
    crop = Crop(100, 0, 300, 200, 1)
    boxes = np.array(
        [
            [150, 50, 200, 150],  # inside
            [110, 50, 200, 150],  # goes on to the left
            [150, 5, 200, 150],  # ends with the image
            [150, 50, 281, 150],  # goes on to the right
            [121, 50, 279, 150],  # just far enough
        ],
        np.float32,
    )
    found = touch_crop_edge(boxes, crop, (400, 600))
    assert found.tolist() == [False, True, False, True, False]
