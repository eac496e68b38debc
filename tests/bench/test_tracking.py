"""Rounds of tracking: every frame once, and only what belongs to a round is in it."""

from pathlib import Path

import numpy as np
import pytest

from sam2ov.bench.clip import BenchClip
from sam2ov.bench.tracking import TrackingRun, warm_up_frames
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.tracker import Tracker
from tests.bench.conftest import SIZE_HW
from tests.fake_model import make_manifest


@pytest.fixture(scope="module")
def tracker(micro_model: Path) -> Tracker:
    return Tracker(SAM2Model(micro_model))


def test_rounds(tracker: Tracker, bench_clip: BenchClip) -> None:
    with TrackingRun(tracker, bench_clip, 2) as run:
        run.track(3)
        assert list(run.masks) == [0, 1, 2]
        first = run.measure(2)
        assert list(run.masks) == [0, 1, 2, 3, 4, 5], "a frame goes before each round"
        second = run.measure(3)
        assert list(run.masks) == list(range(10))
    masks = np.unpackbits(run.masks[9], axis=-1, count=SIZE_HW[1])
    assert masks.shape == (2, *SIZE_HW)
    for done, frames in ((first, 2), (second, 3)):
        assert done.networks["memory_attention"].calls == frames
        assert done.networks["prompt_encoder"].calls == 0
        assert abs(done.networks["image_encoder"].calls - frames) <= 1
        assert 0 <= done.rest_per_frame < done.seconds_per_frame
    shapes = second.networks["memory_attention"].shapes
    assert shapes["memory"][:2] == (2, 7)
    assert shapes["pointers"][:2] == (2, 9)


def test_the_bank_is_full_after_the_warm_up() -> None:
    assert warm_up_frames(make_manifest()) == 17
