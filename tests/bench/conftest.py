"""A short clip and a report for everyone."""

from pathlib import Path

import huggingface_hub
import pytest

from sam2ov.bench.clip import BenchClip, write_clip
from sam2ov.bench.device import DeviceFacts, OperationTimes
from sam2ov.bench.latency import ClickTimes, StartTimes
from sam2ov.bench.machine import MachineFacts
from sam2ov.bench.report import (
    BenchReport,
    NetworkCost,
    PromptedResult,
    Subject,
    TorchResult,
    TrackingResult,
)

SIZE_HW = (64, 96)
NUM_FRAMES = 12


@pytest.fixture(scope="session")
def bench_clip(tmp_path_factory: pytest.TempPathFactory) -> BenchClip:
    """12 frames of 96×64 with three objects."""
    return write_clip(tmp_path_factory.mktemp("bench") / "clip.mp4", SIZE_HW, NUM_FRAMES, 3)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SAM2OV_CACHE", str(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return folder


@pytest.fixture
def report() -> BenchReport:
    """Round numbers."""
    networks = (
        NetworkCost("image_encoder", 1, 0.2, 200_000_000_000, 0.1, ()),
        NetworkCost(
            "memory_attention",
            1,
            0.4,
            400_000_000_000,
            0.2,
            (
                OperationTimes("MatMul", "brgemm_avx512_bf16", 64, 0.3985, 0.99625),
                OperationTimes("Concat", "ref_bf16", 4, 0.0015, 0.00375),
            ),
        ),
    )
    torch = (
        TorchResult("bf16", 1.0, 2.0, (1.9, 2.1), 0.9951, 0.9942, 3 << 30),
        TorchResult("f32", 3.0, 6.0, (5.5, 6.5), 0.9987, None, None),
    )
    return BenchReport(
        subject=Subject(
            "sam2.1-hiera-tiny-random",
            True,
            "quality",
            (),
            "CPU",
            "bf16",
            1024,
            (720, 1280),
            17,
            5,
            4,
        ),
        machine=MachineFacts("Some CPU", 2, 8 << 30, "Linux x86_64", "3.11.7", "2026.4.1", "1.0"),
        device=DeviceFacts("CPU", "Some CPU", ("BF16", "FP32"), 2, 2e12),
        load_before=0.1,
        load_after=2.0,
        tracking=(
            TrackingResult(1, 0.5, 2.0, (0.4, 0.6), 1.0, networks, 0.05, 0.3, 0.6, 1 << 30, torch),
        ),
        prompted=(PromptedResult(8, 0.8, 2 << 30),),
        clicks=ClickTimes(0.05, 0.07, 0.4),
        overlay_fps=1.25,
        start=StartTimes(9.0, 1.5),
        torch_version="2.13.0",
    )
