import numpy as np
import pytest
import torch

from training import geometry
from training.bank import Bank
from training.model import MEAN, STD
from training.pictures import Pictures, Still

CPU = torch.device("cpu")


@pytest.fixture
def bank() -> Bank:
    """One photo of a bright object, label 3, on a dark ground."""
    rgb, labels = np.full((60, 90, 3), 20, np.uint8), np.zeros((60, 90), np.uint8)
    rgb[20:40, 30:70], labels[20:40, 30:70] = 230, 3
    return Bank(Pictures([Still(rgb, labels, "drawn")], [], [(0, [3])]), CPU)


def test_masks_lie_on_what_they_name(bank: Bank) -> None:
    batch = bank.draw(np.random.default_rng(0), 16, 64)
    assert batch.frames.shape == (16, 1, 3, 64, 64)
    assert batch.masks.shape == (16, 3, 1, 64, 64)
    assert batch.masks.flatten(3).any(3).all(), "a single object is asked for again"
    light = (
        batch.frames[:, 0] * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    )
    inside = batch.masks[:, 0, 0].bool()
    for picture, mask in zip(light.mean(1), inside, strict=True):
        if not mask.all():
            assert picture[mask].mean() > picture[~mask].mean()


def test_the_whole_view_is_the_picture() -> None:
    picture = torch.arange(64.0).reshape(1, 1, 8, 8)
    labels = (picture > 30).to(torch.uint8)
    half = np.full(1, 4.0)
    view = geometry.View(half, half, half, half, np.zeros(1))
    rgb, found = geometry.look(view, picture, labels, 8, (np.full(1, 8.0), np.full(1, 8.0)))
    torch.testing.assert_close(rgb, picture)
    assert (found == labels).all()
    mirrored = geometry.View(half, half, -half, half, np.zeros(1))
    rgb, _ = geometry.look(mirrored, picture, labels, 8, (np.full(1, 8.0), np.full(1, 8.0)))
    torch.testing.assert_close(rgb, picture.flip(3))


def test_the_wanted_object_comes_first_and_small_ones_never() -> None:
    labels = torch.zeros(1, 32, 32, dtype=torch.uint8)
    labels[0, :8], labels[0, 8:16], labels[0, 20, 20] = 1, 2, 9
    for _ in range(5):
        assert geometry.choose(labels, 2, torch.tensor([2]), 0.01).tolist() == [[2, 1]]
        chosen = geometry.choose(labels, 3, None, 0.01)[0].tolist()
        assert sorted(set(chosen)) == [1, 2]
