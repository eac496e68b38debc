"""One loader: names and presets become compiled networks."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from sam2ov.engine.policy import MemorySettings
from sam2ov.errors import ModelError, ModelFolderError, ModelNotFoundError
from sam2ov.zoo.cache import cache_folder
from sam2ov.zoo.loading import load_model, prepare_model
from sam2ov.zoo.presets import PRESETS
from tests.fake_convert import write_model_folder
from tests.quantized import MEASURED, quantized_copy


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAM2OV_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_presets_differ_in_what_is_remembered(micro_model: Path, cache: Path) -> None:
    quality = prepare_model("micro")
    assert (quality.folder, quality.notes) == (micro_model, ())
    assert quality.compile(precision="f32").memory == MemorySettings()
    assert list((cache_folder() / "compiled").iterdir())
    balanced = load_model("micro", preset="balanced", precision="f32")
    assert balanced.memory == PRESETS["balanced"].memory
    assert balanced.manifest.image_size == 384
    fast = load_model("micro", preset="fast", precision="f32")
    assert fast.memory == PRESETS["fast"].memory
    assert fast.manifest.image_size == 256
    picture = np.zeros((256, 256, 3), np.uint8)
    assert fast.encode_image(picture).embedding.shape == (1, 128, 16, 16)


def test_a_folder_has_the_sizes_of_presets_or_says_what_to_do(
    micro_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2ov.zoo.loading.is_installed", lambda: False)
    write_model_folder(tmp_path / "mine", name="mine")
    assert prepare_model(tmp_path / "mine").image_size == 1024
    with pytest.raises(ModelFolderError, match=r"mine has no .* 512 px.*--image-size 1024,512"):
        prepare_model(tmp_path / "mine", preset="fast")
    prepared = prepare_model(micro_model, preset="fast")
    assert (prepared.folder, prepared.image_size) == (micro_model, 256)
    assert prepared.preset.memory == PRESETS["fast"].memory
    (note,) = prepared.notes
    assert 'needs NNCF: pip install "sam2ov[quantize]"' in note


@pytest.mark.parametrize(("error", "time_ratio", "note"), MEASURED)
def test_int8_is_used_where_a_preset_has_it(
    micro_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: float,
    time_ratio: float,
    note: str,
) -> None:
    asked: list[dict[str, Any]] = []

    def quantized(folder: Path, image_size: int, **options: Any) -> Path:
        asked.append({"folder": folder, "image_size": image_size, **options})
        return quantized_copy(folder, tmp_path / "int8", error, time_ratio)

    monkeypatch.setattr("sam2ov.zoo.loading.is_installed", lambda: True)
    monkeypatch.setattr("sam2ov.zoo.loading.quantize_model", quantized)
    assert prepare_model(micro_model).folder == micro_model
    bundled = prepare_model("micro", preset="balanced")
    assert bundled.folder == micro_model
    assert bundled.notes == ("INT8 is not tried on micro, whose image encoder is small.",)
    assert asked == []
    clip = Path("mine.mp4")
    prepared = prepare_model(micro_model, preset="balanced", precision="f32", calibrate=clip)
    assert prepared.folder == tmp_path / "int8"
    wanted = {"folder": micro_model, "image_size": 384, "clip": clip, "precision": "f32"}
    assert {key: asked[0][key] for key in wanted} == wanted
    (said,) = prepared.notes
    assert said.startswith(note)


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(ModelNotFoundError, match="no model 'sam3'"):
        prepare_model("sam3")
    with pytest.raises(
        ModelError, match="no preset 'turbo'; choose one of quality, balanced, fast"
    ):
        prepare_model("micro", preset=cast(Any, "turbo"))
