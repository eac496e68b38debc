"""Frames together: what flickers goes, what moves stays."""

import numpy as np
import pytest

from sam2ov.cleanup import masks as cleanup_masks
from sam2ov.cleanup.masks import CleanedMasks
from sam2ov.cleanup.motion import Patch, shift_between
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.values.masks import BoolArray
from tests.cleanup.conftest import SIZE_HW, Stored, box, cleaned, disc, iou


def walker(frame: int, by: float = 6.0) -> BoolArray:
    """A body with a thin leg that swings by twice its width each frame."""
    x = 20 + by * frame
    swing = int(x + 8 + 10 * np.sin(frame * 1.1))
    return disc((x + 10, 35), 12) | box(swing, 44, 5, 25)


def test_defaults_give_back_what_is_there() -> None:
    stored = Stored(np.stack([walker(i) for i in range(4)]))
    plain = CleanedMasks(stored, {})
    for frame_idx in range(4):
        logits = plain.logits_at(frame_idx, SIZE_HW, [1])
        np.testing.assert_array_equal(logits, stored.logits_at(frame_idx, SIZE_HW, [1]))
    assert not CleanUp(feather=3).changes_masks
    assert not NO_CLEAN_UP.changes_masks
    assert CleanUp(grow=-1).changes_masks


def test_what_is_tracked_is_not_changed() -> None:
    masks = np.stack([walker(i) for i in range(6)])
    masks.setflags(write=False)  # and the source's arrays are not written to either
    before = masks.copy()
    cleaned(masks, fill_holes=50, remove_specks=9, close_gaps=2, steady=2, smooth=2, grow=3)
    np.testing.assert_array_equal(masks, before)


@pytest.mark.parametrize("by", [0.0, 3.0, 14.0, -9.0])
def test_fast_motion_survives(by: float) -> None:
    """A rigid shape, moving by up to more than its own half per frame, is given back as it is."""
    shape = [
        disc((75 + by * (i - 3), 40), 13) | box(int(70 + by * (i - 3)), 40, 5, 25) for i in range(7)
    ]
    masks = np.stack(shape)
    made = cleaned(masks, steady=3)
    for i in range(7):
        assert iou(made[i], masks[i]) > 0.97


def test_fast_parts_survive() -> None:
    masks = np.stack([walker(i) for i in range(12)])
    made = cleaned(masks, steady=2)
    for i in range(12):
        leg = masks[i].copy()
        leg[:48] = False
        kept = np.count_nonzero(made[i] & leg) / np.count_nonzero(leg)
        assert kept > 0.85, f"frame {i}: {kept:.2f} of the leg"
        assert iou(made[i], masks[i]) > 0.9


@pytest.mark.parametrize("by", [0.0, 5.0, 11.0])
def test_what_flickers_goes(by: float) -> None:
    true = np.stack([disc((30 + by * i, 45), 18) for i in range(9)])
    seen = true.copy()
    seen[4, :, int(30 + by * 4) :] = False  # half of it is lost
    seen[6] |= box(int(30 + by * 6) + 10, 20, 14, 14)  # and here something sticks to it
    made = cleaned(seen, steady=2)
    for i in range(9):
        assert iou(made[i], true[i]) > 0.93, i
    assert iou(seen[4], true[4]) < 0.6


def test_trembling_outlines_become_calm() -> None:
    rng = np.random.default_rng(3)
    true = np.stack([disc((40 + 6 * i, 45), 20) for i in range(11)])
    seen = np.stack([disc((40 + 6 * i, 45), 20 + rng.uniform(-1.5, 1.5)) for i in range(11)])
    made = cleaned(seen, steady=4)

    def error(masks: BoolArray) -> int:
        return int(np.count_nonzero(masks[4:7] != true[4:7]))

    assert error(made) < 0.7 * error(seen)


def test_objects_may_enter_the_picture() -> None:
    masks = np.stack([box(-40 + 9 * i, 30, 40, 30) for i in range(9)])
    made = cleaned(masks, steady=3)
    for i in range(9):
        if masks[i].any():
            assert iou(made[i], masks[i]) > 0.9, i
        else:
            assert not made[i].any()


@pytest.mark.parametrize("missing", [1, 2, 4])
def test_gaps_are_closed_along_the_motion(missing: int) -> None:
    true = np.stack([disc((30 + 8 * i, 30 + 3 * i), 12 + i) for i in range(9)])
    seen = true.copy()
    seen[2 : 2 + missing] = False
    made = cleaned(seen, close_gaps=missing)
    for i in range(9):
        assert iou(made[i], true[i]) > 0.9, i
    np.testing.assert_array_equal(cleaned(seen, close_gaps=missing - 1), seen)


def test_what_begins_or_ends_is_no_gap() -> None:
    masks = np.stack([box(20, 20, 20, 20) & (2 <= i < 5) for i in range(7)])
    np.testing.assert_array_equal(cleaned(masks, close_gaps=10), masks)


def test_a_speck_does_not_hide_a_gap() -> None:
    true = np.stack([disc((40 + 4 * i, 45), 15) for i in range(5)])
    seen = true.copy()
    seen[2] = box(150, 80, 2, 2)
    made = cleaned(seen, close_gaps=1, remove_specks=4)
    assert iou(made[2], true[2]) > 0.95


def test_all_together_at_the_size_of_a_preview() -> None:
    """A preview at half the size looks like the export made small."""
    masks = np.stack([disc((40 + 7 * i, 45), 25) for i in range(7)])
    masks[3, 40:44, 55:59] = False
    masks[5] |= box(140, 5, 4, 4)
    wanted = {1: CleanUp(fill_holes=40, remove_specks=30, steady=2, smooth=2, grow=4)}
    source = CleanedMasks(Stored(masks), wanted)
    half = (SIZE_HW[0] // 2, SIZE_HW[1] // 2)
    for i in range(7):
        full = source.logits_at(i, SIZE_HW)[0] > 0
        small = source.logits_at(i, half)[0] > 0
        assert iou(full[::2, ::2], small) > 0.93


def test_every_frame_is_read_once_when_they_go_by_in_order() -> None:
    stored = Stored(np.stack([walker(i) for i in range(12)]))
    source = CleanedMasks(stored, {1: CleanUp(steady=3, close_gaps=2)})
    for i in range(12):
        source.logits_at(i, SIZE_HW)
    assert stored.asked <= 2 * 12, "once for itself and once for the frames around"


def test_what_is_held_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = np.stack([disc((20 + 5 * i, 45), 15) for i in range(20)])
    expected = cleaned(masks, steady=2)
    monkeypatch.setattr(cleanup_masks, "_CACHE_BYTES", 3000)
    source = CleanedMasks(Stored(masks), {1: CleanUp(steady=2)})
    for i in range(20):
        np.testing.assert_array_equal(source.logits_at(i, SIZE_HW)[0] > 0, expected[i])
    held = sum(patch.inside.nbytes for patch in source._cache.values())
    assert held <= 3000


def test_pixels_that_another_object_tracked_go_to_it() -> None:
    stored = Stored(box(40, 40, 20, 20)[None])
    logits = CleanedMasks(stored, {1: CleanUp(grow=5)}).logits_at(0, SIZE_HW)[0]
    assert 0 < logits[50, 37] < 1
    assert logits[50, 50] == 5


@pytest.mark.parametrize("shift", [(0, 0), (3, -7), (-20, 40)])
def test_shifts_are_found_to_the_pixel(shift: tuple[int, int]) -> None:
    start = Patch.of(disc((70, 40), 15) | box(60, 45, 5, 20))
    end = start.moved(shift)
    assert shift_between(start, end, SIZE_HW) == shift
    # A third of it missing does not draw the rest along.
    mask = end.mask(SIZE_HW)
    mask[: 40 + shift[0]] = False
    found = shift_between(start, Patch.of(mask), SIZE_HW)
    assert abs(found[0] - shift[0]) <= 1
    assert abs(found[1] - shift[1]) <= 1
