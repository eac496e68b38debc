"""One loader: names and presets become compiled networks."""

from pathlib import Path
from typing import Any, cast

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


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(ModelNotFoundError, match="no model 'sam3'"):
        prepare_model("sam3")
    with pytest.raises(
        ModelError, match="no preset 'turbo'; choose one of quality, balanced, fast"
    ):
        prepare_model("micro", preset=cast(Any, "turbo"))
