"""Seconds per frame: measured once for a machine, kept, and reckoned for every model."""

from pathlib import Path

import pytest

from sam2ov.errors import CancelledError, ModelError
from sam2ov.zoo import speed
from sam2ov.zoo.network_costs import COSTED
from sam2ov.zoo.published import PUBLISHED
from sam2ov.zoo.speed import known_pace, measure_pace

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(speed, "PROBE", "tests.fake_probe")
    path = tmp_path / "probe.log"
    monkeypatch.setenv("FAKE_PROBE_LOG", str(path))
    return path


def test_a_machine_is_measured_once_and_remembered(log: Path) -> None:
    assert known_pace("CPU", "f32") is None
    pace = measure_pace("CPU", "f32")
    assert known_pace("CPU", "f32") == pace
    assert log.read_text() == "CPU f32\n"
    assert "f32, OpenVINO" in pace.machine


def test_every_published_model_has_a_figure_for_every_preset() -> None:
    pace = measure_pace("CPU", "f32")
    for model in PUBLISHED.values():
        quality, balanced, fast = (
            pace.seconds_per_frame(model.config, model.image_size, preset)
            for preset in ("quality", "balanced", "fast")
        )
        assert quality is not None
        assert balanced is not None
        assert fast is not None
        assert quality > balanced > fast > 0, model.name


def test_the_bundled_model_takes_what_was_measured() -> None:
    pace = measure_pace("CPU", "f32")
    assert pace.seconds_per_frame("micro", 384) == pytest.approx(4 * 0.01)


def test_larger_models_take_longer() -> None:
    pace = measure_pace("CPU", "f32")
    sizes = [pace.seconds_per_frame(f"sam2.1_hiera_{size}", 1024) for size in ("t", "s", "b+", "l")]
    assert sizes == sorted(sizes, key=lambda seconds: seconds or 0)
    half = pace.seconds_per_frame("sam2.1_hiera_t", 1024, "fast")
    assert half is not None
    assert half < (sizes[0] or 0) / 3


def test_what_is_not_known_has_no_figure() -> None:
    pace = measure_pace("CPU", "f32")
    assert pace.seconds_per_frame("my_own_model", 1024) is None
    assert pace.seconds_per_frame("edgetam", 768) is None
    assert COSTED["edgetam"].at.keys() == {1024, 512}


def test_a_damaged_file_is_measured_anew(cache: Path) -> None:
    pace = measure_pace("CPU", "f32")
    (cache / "speed.json").write_text('{"paces": [{"device": 3}]}')
    assert known_pace("CPU", "f32") is None
    (cache / "speed.json").write_bytes(b"[" * (1 << 21))
    assert known_pace("CPU", "f32") is None
    assert measure_pace("CPU", "f32") == pace == known_pace("CPU", "f32")


def test_figures_of_another_machine_do_not_count(cache: Path) -> None:
    pace = measure_pace("CPU", "f32")
    file = cache / "speed.json"
    file.write_text(file.read_text().replace("OpenVINO ", "OpenVINO 0."))
    assert known_pace("CPU", "f32") is None
    assert measure_pace("CPU", "f32") == pace
    assert file.read_text().count('"device"') == 2, "those of the other one stay"


@pytest.mark.parametrize("how", ["crash", "garbage"])
def test_a_probe_that_fails_says_so(how: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PROBE", how)
    with pytest.raises(ModelError, match="cannot be measured"):
        measure_pace("CPU", "f32")
    assert not (cache / "speed.json").exists()


def test_the_probe_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PROBE", "hang")
    with pytest.raises(CancelledError):
        measure_pace("CPU", "f32", cancel=lambda: True)
