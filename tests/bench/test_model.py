"""Which model is measured, and the checkpoint that goes with it."""

from pathlib import Path

import pytest

from sam2ov.bench import model as bench_model
from sam2ov.bench.model import find_weights, prepare_bench_model
from sam2ov.errors import CheckpointError, ConversionError, ModelError, ModelNotFoundError
from sam2ov.manifest import Manifest, read_manifest
from sam2ov.zoo import conversion
from tests.fake_convert import write_model_folder

NAME = "sam2.1-hiera-tiny"


@pytest.fixture(autouse=True)
def stand_ins(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No torch and no NNCF; returns a file with a line for each conversion."""
    monkeypatch.setattr("sam2ov.zoo.loading.is_installed", lambda: False)
    log = tmp_path / "converter.log"
    monkeypatch.setenv("FAKE_CONVERT_LOG", str(log))
    monkeypatch.setattr(conversion, "CONVERTER", "tests.fake_convert")
    monkeypatch.setattr(bench_model, "RANDOM_CHECKPOINT", "tests.bench.fake_random")
    return log


def test_the_bundled_model(micro_model: Path) -> None:
    prepared = prepare_bench_model("micro", preset="balanced", random_weights=False)
    assert prepared.folder == micro_model
    assert prepared.preset.name == "balanced"


@pytest.mark.parametrize("name", [NAME, f"facebook/{NAME}"])
def test_nothing_is_downloaded(name: str, cache: Path) -> None:
    with pytest.raises(ModelError, match="--random-weights"):
        prepare_bench_model(name, preset="quality", random_weights=False)
    with pytest.raises(ModelNotFoundError):
        prepare_bench_model("nonsense", preset="quality", random_weights=False)
    assert not cache.exists()


def test_random_weights_are_made_once(stand_ins: Path) -> None:
    first = prepare_bench_model(NAME, preset="quality", random_weights=True)
    manifest = read_manifest(first.folder)
    assert manifest.name == f"{NAME}-random"
    assert manifest.source.config == "sam2.1_hiera_t"
    again = prepare_bench_model(NAME, preset="quality", random_weights=True)
    assert again.folder == first.folder
    assert len(stand_ins.read_text().splitlines()) == 1
    weights = find_weights(manifest, None, None)
    assert weights.checkpoint.read_text() == "random weights of sam2.1_hiera_t"
    assert weights.config == "sam2.1_hiera_t"


def test_a_checkpoint_at_hand_is_converted(cache: Path) -> None:
    (cache / "checkpoints").mkdir(parents=True)
    (cache / "checkpoints" / "sam2.1_hiera_tiny.pt").write_text("weights")
    prepared = prepare_bench_model(NAME, preset="fast", random_weights=False)
    assert prepared.image_size == 512


def test_random_weights_at_the_size_of_the_preset(stand_ins: Path) -> None:
    full = prepare_bench_model(NAME, preset="quality", random_weights=True)
    fast = prepare_bench_model(NAME, preset="fast", random_weights=True)
    assert (full.image_size, fast.image_size) == (1024, 512)
    assert full.folder == fast.folder
    assert fast.preset.name == "fast"
    assert len(stand_ins.read_text().splitlines()) == 1


def test_another_converter_converts_again(stand_ins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare_bench_model(NAME, preset="quality", random_weights=True)
    monkeypatch.setattr(bench_model, "_converter_digest", lambda: "01234567")
    second = prepare_bench_model(NAME, preset="quality", random_weights=True)
    assert second.folder != first.folder
    assert not first.folder.exists()
    assert len(stand_ins.read_text().splitlines()) == 2


def test_random_weights_that_cannot_be_made() -> None:
    with pytest.raises(ModelError, match="for the published models"):
        prepare_bench_model("micro", preset="quality", random_weights=True)
    with pytest.raises(ConversionError, match="no memory left"):
        prepare_bench_model("sam2-hiera-large", preset="quality", random_weights=True)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Of a model converted from ``mine.pt``."""
    (tmp_path / "mine.pt").write_text("weights")
    return write_model_folder(tmp_path / "mine", checkpoint=tmp_path / "mine.pt", name="mine")


def test_a_checkpoint_that_is_given(manifest: Manifest, tmp_path: Path) -> None:
    weights = find_weights(manifest, tmp_path / "mine.pt", "mine.yaml")
    assert weights == bench_model.Weights(tmp_path / "mine.pt", "mine.yaml")


def test_a_checkpoint_in_the_cache(manifest: Manifest, tmp_path: Path, cache: Path) -> None:
    (cache / "checkpoints").mkdir(parents=True)
    (tmp_path / "mine.pt").rename(cache / "checkpoints" / "mine.pt")
    weights = find_weights(manifest, None, None)
    assert weights == bench_model.Weights(cache / "checkpoints" / "mine.pt", "sam2.1_hiera_t")


def test_no_checkpoint_or_another_one(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"mine\.pt, which is not here.*--checkpoint"):
        find_weights(manifest, None, None)
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        find_weights(manifest, tmp_path / "gone.pt", None)
    (tmp_path / "other.pt").write_text("other weights")
    with pytest.raises(CheckpointError, match="is not the checkpoint that mine was converted"):
        find_weights(manifest, tmp_path / "other.pt", None)


def test_the_bundled_model_has_its_checkpoint_in_a_checkout(micro_model: Path) -> None:
    weights = find_weights(read_manifest(micro_model), None, None)
    assert weights.checkpoint.parts[-3:] == ("training", "checkpoint", "micro.safetensors")
    assert Path(weights.config).name == "micro.yaml"
    assert Path(weights.config).is_file()
