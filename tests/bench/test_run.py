"""A whole benchmark, as short as it gets."""

from functools import partial
from pathlib import Path

import pytest

from sam2ov.bench import run, torch_side
from sam2ov.bench.device import device_facts
from sam2ov.bench.run import BenchSettings, run_bench
from sam2ov.progress import Progress

OURS = ("image_encoder", "mask_decoder", "memory_attention", "memory_encoder")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """A small product of matrices; compiled graphs go into a folder of the test's own."""
    monkeypatch.setattr(run, "device_facts", partial(device_facts, side=64))
    monkeypatch.setattr(torch_side, "BASELINE", "tests.bench.fake_baseline")


def settings(*, against_torch: bool) -> BenchSettings:
    return BenchSettings(
        model="micro",
        random_weights=False,
        preset="quality",
        device="CPU",
        precision=None,
        objects=(1, 2),
        prompted=() if against_torch else (1, 12),
        frames=2,
        rounds=2,
        size_hw=(64, 96),
        against_torch=against_torch,
        checkpoint=None,
        config=None,
        reference_python=None,
        profile=against_torch,
    )


@pytest.mark.usefixtures("quick")
def test_alone() -> None:
    steps: list[Progress] = []
    report = run_bench(settings(against_torch=False), steps.append)
    assert (report.subject.model, report.subject.warm_up) == ("micro", 17)
    assert [each.objects for each in report.tracking] == [1, 2]
    one, two = report.tracking
    for each in report.tracking:
        assert each.fps == pytest.approx(1 / each.seconds_per_frame)
        assert {network.name for network in each.networks} == set(OURS)
        assert all(network.calls == 1 and network.flops > 0 for network in each.networks)
        assert each.floor_seconds == pytest.approx(
            sum(network.flops for network in each.networks) / report.device.gemm_flops
        )
        assert each.seconds_range[0] <= each.seconds_per_frame <= each.seconds_range[1]
        assert each.torch == ()
        assert all(network.operations == () for network in each.networks)
    assert one.cost_per_object == 1
    assert two.cost_per_object == pytest.approx(two.seconds_per_frame / 2 / one.seconds_per_frame)
    assert two.floor_seconds > one.floor_seconds
    assert [each.prompted for each in report.prompted] == [1, 12]
    assert all(each.seconds_per_frame > 0 for each in report.prompted)
    assert report.torch_version is None
    assert {step.stage for step in steps} >= {"Tracking 1 object", "Tracking 2 objects"}
    assert all(step.done <= step.total for step in steps)


@pytest.mark.usefixtures("quick")
def test_against_torch() -> None:
    report = run_bench(settings(against_torch=True), lambda step: None)
    assert report.torch_version == "0.0"
    for each in report.tracking:
        half, full = each.torch
        assert all(network.operations for network in each.networks)
        assert (half.precision, full.precision) == ("bf16", "f32")
        assert half.exact_mask_iou == 1
        assert full.exact_mask_iou is None
        assert half.our_mask_iou == full.our_mask_iou
        for other in each.torch:
            assert other.seconds_per_frame == 0.5
            low, high = other.speed_up_range
            assert 0.5 / each.seconds_range[1] <= low <= other.speed_up <= high
            assert high <= 0.5 / each.seconds_range[0]
