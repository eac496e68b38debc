"""Whether confidence means something, on answers that are known."""

from pathlib import Path

import numpy as np
import pytest

from sam2ov.engine.tracker import Tracker
from sam2ov.evaluation.datasets import find_sequences
from sam2ov.evaluation.trust import (
    calibration_error,
    found_early,
    judge_sequence,
    reliability,
)
from tests.evaluation.conftest import NUM_FRAMES


def test_a_tracked_sequence_is_judged(tracker: Tracker, plain_dataset: Path) -> None:
    tracked: list[int] = []
    (square,) = judge_sequence(
        tracker, find_sequences(plain_dataset)[0], "mask", lambda: tracked.append(1)
    )
    assert square.frames.tolist() == list(range(1, NUM_FRAMES - 1)), "as eval counts them"
    assert square.j.min() > 0.8
    assert square.track.prompted_frames == (0,)
    assert square.track.timeline.has_result[square.frames].all()
    assert len(tracked) == NUM_FRAMES - 1


def test_failed_frames_that_are_found_early() -> None:
    j = np.array([0.9] * 8 + [0.1, 0.2])
    assert found_early(j, j) == 1
    assert found_early(1 - j, j) == 0
    assert found_early(np.arange(10.0)[::-1], j) == 1
    assert found_early(np.zeros(10), j) == 0, "the first of equal ones are looked at"
    assert found_early(j, np.ones(10)) == 1, "there is nothing to find"
    assert found_early(np.arange(10.0), np.zeros(10)) == pytest.approx(0.2)


def test_chances_that_hold_and_chances_that_do_not() -> None:
    told = np.repeat([0.25, 0.75], 100)
    j = np.tile([1.0, 0.0, 0.0, 0.0], 25).tolist() + np.tile([1.0, 1.0, 1.0, 0.0], 25).tolist()
    points = reliability(told, np.array(j))
    assert points == [(0.25, 0.25, 100), (0.75, 0.75, 100)]
    assert calibration_error(points) == 0
    assert calibration_error(reliability(np.full(200, 0.9), np.array(j))) == pytest.approx(0.4)
    assert calibration_error([]) == 0
