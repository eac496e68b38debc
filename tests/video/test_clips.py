"""The clips themselves: what other tests rely on."""

import numpy as np
import pytest

from tests.clips import make_scene, make_scene_with_alpha, read_frame_number, stamp_frame_number


def test_scene_is_reproducible_and_its_masks_are_plausible() -> None:
    scene = make_scene(10, (60, 80), seed=3, num_objects=3)
    again = make_scene(10, (60, 80), seed=3, num_objects=3)
    np.testing.assert_array_equal(scene.frames, again.frames)
    assert scene.frames.shape == (10, 60, 80, 3)
    assert scene.masks.shape == (10, 3, 60, 80)
    assert scene.masks.sum(axis=1).max() == 1, "visible masks must not overlap"
    assert (scene.masks[:, -1].mean(axis=(1, 2)) > 0.02).all(), "the topmost object is on screen"
    assert not np.array_equal(scene.frames, make_scene(10, (60, 80), seed=4, num_objects=3).frames)


def test_masks_are_exactly_the_painted_pixels() -> None:
    painted = make_scene(4, (60, 80), seed=1, num_objects=1, barcode=False)
    empty = make_scene(4, (60, 80), seed=1, num_objects=0, barcode=False)
    changed = (painted.frames != empty.frames).any(axis=-1)
    assert not (changed & ~painted.masks[:, 0]).any()
    assert changed.sum() > 0.99 * painted.masks.sum()


@pytest.mark.parametrize("number", [0, 1, 255, 4095])
@pytest.mark.parametrize("size_hw", [(16, 64), (97, 131), (24, 40)])
def test_frame_number_survives_noise(number: int, size_hw: tuple[int, int]) -> None:
    frame = np.full((*size_hw, 3), 120, np.uint8)
    stamp_frame_number(frame, number)
    noise = np.random.default_rng(0).normal(0, 30, frame.shape)
    noisy = np.clip(frame + noise, 0, 255).astype(np.uint8)
    assert read_frame_number(noisy) == number


def test_no_frame_number_is_reported() -> None:
    with pytest.raises(ValueError, match="no frame number"):
        read_frame_number(np.full((64, 64, 3), 120, np.uint8))


def test_alpha_scene_has_both_opaque_and_transparent_pixels() -> None:
    frames = make_scene_with_alpha(2, (48, 64))
    assert frames.shape == (2, 48, 64, 4)
    assert set(np.unique(frames[..., 3])) == {0, 255}
