"""Thin lines on the objects of photos."""

import dataclasses

import cv2
import numpy as np
import pytest

from training.attachments import with_lines
from training.pictures import Pictures, Still
from training.textures import Image


def photo() -> tuple[Image, Image]:
    """An object of 20×30 pixels (label 2) and another one (label 1) in 120×160."""
    rgb = np.full((120, 160, 3), 128, np.uint8)
    labels = np.zeros((120, 160), np.uint8)
    labels[50:70, 60:90], labels[10:20, 10:20] = 2, 1
    rgb[labels == 2] = (200, 30, 30)
    return rgb, labels


@pytest.mark.parametrize("seed", range(20))
def test_lines_belong_to_the_object_and_change_nothing_else(seed: int) -> None:
    rgb, labels = photo()
    drawn, drawn_labels = with_lines(np.random.default_rng(seed), rgb, labels, 2)
    assert np.array_equal(photo()[0], rgb), "the photo itself is left alone"
    assert np.array_equal(photo()[1], labels)
    is_new = drawn_labels != labels
    assert is_new.any()
    assert (drawn_labels[is_new] == 2).all()
    assert is_new.mean() < 0.05, "they are thin"
    near = cv2.dilate((drawn_labels == 2).astype(np.uint8), np.ones((5, 5), np.uint8))
    assert np.array_equal(drawn[near == 0], rgb[near == 0]), "they are drawn smoothly"


def test_boxes_get_emptier() -> None:
    rgb, labels = photo()
    fills = []
    for seed in range(20):
        mask = with_lines(np.random.default_rng(seed), rgb, labels, 2)[1] == 2
        rows, columns = np.nonzero(mask)
        fills.append(mask.sum() / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1)))
    assert np.median(fills) < 0.6, "of 1"


def test_training_pictures_get_them_and_held_out_ones_do_not() -> None:
    rgb, labels = photo()
    held_out = Pictures([Still(rgb, labels, "drawn")], [], [(0, [2])])
    rng = np.random.default_rng(0)
    assert all(held_out.pick(rng)[0].labels is labels for _ in range(20))
    training = dataclasses.replace(held_out, line_share=0.5)
    changed = [training.pick(rng)[0].labels is not labels for _ in range(200)]
    assert 0.35 < np.mean(changed) < 0.65
