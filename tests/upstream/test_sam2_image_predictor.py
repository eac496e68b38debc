"""Prompts on a single image."""

from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from sam2ov.engine.image import AT_ONCE
from sam2ov.engine.model import SAM2Model
from sam2ov.errors import PromptError, TrackingError
from sam2ov.upstream.sam2_image_predictor import SAM2ImagePredictor
from tests.fake_model import FakeModel

HEIGHT, WIDTH = 48, 80


def make_predictor(**options: Any) -> SAM2ImagePredictor:
    predictor = SAM2ImagePredictor(cast(SAM2Model, FakeModel()), **options)
    image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    image[8:40, 8:40] = (255, 0, 0)
    predictor.set_image(image)
    return predictor


def test_a_click_gives_three_candidates() -> None:
    masks, ious, low_res = make_predictor().predict([[20, 20]], [1])
    assert masks.shape == (3, HEIGHT, WIDTH)
    assert masks.dtype == np.float32  # as upstream's: 0 and 1
    assert set(np.unique(masks)) == {0, 1}
    assert masks[0, 12:36, 12:36].all()
    assert not masks[0, :, 50:].any()
    assert ious.tolist() == pytest.approx([0.6, 0.9, 0.7])
    assert low_res.shape == (3, 16, 16)
    assert np.abs(low_res).max() <= 32


def test_a_box_gives_one_mask_and_logits_on_request() -> None:
    masks, ious, _ = make_predictor().predict(
        box=[8, 8, 40, 40], multimask_output=False, return_logits=True
    )
    assert masks.shape == (1, HEIGHT, WIDTH)
    assert masks.dtype == np.float32
    assert ious.shape == (1,)


def test_earlier_logits_can_be_fed_back() -> None:
    predictor = make_predictor()
    _, _, low_res = predictor.predict([[20, 20]], [1], multimask_output=False)
    masks, _, _ = predictor.predict([[20, 20]], [1], mask_input=low_res, multimask_output=False)
    assert masks.any()
    with pytest.raises(PromptError, match=r"\[1, 16, 16\]"):
        predictor.predict([[20, 20]], [1], mask_input=np.zeros((1, 8, 8)))


def test_pillow_images_are_taken() -> None:
    predictor = make_predictor()
    predictor.set_image(Image.new("L", (30, 20), 7))
    assert predictor.predict([[5, 5]], [1])[0].shape == (3, 20, 30)


def test_the_image_comes_first() -> None:
    predictor = make_predictor()
    predictor.reset_predictor()
    with pytest.raises(TrackingError, match="set_image"):
        predictor.predict([[20, 20]], [1])


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (0, 8, 3), (4, 8, 8)])
def test_only_rgb_images_are_taken(shape: tuple[int, ...]) -> None:
    with pytest.raises(PromptError, match="uint8 RGB"):
        make_predictor().set_image(np.zeros(shape, np.uint8))


def test_images_with_channels_first_are_taken() -> None:
    predictor = make_predictor()
    image = np.full((3, 30, 20), 60, np.uint8)
    image[0, 4:20, 4:16] = 255
    predictor.set_image(image)
    masks, _, _ = predictor.predict([[5, 5]], [1], multimask_output=False)
    assert masks.shape == (1, 30, 20)


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        ({"box": np.ones((5, 4))}, (5, 3)),
        ({"box": np.ones((1, 4))}, (3,)),
        ({"box": np.ones((5, 4)), "multimask_output": False}, (5, 1)),
        ({"point_coords": np.ones((7, 2, 2)), "point_labels": np.ones((7, 2))}, (7, 3)),
        (
            {
                "point_coords": np.ones((4, 1, 2)),
                "point_labels": np.ones((4, 1)),
                "box": np.ones((4, 4)),
            },
            (4, 3),
        ),
        ({"mask_input": np.ones((16, 16))}, (3,)),
        ({"box": np.ones((2, 4)), "mask_input": np.ones((1, 16, 16))}, (2, 3)),
        ({"box": np.ones((2, 4)), "mask_input": np.ones((2, 1, 16, 16))}, (2, 3)),
        ({}, (3,)),
    ],
)
def test_shapes_of_many_objects(call: dict[str, Any], shape: tuple[int, ...]) -> None:
    masks, ious, low_res = make_predictor().predict(**call)
    assert masks.shape == (*shape, HEIGHT, WIDTH)
    assert ious.shape == shape
    assert low_res.shape == (*shape, 16, 16)


def test_a_thousand_boxes_go_through_the_networks_in_parts() -> None:
    predictor = make_predictor()
    sizes: list[int] = []
    decode = predictor.model.decode_masks

    def watched(embedding: Any, features: Any, prompts: Any) -> Any:
        sizes.append(len(prompts.sparse))
        return decode(embedding, features, prompts)

    predictor.model.decode_masks = watched  # type: ignore[method-assign]
    masks, _, _ = predictor.predict(box=np.ones((1000, 4)), multimask_output=False)
    assert len(masks) == 1000
    assert masks[:, 0, 12:36, 12:36].all()
    assert sum(sizes) == 1000
    assert max(sizes) <= AT_ONCE


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"point_coords": [[1, 1]]}, "point_labels"),
        ({"point_labels": [1]}, "point_labels"),
        ({"point_coords": [[1, 1]], "point_labels": [1, 0]}, "one label per point"),
        ({"point_coords": [[1, 1, 1]], "point_labels": [1]}, r"\[P, 2\]"),
        ({"point_coords": [[1, np.nan]], "point_labels": [1]}, "finite"),
        ({"point_coords": [[1, 1]], "point_labels": [7]}, "labels are"),
        ({"box": [1, 2, 3]}, "boxes are"),
        ({"box": np.zeros((0, 4))}, "at least one"),
        ({"box": "here"}, "numbers"),
        (
            {"box": np.ones((3, 4)), "point_coords": [[1, 1]], "point_labels": [1]},
            "same number of objects",
        ),
        ({"box": np.ones((3, 4)), "mask_input": np.ones((2, 1, 16, 16))}, "for 2 objects"),
    ],
)
def test_malformed_prompts_are_refused(call: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptError, match=message):
        make_predictor().predict(**call)


def test_images_in_a_batch() -> None:
    predictor = make_predictor()
    with pytest.raises(TrackingError, match="set_image_batch"):
        predictor.predict_batch()
    predictor.set_image_batch([np.zeros((20, 30, 3), np.uint8), np.zeros((40, 10, 3), np.uint8)])
    masks, ious, low_res = predictor.predict_batch(
        box_batch=[[1, 2, 3, 4], np.ones((2, 4))], multimask_output=False
    )
    assert [each.shape for each in masks] == [(1, 20, 30), (2, 1, 40, 10)]
    assert [each.shape for each in ious] == [(1,), (2, 1)]
    assert [each.shape for each in low_res] == [(1, 16, 16), (2, 1, 16, 16)]
    assert predictor.get_image_embedding().shape == (2, 8, 4, 4)
    with pytest.raises(PromptError, match="2 entries"):
        predictor.predict_batch(box_batch=[[1, 2, 3, 4]])
    with pytest.raises(PromptError, match="list"):
        predictor.set_image_batch(cast(Any, np.zeros((20, 30, 3), np.uint8)))


def test_small_holes_and_specks_go_on_request() -> None:
    image = np.full((64, 64, 3), 60, np.uint8)
    image[8:40, 8:40] = (255, 0, 0)
    image[20:24, 20:24] = 60  # one pixel of the low-resolution mask
    image[52:56, 52:56] = (255, 0, 0)
    for options, hole, speck in (
        ({}, 0, 1),
        ({"max_hole_area": 1}, 1, 1),
        ({"max_sprinkle_area": 1}, 0, 0),
    ):
        predictor = SAM2ImagePredictor(cast(SAM2Model, FakeModel()), **options)
        predictor.set_image(image)
        masks, _, _ = predictor.predict([[30, 30]], [1], multimask_output=False)
        assert masks[0, 22, 22] == hole
        assert masks[0, 54, 54] == speck
        assert masks[0, 12, 12] == 1
