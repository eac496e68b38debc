"""The fit of a calibration finds again what was put in."""

import numpy as np
import pytest

from sam2ov.evaluation.trust import JudgedTrack
from sam2ov.project.confidence import ObjectTrack, confidence
from sam2ov.values.timeline import Timeline
from sam2ov.zoo.calibration import Calibration
from tools.fitting import Judged, fit_logistic


def test_a_logistic_curve_is_found_again() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(20_000, 2))
    chance = 1 / (1 + np.exp(-(0.5 + matrix @ [2.0, -1.0])))
    right = rng.random(20_000) < chance
    bias, slopes = fit_logistic(matrix, right, np.ones(20_000))
    assert bias == pytest.approx(0.5, abs=0.1)
    assert slopes == pytest.approx([2, -1], rel=0.1)


def judged(rng: np.random.Generator, *, flooded: bool) -> JudgedTrack:
    """An object that is right, or one whose mask grows and is wrong; both are sure."""
    timeline = Timeline.empty(60)
    timeline.has_result[:] = True
    timeline.direction[:] = 1
    timeline.object_score[:] = rng.normal(5, 1, 60)
    timeline.iou[:] = rng.uniform(0.8, 0.95, 60)
    timeline.area[:] = 0.02 * (np.exp(0.05 * np.arange(60)) if flooded else 1)
    timeline.centre[:] = 0.5
    timeline.object_score[50:] = -3
    j = np.ones(60) if not flooded else np.where(np.arange(60) < 20, 1.0, 0.2)
    j[50:] = 0.0 if flooded else 1.0
    return JudgedTrack(ObjectTrack(1, timeline, (0,)), np.arange(1, 60), j[1:])


def test_growth_that_goes_with_failures_is_doubted() -> None:
    rng = np.random.default_rng(2)
    tracks = [judged(rng, flooded=number % 2 == 0) for number in range(20)]
    found = Judged([(1.0, tracks)])
    calibration = Calibration(
        weights_sha256="0" * 64,
        present=found.fitted(absent=False),
        absent=found.fitted(absent=True),
        frames=len(found.right),
    )
    assert calibration.frames == 20 * 59
    other = [judged(rng, flooded=flooded) for flooded in (True, False)]
    told = [confidence(each.track, calibration) for each in other]
    assert told[0][45] < 0.2 < 0.8 < told[1][45]


def test_signals_that_speak_the_wrong_way_are_left_out() -> None:
    rng = np.random.default_rng(3)
    tracks = [judged(rng, flooded=number % 2 == 0) for number in range(20)]
    for each in tracks:
        right = np.concatenate([[True], each.j >= 0.5])
        each.track.timeline.iou[:] = np.where(right, 0.5, 0.9)  # the surer, the worse
    assert "iou" not in Judged([(1.0, tracks)]).fitted(absent=False).weights
