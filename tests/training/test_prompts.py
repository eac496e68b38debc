import numpy as np

from training import prompts


def square(top: int = 10, left: int = 20, side: int = 8, size: int = 48) -> prompts.Mask:
    mask = np.zeros((size, size), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_centre_click_is_the_deepest_point() -> None:
    x, y = prompts.centre_click(square(side=9))
    assert (x, y) == (24, 14)


def test_clicks_are_inside_and_positive() -> None:
    rng = np.random.default_rng(0)
    masks = np.stack([square(), square(30, 2, 5)])
    for _ in range(20):
        points = prompts.clicks(rng, masks)
        assert points.labels.tolist() == [[1], [1]]
        for mask, (x, y) in zip(masks, points.xy[:, 0].astype(int), strict=True):
            assert mask[y, x]


def test_tight_box() -> None:
    assert prompts.box_corners(square()) == (20, 10, 27, 17)


def test_boxes_are_close_inside_the_image_and_labelled() -> None:
    rng = np.random.default_rng(0)
    masks = np.stack([square(0, 0, 40), square()])
    points = prompts.boxes(rng, masks, noise=0.1)
    assert points.labels.tolist() == [[2, 3], [2, 3]]
    assert points.xy.min() >= 0
    assert points.xy.max() <= 47
    assert np.abs(points.xy[1] - [[20, 10], [27, 17]]).max() <= 0.1 * 8


def test_corrections_go_to_the_larger_error() -> None:
    rng = np.random.default_rng(0)
    mask = square(side=10)
    missed = mask & ~square(side=4)
    spilled = mask | square(2, 2, 16)
    masks, guesses = np.stack([mask, mask]), np.stack([mask & ~missed, spilled])
    points = prompts.corrections(rng, masks, guesses)
    assert points.labels.tolist() == [[1], [0]]
    (x, y), (u, v) = points.xy[:, 0].astype(int)
    assert missed[y, x]
    assert (spilled & ~mask)[v, u]


def test_empty_masks_are_no_error() -> None:
    rng = np.random.default_rng(0)
    empty = np.zeros((1, 32, 32), bool)
    assert prompts.clicks(rng, empty).xy.tolist() == [[[16, 16]]]
    assert prompts.boxes(rng, empty, 0).xy.tolist() == [[[0, 0], [31, 31]]]
    assert prompts.corrections(rng, empty, empty).xy.shape == (1, 1, 2)


def test_join_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    masks = square()[None]
    box, click = prompts.boxes(rng, masks), prompts.clicks(rng, masks)
    assert prompts.join(box, click).labels.tolist() == [[2, 3, 1]]
