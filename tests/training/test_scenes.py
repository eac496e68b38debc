import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from training.motion import object_path, smooth_walk
from training.pictures import Pictures, Still
from training.scenes import MIN_VISIBLE, Clip, Difficulty, make_clip
from training.textures import silhouette, texture


def clip(seed: int, difficulty: Difficulty = "easy", **changes: Any) -> Clip:
    arguments: dict[str, Any] = {"num_frames": 6, "size_hw": (96, 128), "num_objects": 2} | changes
    return make_clip(np.random.default_rng(seed), difficulty=difficulty, **arguments)


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """Two drawn photos with one and two objects."""
    rng = np.random.default_rng(0)
    stills = []
    for count in (1, 2):
        labels = np.zeros((120, 160), np.uint8)
        for k in range(count):
            labels[30:90, 20 + 70 * k : 70 + 70 * k] = k + 1
        rgb = texture(rng, (120, 160))
        rgb[labels > 0] = (250, 20, 20)
        stills.append(Still(rgb, labels, "drawn"))
    return Pictures(stills, [], [(0, [1]), (1, [1, 2])])


@pytest.mark.parametrize("difficulty", ["easy", "hard"])
def test_seed_decides(difficulty: Difficulty) -> None:
    first, again, other = clip(3, difficulty), clip(3, difficulty), clip(4, difficulty)
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.masks, again.masks)
    assert (first.frames != other.frames).any()


@pytest.mark.parametrize("difficulty", ["easy", "hard"])
@pytest.mark.parametrize("count", [1, 3])
def test_shapes_and_labels(difficulty: Difficulty, count: int) -> None:
    made = clip(1, difficulty, num_objects=count)
    assert made.frames.shape == (6, 96, 128, 3)
    assert made.masks.shape == (6, 96, 128)
    assert made.frames.dtype == made.masks.dtype == np.uint8
    assert set(np.unique(made.masks[0])) == set(range(count + 1))


@pytest.mark.parametrize("seed", range(8))
def test_every_object_is_visible_on_the_first_frame(seed: int) -> None:
    levels: tuple[Difficulty, ...] = ("easy", "hard")
    for difficulty in levels:
        masks = clip(seed, difficulty).masks
        for label in (1, 2):
            assert (masks[0] == label).mean() > MIN_VISIBLE[difficulty]


def test_masks_match_what_is_drawn() -> None:
    """Colours inside a mask stay closer to the object's than to the background's."""
    right = []
    for seed in range(10):
        made = clip(seed, num_objects=1)
        frames = made.frames.astype(float)
        inside, outside = (frames[0][made.masks[0] == k].mean(0) for k in (1, 0))
        for frame, mask in zip(frames[1:], made.masks[1:], strict=True):
            colour = frame[mask == 1].mean(0)
            right.append(np.linalg.norm(colour - inside) < np.linalg.norm(colour - outside))
    assert np.mean(right) > 0.9


def test_objects_move_smoothly() -> None:
    for seed in range(6):
        masks = clip(seed, num_objects=1, num_frames=12).masks
        centres = np.array([np.argwhere(mask).mean(0) for mask in masks])
        steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
        assert steps.max() < 0.2 * 128
        assert np.ptp(centres, axis=0).max() > 0.5


def test_easy_objects_stay() -> None:
    for seed in range(6):
        masks = clip(seed, num_objects=1, num_frames=16).masks
        assert all(mask.any() for mask in masks)


def test_hard_objects_vanish_and_come_back() -> None:
    gone = back = False
    for seed in range(40):
        masks = clip(seed, "hard", num_objects=1, num_frames=16).masks
        seen = np.array([mask.any() for mask in masks])
        if not seen.all():
            gone = True
            back |= bool(seen[np.flatnonzero(~seen)[0] :].any())
    assert gone
    assert back


def test_one_frame_and_many(pictures: Pictures) -> None:
    assert clip(0, num_frames=1).frames.shape[0] == 1
    for seed in range(12):
        made = clip(seed, "hard", pictures=pictures)
        assert set(np.unique(made.masks[0])) == {0, 1, 2}
    np.testing.assert_array_equal(
        clip(5, "hard", pictures=pictures).frames, clip(5, "hard", pictures=pictures).frames
    )


@pytest.mark.parametrize("change", [{"num_frames": 0}, {"num_objects": 0}, {"size_hw": (16, 64)}])
def test_bad_arguments(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least"):
        clip(0, **change)


def test_imports_no_torch() -> None:
    code = "import sys, training.scenes; sys.exit('torch' in sys.modules or 'sam2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_walk_starts_at_zero_and_paths_keep_inside() -> None:
    rng = np.random.default_rng(0)
    assert smooth_walk(rng, 10, 5.0)[0] == pytest.approx(0)
    path = object_path(rng, 50, np.array([10.0, 10.0]), 1.0, (8, 8), 100.0, 0.5, 0.2, (64.0, 96.0))
    centres = path[:, :2] @ np.array([8, 8, 1])
    assert (centres > 0).all()
    assert (centres < [96, 64]).all()


def test_silhouettes_fill_some_of_their_square() -> None:
    rng = np.random.default_rng(0)
    shares = [(silhouette(rng, 64) > 127).mean() for _ in range(50)]
    assert min(shares) > 0.02
    assert max(shares) < 0.95
