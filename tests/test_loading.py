"""One loader: names and presets become compiled networks."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from sam2ov.errors import ModelError, ModelNotFoundError
from sam2ov.loading import load_model, prepare_model
from sam2ov.presets import PRESETS
from sam2ov.registry import cache_folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAM2OV_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_presets_differ_in_what_is_remembered(micro_model: Path, cache: Path) -> None:
    quality = prepare_model("micro")
    assert quality.folder == micro_model
    assert quality.compile(precision="f32").memory_frames == 7
    assert list((cache_folder() / "compiled").iterdir())
    balanced = load_model("micro", preset="balanced", precision="f32")
    assert balanced.memory_frames == PRESETS["balanced"].memory_frames
    assert balanced.manifest.image_size == 320
    fast = load_model("micro", preset="fast", precision="f32")
    assert fast.memory_frames == PRESETS["fast"].memory_frames
    assert fast.manifest.image_size == 256
    picture = np.zeros((256, 256, 3), np.uint8)
    assert fast.encode_image(picture).embedding.shape == (1, 128, 16, 16)


def test_a_folder_keeps_its_size(micro_model: Path) -> None:
    prepared = prepare_model(micro_model, preset="fast")
    assert prepared.folder == micro_model
    assert prepared.preset.memory_frames == PRESETS["fast"].memory_frames


def test_sizes_are_three_quarters_rounded_up() -> None:
    sizes = [PRESETS[name].image_size(1024) for name in PRESETS]
    assert sizes == [1024, 1024, 768]
    assert [PRESETS["fast"].image_size(trained) for trained in (320, 512)] == [256, 384]
    assert PRESETS["quality"].image_size(352) == 352


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(ModelNotFoundError, match="no model 'sam3'"):
        prepare_model("sam3")
    with pytest.raises(
        ModelError, match="no preset 'turbo'; choose one of quality, balanced, fast"
    ):
        prepare_model("micro", preset=cast(Any, "turbo"))
