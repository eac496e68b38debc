"""Steadiness of masks whose movement is known."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sam2ov.cleanup.motion import Patch
from sam2ov.errors import CancelledError
from sam2ov.evaluation.report.measures import flicker, measure, trembling, working_size
from sam2ov.progress import Progress
from sam2ov.values.masks import BoolArray, FloatArray, mask_at

SIZE_HW = (60, 80)


class Drawn:
    """Masks of one object by frame (a ``MaskSource``)."""

    def __init__(self, draw: Callable[[int], BoolArray], num_frames: int) -> None:
        self.num_frames = num_frames
        self.size_hw = SIZE_HW
        self.obj_ids = (1,)
        self._draw = draw

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        assert size_hw == SIZE_HW
        return mask_at(self._draw(frame_idx), size_hw)[None]


class Truth:
    frames = (0, 1, 3)

    def truth(self, frame_idx: int, obj_id: int) -> BoolArray | None:
        return None if frame_idx == 0 else square(frame_idx + 2)


def square(left: int, top: int = 20, side: int = 20) -> BoolArray:
    mask = np.zeros(SIZE_HW, np.bool_)
    mask[top : top + side, left : left + side] = True
    return mask


def test_what_only_moves_is_steady() -> None:
    found = measure(Drawn(lambda frame: square(10 + 3 * frame), 8), [1], range(8))[1]
    assert np.isnan(found.flicker[0])
    assert found.flicker[1:] == pytest.approx(0)
    assert np.isnan(found.trembling[[0, 7]]).all()
    assert found.trembling[1:7] == pytest.approx(0, abs=0.3)
    assert found.stability == pytest.approx(1)
    assert np.isnan(found.j).all()


def test_what_flashes_up_flickers() -> None:
    def draw(frame: int) -> BoolArray:
        return square(30) if frame != 3 else square(30) & (np.arange(80) < 40)

    found = measure(Drawn(draw, 7), [1], range(7))[1]
    assert found.flicker[[3, 4]] == pytest.approx(0.5, abs=0.05)
    assert found.flicker[[1, 2, 5, 6]] == pytest.approx(0)


def test_an_outline_that_goes_to_and_fro_trembles_by_that() -> None:
    def draw(frame: int) -> BoolArray:
        out = frame % 2
        return square(30 - out, 20 - out, 20 + 2 * out)

    found = measure(Drawn(draw, 9), [1], range(9))[1]
    assert found.trembling[1:8] == pytest.approx(1, abs=0.25), "a pixel all around"


def test_nothing_is_measured_where_the_object_is_away() -> None:
    def draw(frame: int) -> BoolArray:
        return square(30) if frame not in (2, 3) else np.zeros(SIZE_HW, np.bool_)

    found = measure(Drawn(draw, 6), [1], range(6))[1]
    assert np.isnan(found.flicker[[2, 3, 4]]).all()
    assert np.isnan(found.stability[[2, 3]]).all()
    assert not np.isnan(found.flicker[[1, 5]]).any()


def test_true_masks_where_they_are_known() -> None:
    found = measure(Drawn(lambda frame: square(frame + 2), 4), [1], range(1, 4), Truth())[1]
    assert found.j == pytest.approx([1, np.nan, 1], nan_ok=True)
    assert found.f == pytest.approx([1, np.nan, 1], nan_ok=True)
    shifted = measure(Drawn(lambda frame: square(frame + 12), 4), [1], range(4), Truth())[1]
    assert np.isnan(shifted.j[0]), "not known there"
    assert shifted.j[1] == pytest.approx(1 / 3)


def test_progress_and_cancelling() -> None:
    told: list[Progress] = []
    source = Drawn(lambda _: square(20), 5)
    measure(source, [1], range(2, 5), progress=told.append)
    assert [(step.done, step.total) for step in told] == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(CancelledError, match="Measuring"):
        measure(source, [1], range(5), cancel=lambda: True)


def test_single_pairs_and_triples() -> None:
    here, away = Patch.of(square(20)), Patch.of(np.zeros(SIZE_HW, np.bool_))
    assert flicker(here, Patch.of(square(50, 5)), SIZE_HW) == 0
    assert np.isnan(flicker(here, away, SIZE_HW))
    assert np.isnan(flicker(away, here, SIZE_HW))
    assert np.isnan(trembling(here, here, away, SIZE_HW))


def test_the_working_size_keeps_the_form() -> None:
    assert working_size((1080, 1920)) == (270, 480)
    assert working_size((240, 426)) == (240, 426)
    assert working_size((10_000, 1)) == (480, 1)
