"""Trunks and poles in front of a scene."""

import dataclasses

import numpy as np
import pytest

from training import motion
from training.layers import render
from training.pictures import Pictures, Still
from training.posts import post
from training.scenes import make_clip

SIZE_HW = (64, 96)


def still_camera(num_frames: int) -> motion.Affines:
    return np.tile(np.eye(3, dtype=np.float32), (num_frames, 1, 1))


@pytest.mark.parametrize("seed", range(20))
def test_a_post_hides_a_part_of_the_frame_and_has_no_label(seed: int) -> None:
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (50, 70, 3), np.uint8)
    layer = post(rng, still_camera(3), SIZE_HW, photo)
    back = [np.full((*SIZE_HW, 3), level, np.uint8) for level in (0, 255)]
    dark, light = (render([one], [layer], SIZE_HW) for one in back)
    hidden = (light[0][0].astype(int) - dark[0][0] < 128).all(2)  # thin ones have soft edges
    assert 0 < hidden.mean() < 0.5
    assert not dark[1].any()
    np.testing.assert_array_equal(dark[0][0], dark[0][2])  # it stands still


def test_a_post_moves_with_the_camera() -> None:
    camera = still_camera(2)
    camera[1, 0, 2] = 10  # to the right
    layer = post(np.random.default_rng(1), camera, SIZE_HW, np.zeros((50, 70, 3), np.uint8))
    np.testing.assert_allclose(layer.path[1, :2, 2] - layer.path[0, :2, 2], [10, 0], atol=1e-4)


def test_training_clips_get_them_and_validation_clips_do_not() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((90, 120), np.uint8)
    labels[20:70, 30:80] = 1
    stills = [Still(rng.integers(0, 256, (90, 120, 3), np.uint8), labels, "drawn")]
    held_out = Pictures(stills, [], [(0, [1])])
    training = dataclasses.replace(held_out, post_share=1.0)
    changed = 0
    for seed in range(12):
        clips = [
            make_clip(np.random.default_rng(seed), 2, SIZE_HW, 1, "hard", pictures)
            for pictures in (held_out, training)
        ]
        changed += not np.array_equal(clips[0].frames, clips[1].frames)
    assert 3 <= changed < 12  # those in a photo, six of ten
