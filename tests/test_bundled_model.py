"""What the bundled model has to be able to do: follow clear objects through easy clips."""

from pathlib import Path

import numpy as np
import pytest

from sam2ov.masks import BoolArray
from sam2ov.predictor import SAM2VideoPredictor
from training.scenes import make_clip

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def predictor() -> SAM2VideoPredictor:
    return SAM2VideoPredictor.from_pretrained("micro")


def iou(first: BoolArray, second: BoolArray) -> float:
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 1.0


def bounding_box(mask: BoolArray) -> list[int]:
    rows, columns = np.nonzero(mask)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_a_boxed_object_is_followed_through_easy_clips(predictor: SAM2VideoPredictor) -> None:
    ious = []
    for seed in range(90_000, 90_012):  # far from the seeds of training and validation
        clip = make_clip(np.random.default_rng(seed), 16, (256, 256), 1, "easy")
        masks = clip.masks == 1
        with predictor.init_state(clip.frames) as state:
            predictor.add_new_points_or_box(state, 0, 1, box=bounding_box(masks[0]))
            tracked = list(predictor.propagate_in_video(state))
        ious += [iou(logits[0, 0] > 0, masks[t]) for t, _, logits in tracked if t > 0]
    print(f"mean IoU {np.mean(ious):.3f} over {len(ious)} tracked frames")
    assert np.mean(ious) >= 0.5


def test_the_bundle_is_small(micro_model: Path) -> None:
    assert sum(path.stat().st_size for path in micro_model.iterdir()) < 12 * MEGABYTE
