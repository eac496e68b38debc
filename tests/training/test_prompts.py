import numpy as np
import torch
from torch import Tensor

from training import prompts


def square(top: int = 10, left: int = 20, side: int = 8, size: int = 48) -> Tensor:
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_centre_click_is_the_deepest_point() -> None:
    x, y = prompts.centre_click(square(side=9).numpy())
    assert (x, y) == (24, 14)


def test_clicks_are_inside_and_positive() -> None:
    rng = np.random.default_rng(0)
    masks = torch.stack([square(), square(30, 2, 5)])
    for _ in range(20):
        points = prompts.clicks(rng, masks)
        assert points.labels.tolist() == [[1], [1]]
        for mask, (x, y) in zip(masks, points.xy[:, 0].int(), strict=True):
            assert mask[y, x]


def test_tight_box() -> None:
    assert prompts.box_corners(square().numpy()) == (20, 10, 27, 17)


def test_boxes_are_close_inside_the_image_and_labelled() -> None:
    rng = np.random.default_rng(0)
    masks = torch.stack([square(0, 0, 40), square()])
    points = prompts.boxes(rng, masks, noise=0.1)
    assert points.labels.tolist() == [[2, 3], [2, 3]]
    assert points.xy.min() >= 0
    assert points.xy.max() <= 47
    assert (points.xy[1] - torch.tensor([[20, 10], [27, 17]])).abs().max() <= 0.1 * 8


def test_corrections_go_to_the_larger_error() -> None:
    rng = np.random.default_rng(0)
    mask = square(side=10)
    missed = mask & ~square(side=4)
    spilled = mask | square(2, 2, 16)
    masks, guesses = torch.stack([mask, mask]), torch.stack([mask & ~missed, spilled])
    points = prompts.corrections(rng, masks, guesses)
    assert points.labels.tolist() == [[1], [0]]
    (x, y), (u, v) = points.xy[:, 0].int()
    assert missed[y, x]
    assert (spilled & ~mask)[v, u]


def test_empty_masks_are_no_error() -> None:
    rng = np.random.default_rng(0)
    empty = torch.zeros(1, 32, 32, dtype=torch.bool)
    assert prompts.clicks(rng, empty).xy.tolist() == [[[16, 16]]]
    assert prompts.boxes(rng, empty, 0).xy.tolist() == [[[0, 0], [31, 31]]]
    assert prompts.corrections(rng, empty, empty).xy.shape == (1, 1, 2)


def test_a_click_finds_the_only_pixel() -> None:
    mask = square(13, 30, 1)[None]
    for seed in range(5):
        points = prompts.clicks(np.random.default_rng(seed), mask)
        assert points.xy.tolist() == [[[30, 13]]]


def test_clicks_avoid_the_edge_of_what_is_wide() -> None:
    mask = square(4, 4, 40)[None]
    rng = np.random.default_rng(0)
    xy = torch.cat([prompts.clicks(rng, mask).xy[0] for _ in range(200)])
    assert ((xy - 23.5).abs() <= 4).all(1).float().mean() > 0.2
    assert xy.std(0).min() > 4
    assert xy.min() >= 4
    assert xy.max() <= 43


def test_erosion_measures_nearly_the_distance() -> None:
    """What a GPU does instead of OpenCV's distance; the largest difference is in the corners."""
    masks = torch.stack([square(), square(0, 0, 30), square(2, 2, 1)])
    eroded, euclidean = prompts.eroded_depths(masks), prompts.depths(masks)
    assert ((eroded > 0) == masks).all()
    assert (eroded - euclidean).abs().max() <= 2
    assert eroded.flatten(1).max(1).values.tolist() == [4, 15, 1]


def test_join_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    masks = square()[None]
    box, click = prompts.boxes(rng, masks), prompts.clicks(rng, masks)
    assert prompts.join(box, click).labels.tolist() == [[2, 3, 1]]
