"""Waiting times: what is measured happens."""

from pathlib import Path
from typing import cast

import pytest

from sam2ov.bench.clip import BenchClip
from sam2ov.bench.latency import click_times, overlay_fps, percentile, start_times
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ModelError
from sam2ov.video import open_video
from sam2ov.zoo.loading import PreparedModel
from sam2ov.zoo.presets import PRESETS
from tests.click_model import ClickModel


def test_clicks_on_one_frame_and_on_new_ones(model: ClickModel, bench_clip: BenchClip) -> None:
    tracker = Tracker(cast("SAM2Model", model))
    times = click_times(tracker, bench_clip, clicks=4, first_clicks=3)
    assert model.calls["encode_image"] == 1 + 3
    assert model.calls["encode_prompts"] == 1 + 4 + 3
    assert 0 < times.median <= times.p95
    assert times.first_median > 0


def test_percentile() -> None:
    values = [float(value) for value in range(20, 0, -1)]
    assert percentile(values, 0.95) == 19
    assert percentile(values, 1) == 20
    assert percentile([3.0], 0.95) == 3


def test_overlay(model: ClickModel, bench_clip: BenchClip, tmp_path: Path) -> None:
    tracker = Tracker(cast("SAM2Model", model))
    assert overlay_fps(tracker, bench_clip, tmp_path) > 0
    with open_video(tmp_path / "overlay.mp4") as reader:
        assert (reader.num_frames, reader.size_hw) == (12, bench_clip.size_hw)


def test_start(micro_model: Path) -> None:
    times = start_times(
        PreparedModel(micro_model, 256, PRESETS["fast"], PRESETS["fast"].memory), "CPU", "f32"
    )
    assert times.cold > 0
    assert times.cached > 0


def test_a_start_that_fails(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"(?s)Compiling .* failed.*ModelFolderError"):
        start_times(
            PreparedModel(tmp_path, 256, PRESETS["fast"], PRESETS["fast"].memory), "CPU", "f32"
        )
