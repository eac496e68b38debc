"""The image predictor against upstream's, in every form of calling it."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2ov.engine.model import SAM2Model
from sam2ov.upstream.sam2_image_predictor import SAM2ImagePredictor
from tests.reference.clip import make_clip
from tools.torch_images import image_predictor
from tools.torch_predictor import Predictor

HEIGHT, WIDTH = 150, 210
POINTS = np.array([[90.0, 100.0], [150.0, 60.0]], np.float32)
BOXES = np.array([[40, 30, 110, 110], [20, 10, 60, 50], [100, 60, 200, 140]], np.float32)

CALLS: dict[str, dict[str, Any]] = {
    "a click": {"point_coords": POINTS[:1], "point_labels": [1]},
    "one mask of a click": {
        "point_coords": POINTS[:1],
        "point_labels": [1],
        "multimask_output": False,
    },
    "clicks of both kinds": {
        "point_coords": POINTS,
        "point_labels": np.array([1, 0]),
        "multimask_output": False,
    },
    "logits": {"point_coords": POINTS, "point_labels": [1, 1], "return_logits": True},
    "a box": {"box": BOXES[0], "multimask_output": False},
    "a box in a batch of one": {"box": BOXES[:1]},
    "a box and a click": {
        "point_coords": POINTS[:1],
        "point_labels": [0],
        "box": BOXES[0],
        "multimask_output": False,
    },
    "boxes": {"box": BOXES, "multimask_output": False},
    "boxes, three masks each": {"box": BOXES, "return_logits": True},
    "sets of clicks": {
        "point_coords": np.stack([POINTS, POINTS[::-1] + 3, POINTS / 2]),
        "point_labels": np.array([[1, 1], [1, 0], [1, -1]]),
    },
    "boxes with clicks": {
        "point_coords": np.stack([POINTS[:1], POINTS[1:], POINTS[:1]]),
        "point_labels": np.array([[1], [0], [-1]]),
        "box": BOXES,
        "multimask_output": False,
    },
    "shares of width and height": {
        "point_coords": POINTS / (WIDTH, HEIGHT),
        "point_labels": [1, 0],
        "normalize_coords": False,
    },
    "no prompt": {},
}


@pytest.fixture(scope="module")
def image() -> Any:
    return make_clip(1, HEIGHT, WIDTH, seed=5)[0]


@pytest.fixture(scope="module")
def pair(small: tuple[Predictor, SAM2Model]) -> tuple[Any, SAM2ImagePredictor]:
    """Upstream's and ours."""
    return image_predictor(small[0]), SAM2ImagePredictor(small[1])


def require_same(ours: Any, expected: Any) -> None:
    for name, found, wanted in zip(("masks", "ious", "low_res"), ours, expected, strict=True):
        assert found.shape == wanted.shape, name
        assert found.dtype == wanted.dtype, name
    masks, ious, low_res = ours
    np.testing.assert_allclose(ious, expected[1], atol=1e-4)
    np.testing.assert_allclose(low_res, expected[2], atol=1e-3 * np.abs(expected[2]).max())
    if np.abs(expected[0]).max() <= 1:  # thresholded
        assert (masks != expected[0]).mean() < 1e-3
        assert 0.05 < masks.mean() < 0.95
    else:
        np.testing.assert_allclose(masks, expected[0], atol=1e-3 * np.abs(expected[0]).max())


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_prompts(pair: tuple[Any, SAM2ImagePredictor], image: Any, call: dict[str, Any]) -> None:
    expected, ours = pair
    expected.set_image(image)
    ours.set_image(image)
    require_same(ours.predict(**call), expected.predict(**call))


@pytest.mark.parity
@pytest.mark.parametrize("number", [1, 3])
def test_masks_fed_back(pair: tuple[Any, SAM2ImagePredictor], image: Any, number: int) -> None:
    expected, ours = pair
    expected.set_image(Image.fromarray(image))
    ours.set_image(Image.fromarray(image))
    np.testing.assert_allclose(
        ours.get_image_embedding(), expected.get_image_embedding(), atol=1e-4
    )
    features, wanted = ours._features, expected._features
    np.testing.assert_allclose(features["image_embed"], wanted["image_embed"], atol=1e-4)
    for found, level in zip(features["high_res_feats"], wanted["high_res_feats"], strict=True):
        np.testing.assert_allclose(found, level, atol=1e-4)
    boxes = BOXES[:number] if number > 1 else BOXES[0]
    _, _, low_res = expected.predict(box=boxes, multimask_output=False)
    for options in ({"box": boxes}, {}) if number == 1 else ({"box": boxes},):
        call = {**options, "mask_input": low_res, "multimask_output": False, "return_logits": True}
        require_same(ours.predict(**call), expected.predict(**call))


@pytest.mark.parity
def test_images_in_a_batch(pair: tuple[Any, SAM2ImagePredictor], image: Any) -> None:
    expected, ours = pair
    images = [image, np.ascontiguousarray(image[:100, ::-1])]
    calls: dict[str, Any] = {
        "point_coords_batch": [POINTS[:1], np.stack([POINTS[:1], POINTS[:1] / 2])],
        "point_labels_batch": [np.array([1]), np.array([[1], [1]])],
        "box_batch": [BOXES[0], BOXES[:2]],
        "multimask_output": False,
    }
    expected.set_image_batch(images)
    ours.set_image_batch(images)
    results = zip(ours.predict_batch(**calls), expected.predict_batch(**calls), strict=True)
    ours_by_image, expected_by_image = zip(*results, strict=True)
    for index in range(2):
        require_same(
            [each[index] for each in ours_by_image], [each[index] for each in expected_by_image]
        )
    np.testing.assert_allclose(
        ours.get_image_embedding(), expected.get_image_embedding(), atol=1e-4
    )
