"""Talking to the process with torch, on a stand-in for it."""

from pathlib import Path

import numpy as np
import pytest

from sam2ov.bench import torch_side
from sam2ov.bench.clip import BenchClip
from sam2ov.bench.model import Weights
from sam2ov.bench.torch_side import TorchBaseline, write_decoded_frames
from sam2ov.errors import ModelError
from sam2ov.video import open_video


@pytest.fixture
def baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TorchBaseline:
    monkeypatch.setattr(torch_side, "BASELINE", "tests.bench.fake_baseline")
    return TorchBaseline("f32", Weights(tmp_path / "x.pt", "sam2.1_hiera_t"), 64, 1, tmp_path)


def test_rounds(baseline: TorchBaseline, bench_clip: BenchClip, tmp_path: Path) -> None:
    write_decoded_frames(bench_clip, 8, tmp_path)
    with baseline:
        assert baseline.version == "0.0"
        for _ in range(2):  # a clip can be begun anew
            baseline.open(bench_clip.boxes[:2])
            first = baseline.track(3)
            assert (first.first_frame, first.seconds_per_frame) == (0, 0.5)
            second = baseline.track(4)
            assert (second.first_frame, second.peak_memory_bytes) == (3, 1003)
            assert second.masks.shape == (4, 2, 64, 12)


def test_frames_are_those_of_the_video(bench_clip: BenchClip, tmp_path: Path) -> None:
    write_decoded_frames(bench_clip, 3, tmp_path)
    frames = np.load(tmp_path / "frames.npy", mmap_mode="r")
    assert frames.shape == (3, *bench_clip.size_hw, 3)
    with open_video(bench_clip.path) as reader:
        np.testing.assert_array_equal(frames[2], reader.read(2))


def test_it_says_why_it_does_not_load(baseline: TorchBaseline) -> None:
    baseline._environment["FAKE_BASELINE"] = "refuse"
    with pytest.raises(ModelError, match=r"\(f32\) failed: CheckpointError: it is truncated"):
        baseline.__enter__()


def test_it_dies(baseline: TorchBaseline, bench_clip: BenchClip) -> None:
    baseline._environment["FAKE_BASELINE"] = "crash"
    with baseline, pytest.raises(ModelError, match=r"(?s)ended.*Segmentation fault"):
        baseline.open(bench_clip.boxes)
    assert baseline._process.poll() is not None


def test_it_needs_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_side, "_BESIDE", tmp_path)
    with pytest.raises(ModelError, match=r"no .*torch_baseline\.py\. Run .* from a clone"):
        TorchBaseline("f32", Weights(tmp_path / "x.pt", "sam2.1_hiera_t"), 64, 1, tmp_path)


def test_the_interpreter_is_ones_own_choice(tmp_path: Path) -> None:
    weights = Weights(tmp_path / "x.pt", "edgetam")
    with pytest.raises(ModelError, match=r"nowhere/python cannot be run: No such file"):
        TorchBaseline("f32", weights, 64, 1, tmp_path, Path("nowhere/python")).__enter__()
    stand_in = tmp_path / "python"
    stand_in.write_text('#!/bin/sh\necho \'{"torch": "another"}\'\n')
    stand_in.chmod(0o755)
    with TorchBaseline("f32", weights, 64, 1, tmp_path, stand_in) as baseline:
        assert baseline.version == "another"
