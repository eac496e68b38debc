"""``sam2ov bench``: options, files and mistakes; what it measures is measured elsewhere."""

import json
from pathlib import Path

import pytest

from sam2ov.bench.report import BenchReport
from sam2ov.bench.run import BenchSettings
from tests.bench.conftest import report as report
from tests.commands.conftest import Run


@pytest.fixture
def asked(report: BenchReport, monkeypatch: pytest.MonkeyPatch) -> list[BenchSettings]:
    """Nothing is measured; the settings of each benchmark that was asked for."""
    settings: list[BenchSettings] = []

    def run_bench(wanted: BenchSettings, progress: object) -> BenchReport:
        settings.append(wanted)
        return report

    monkeypatch.setattr("sam2ov.bench.run.run_bench", run_bench)
    return settings


def test_defaults(run: Run, asked: list[BenchSettings]) -> None:
    result = run("bench")
    assert result.exit_code == 0, result.output
    (settings,) = asked
    assert (settings.model, settings.objects, settings.size_hw) == ("micro", (1, 3, 8), (720, 1280))
    assert not settings.random_weights
    assert not settings.against_torch
    assert "| 1 | 2.00 |" in result.stdout


def test_every_option_is_honoured(run: Run, asked: list[BenchSettings], tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    result = run(
        "bench", "--model", "sam2-hiera-small", "--objects", "4,2", "--prompted", "60,8",
        "--preset", "fast", "--device", "GPU", "--precision", "f32", "--frames", 3, "--rounds", 2,
        "--size", "640x360", "--against", "torch", "--random-weights",
        "--checkpoint", "x.pt", "--config", "x.yaml", "--reference-python", "x", "--profile",
        "--json", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert asked == [
        BenchSettings(
            model="sam2-hiera-small",
            random_weights=True,
            preset="fast",
            device="GPU",
            precision="f32",
            objects=(2, 4),
            prompted=(8, 60),
            frames=3,
            rounds=2,
            size_hw=(360, 640),
            against_torch=True,
            checkpoint=Path("x.pt"),
            config="x.yaml",
            reference_python=Path("x"),
            profile=True,
        )
    ]
    found = json.loads(out.read_text())
    assert found["tracking"][0]["torch"][1]["our_mask_iou"] == 0.9987
    assert found["tracking"][0]["networks"][0]["name"] == "image_encoder"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--objects", "0"), "--objects takes numbers from 1 on"),
        (("--objects", "one"), "--objects takes numbers from 1 on"),
        (("--prompted", "none"), "--prompted takes numbers from 1 on"),
        (("--size", "1280"), "--size takes width and height"),
        (("--size", "32x720"), "--size takes width and height"),
        (("--rounds", "0"), "--rounds"),
        (("--preset", "best"), "--preset"),
        (("--checkpoint", "x.pt"), "go with --against torch"),
        (("--reference-python", "python"), "go with --against torch"),
        (("--json", "x.txt"), "should end in .json"),
    ],
)
def test_wrong_command_lines(
    arguments: tuple[str, str], message: str, run: Run, asked: list[BenchSettings]
) -> None:
    result = run("bench", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not asked


def test_places_are_checked_first(run: Run, asked: list[BenchSettings], tmp_path: Path) -> None:
    taken = tmp_path / "taken.json"
    taken.write_text("{}")
    assert "--overwrite" in run("bench", "--json", taken).stderr
    assert "does not exist" in run("bench", "--json", tmp_path / "no" / "x.json").stderr
    assert not asked
    assert run("bench", "--json", taken, "--overwrite").exit_code == 0
    assert len(asked) == 1
