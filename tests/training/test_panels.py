"""Objects of several plain colours."""

import numpy as np
import pytest

from training.panels import MAX_COLOURS, SHADING, panelled
from training.textures import Sprite

SHAPE = (60, 80)


def grey_item() -> Sprite:
    alpha = np.zeros(SHAPE, np.uint8)
    alpha[5:55, 10:70] = 255
    return Sprite(np.full((*SHAPE, 3), 90, np.uint8), alpha)


@pytest.mark.parametrize("seed", range(20))
def test_the_shape_stays_and_the_colours_are_few(seed: int) -> None:
    item = grey_item()
    made = panelled(np.random.default_rng(seed), item, np.full((20, 20, 3), 200, np.uint8))
    np.testing.assert_array_equal(made.alpha, item.alpha)
    # An object of one brightness gives no shading: every pixel has one of the colours.
    assert 1 <= len(np.unique(made.rgb.reshape(-1, 3), axis=0)) <= MAX_COLOURS


def test_many_have_a_panel_like_what_is_behind() -> None:
    behind = np.full((20, 20, 3), (20, 220, 60), np.uint8)
    near = 0
    for seed in range(60):
        made = panelled(np.random.default_rng(seed), grey_item(), behind)
        distances = np.linalg.norm(made.rgb.reshape(-1, 3) - behind[0, 0].astype(float), axis=1)
        near += bool((distances < 90).any())
    assert near >= 20


def test_light_and_dark_stay_a_little() -> None:
    item = grey_item()
    item.rgb[:, 40:] = 190
    made = panelled(np.random.default_rng(3), item, np.full((20, 20, 3), 128, np.uint8))
    plain = panelled(np.random.default_rng(3), grey_item(), np.full((20, 20, 3), 128, np.uint8))
    change = made.rgb.mean(2) - plain.rgb.mean(2)
    assert 0 < change[:, -10:].mean() - change[:, :10].mean() <= SHADING * 100 + 1
