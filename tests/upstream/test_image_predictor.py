"""Prompts on a single image."""

from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from sam2ov.engine.model import SAM2Model
from sam2ov.errors import PromptError
from sam2ov.upstream.image_predictor import SAM2ImagePredictor
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
    assert masks.dtype == np.bool_
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
    with pytest.raises(PromptError, match="set_image"):
        predictor.predict([[20, 20]], [1])


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (0, 8, 3)])
def test_only_rgb_images_are_taken(shape: tuple[int, ...]) -> None:
    with pytest.raises(PromptError, match="uint8 RGB"):
        make_predictor().set_image(np.zeros(shape, np.uint8))
