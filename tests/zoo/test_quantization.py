"""INT8 image encoders: made once, checked, kept where they pay."""

import math
import shutil
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2ov.engine.features import squash
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.networks import Compiler
from sam2ov.errors import CancelledError, ModelError, VideoOpenError
from sam2ov.manifest import NetworkName, read_manifest, verify_files
from sam2ov.progress import Progress
from sam2ov.samples import SAMPLE_PATH
from sam2ov.video import open_video
from sam2ov.zoo import quantization
from sam2ov.zoo.quantization import natural_picture, quantize_model, shortcomings
from tests.clips import write_clip

needs_nncf = pytest.mark.skipif(
    find_spec("nncf") is None, reason='NNCF is not installed: pip install "sam2ov[quantize]"'
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAM2OV_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(quantization, "_CALIBRATION_FRAMES", 4)
    monkeypatch.setattr(quantization, "_CHECKED_FRAMES", 2)
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("error", "time_ratio", "said"),
    [
        (0.1, 0.95, ()),
        (0.1001, 0.2, ("its features are more than 10 % off",)),
        (0.01, 0.951, ("it saves less than 5 % of the time",)),
        (0.5, 2.0, ("it saves less than 5 % of the time", "its features are more than 10 % off")),
    ],
)
def test_int8_has_to_be_fast_and_accurate(
    error: float, time_ratio: float, said: tuple[str, ...]
) -> None:
    assert shortcomings(error, time_ratio) == said


@needs_nncf
def test_an_encoder_that_pays_is_kept_and_made_once(
    micro_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Progress] = []
    folder = quantize_model(
        micro_model, 384, precision="f32", largest_time=math.inf, progress=seen.append
    )
    assert capsys.readouterr().out == "", "standard output is for results"
    assert [step.done for step in seen] == [0, 1, 2, 3, 4]
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    found = manifest.quantization
    assert found is not None
    assert (found.kept, found.network, found.clip) == (True, "image_encoder", "sample.mp4")
    assert 0 < found.error < 0.1
    assert manifest.image_sizes == (384,)
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json",
        *(spec.file for spec in manifest.files()),
    }
    kept = (folder / "weights.bin").stat().st_size
    assert kept < 0.9 * (micro_model / "weights.bin").stat().st_size
    with open_video(SAMPLE_PATH) as reader:  # of the kind that it was calibrated on
        picture = squash(reader.read(50), 384)
    ours, theirs = (
        SAM2Model(each, precision="f32").encode_image(picture).embedding
        for each in (folder, micro_model)
    )
    assert 0 < np.linalg.norm(ours - theirs) < 0.1 * np.linalg.norm(theirs)
    monkeypatch.setattr(quantization, "is_installed", lambda: False)
    again = quantize_model(micro_model, 384, precision="f32", largest_time=math.inf)
    assert again == folder, "NNCF is needed once"


@needs_nncf
def test_what_other_threads_print_meanwhile_is_not_lost(
    micro_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = threading.Event()
    printed: list[str] = []

    def keep_printing() -> None:
        while not done.wait(0.01):
            printed.append(f"line {len(printed)}")
            print(printed[-1])

    printer = threading.Thread(target=keep_printing)
    printer.start()
    try:
        quantize_model(micro_model, 384, precision="f32", largest_time=math.inf)
    finally:
        done.set()
        printer.join()
    assert capsys.readouterr().out.splitlines() == printed


@needs_nncf
def test_only_what_is_compared_is_compiled(
    micro_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[NetworkName] = []
    compile_graph = Compiler.request

    def count(compiler: Compiler, graph: Any, name: NetworkName, **options: bool) -> Any:
        compiled.append(name)
        return compile_graph(compiler, graph, name, **options)

    monkeypatch.setattr(Compiler, "request", count)
    quantize_model(micro_model, 384, largest_time=math.inf)
    assert compiled == ["image_encoder", "image_encoder"]


@needs_nncf
def test_a_graph_that_cannot_be_quantised_is_told_with_the_last_words(
    micro_model: Path, tmp_path: Path, cache: Path
) -> None:
    broken = shutil.copytree(micro_model, tmp_path / "broken")
    (broken / "image_encoder-384.xml.gz").write_text("no graph")
    with pytest.raises(ModelError, match=r"(?s)cannot quantise .*broken: it ended.*is damaged"):
        quantize_model(broken, 384)
    assert list((cache / "models").iterdir()) == []


@needs_nncf
@pytest.mark.parametrize("too", ["slow", "inaccurate"])
def test_an_encoder_that_does_not_pay_is_not_kept(
    micro_model: Path, monkeypatch: pytest.MonkeyPatch, too: str
) -> None:
    if too == "inaccurate":
        monkeypatch.setattr(quantization, "LARGEST_ERROR", 0.0)
    folder = quantize_model(micro_model, 256, largest_time=0.0 if too == "slow" else math.inf)
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    assert manifest.quantization is not None
    assert not manifest.quantization.kept
    picture = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    ours, theirs = (
        SAM2Model(each, precision="f32", image_size=256).encode_image(picture).embedding
        for each in (folder, micro_model)
    )
    np.testing.assert_array_equal(ours, theirs)


def test_without_nncf_the_command_is_given(
    micro_model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantization, "is_installed", lambda: False)
    with pytest.raises(ModelError, match=r'pip install "sam2ov\[quantize\]"'):
        quantize_model(micro_model, 384)
    assert list((cache / "models").iterdir()) == []


@needs_nncf
def test_stopping_and_bad_clips_leave_nothing(
    micro_model: Path, cache: Path, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    with pytest.raises(CancelledError):
        quantize_model(micro_model, 384, progress=seen.append, cancel=lambda: bool(seen))
    with pytest.raises(VideoOpenError):
        quantize_model(micro_model, 384, clip=tmp_path / "nowhere.mp4")
    assert list((cache / "models").iterdir()) == []


@pytest.mark.parametrize(("frames", "calibration", "checked"), [(1, 1, 1), (2, 2, 2), (12, 4, 2)])
def test_frames_are_spread_over_the_clip(
    tmp_path: Path, frames: int, calibration: int, checked: int
) -> None:
    clip = write_clip(tmp_path / "clip", np.zeros((frames, 64, 64, 3), np.uint8))
    chosen = quantization._frames(clip, 128)
    assert (len(chosen[0]), len(chosen[1])) == (calibration, checked)
    assert chosen[0][0].shape == (128, 128, 3)


def test_natural_pictures_have_the_spectrum_of_photos() -> None:
    rng = np.random.default_rng(0)
    picture = natural_picture(rng, 128)
    assert picture.shape == (128, 128, 3)
    assert picture.dtype == np.uint8
    assert not np.array_equal(picture, natural_picture(rng, 128)), "each is another one"
    amplitude = np.abs(np.fft.fft2(picture.mean(2)))
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(128)] * 2))
    wanted = (frequency > 0.02) & (frequency < 0.3)
    slope = np.polyfit(np.log(frequency[wanted]), np.log(amplitude[wanted]), 1)[0]
    assert -1.3 < slope < -0.7
    correlation = np.corrcoef(picture.reshape(-1, 3).T.astype(float))
    assert correlation.min() > 0.5, "colours vary less than brightness"
