"""Confidence from timelines: what is looked at, and what a calibration makes of it."""

import numpy as np
import pytest

from sam2ov.project.confidence import ObjectTrack, claimed_confidence, confidence, signals
from sam2ov.values.timeline import FrameFacts, Timeline
from sam2ov.zoo.calibration import Calibration, Curve

GROWTH = Calibration(
    weights_sha256="0" * 64,
    present=Curve(bias=3, weights={"grown": -4}),
    absent=Curve(bias=1, weights={"left": 2}),
    frames=1,
)


def timeline(areas: list[float], *, iou: float = 0.9, direction: int = 1) -> Timeline:
    made = Timeline.empty(len(areas))
    for frame_idx, area in enumerate(areas):
        centre = (0.5, 0.5) if area else (float("nan"), float("nan"))
        made.record(frame_idx, FrameFacts(5.0 if area else -5.0, iou, area, centre))
        made.direction[frame_idx] = direction
    return made


def test_without_a_calibration_it_is_what_the_model_claims() -> None:
    known = timeline([0.1, 0.1])
    track = ObjectTrack(1, known, (0,))
    assert np.array_equal(confidence(track, None), claimed_confidence(known))
    assert confidence(track, None) == pytest.approx(0.9 / (1 + np.exp(-5)), abs=1e-6)


def test_a_mask_that_floods_is_doubted_however_sure_it_is() -> None:
    track = ObjectTrack(1, timeline([0.02, 0.02, 0.04, 0.3, 0.5]), (0,))
    told = confidence(track, GROWTH)
    assert told[0] == told[1] > 0.9
    assert np.all(np.diff(told[1:]) < 0)
    assert told[-1] < 0.01


def test_nothing_is_told_where_nothing_is_known() -> None:
    known = timeline([0.1, 0.1, 0.1])
    known.forget(1)
    told = confidence(ObjectTrack(1, known, (0,)), GROWTH)
    assert np.isnan(told[1])
    assert not np.isnan(told[[0, 2]]).any()


def test_frames_tracked_backwards_are_compared_with_the_prompt_behind_them() -> None:
    track = ObjectTrack(1, timeline([0.4, 0.2, 0.1, 0.1], direction=-1), (3,))
    track.timeline.direction[3] = 0
    found = signals(track)
    assert found["grown"] == pytest.approx([np.log(4), np.log(2), 0, 0], abs=1e-5)
    assert found["age"] == pytest.approx(np.log1p([3, 2, 1, 0]))


def test_each_prompt_begins_anew() -> None:
    track = ObjectTrack(1, timeline([0.1, 0.3, 0.3, 0.3, 0.1]), (0, 2))
    found = signals(track)
    assert found["grown"] == pytest.approx([0, np.log(3), 0, 0, 0], abs=1e-5)
    assert found["shrunk"] == pytest.approx([0, 0, 0, 0, np.log(3)], abs=1e-5)
    assert found["resized"] == pytest.approx([0, np.log(3), 0, 0, np.log(3)], abs=1e-5)


def test_the_least_and_the_mean_go_along_the_track() -> None:
    known = timeline([0.1] * 10)
    known.iou[4] = 0.5
    found = signals(ObjectTrack(1, known, (0,)))
    sure = np.log(9)
    assert found["iou"][4] == pytest.approx(0)
    assert found["least_iou"] == pytest.approx([sure] * 4 + [0] * 6, abs=1e-5)
    assert found["mean_iou"][4] == pytest.approx(sure * 4 / 5, abs=1e-5)
    assert found["mean_iou"][9] == pytest.approx(sure * 7 / 8, abs=1e-5)


def test_an_object_that_is_away() -> None:
    known = timeline([0.01, 0.01, 0, 0, 0.01])
    known.centre[1] = (0.99, 0.5)
    track = ObjectTrack(1, known, (0,))
    found = signals(track)
    assert found["gone"] == pytest.approx([0, 0, np.log(2), np.log(3), 0])
    assert found["left"].tolist() == [0, 0, 1, 1, 0]
    told = confidence(track, GROWTH)
    assert told[2] == pytest.approx(1 / (1 + np.exp(-3)))
    assert found["grown"][2] == found["area"][2] == 0


def test_one_that_was_never_seen() -> None:
    found = signals(ObjectTrack(1, timeline([0, 0, 0]), (0,)))
    assert all(np.isfinite(values).all() for values in found.values())
    assert not found["left"].any()
