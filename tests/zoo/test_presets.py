import pytest

from sam2ov.engine.policy import MemorySettings
from sam2ov.errors import ModelError
from sam2ov.zoo.presets import PRESETS, find_preset


@pytest.mark.parametrize(
    ("trained", "expected"), [(1024, 512), (768, 384), (320, 256), (256, 256), (128, 128)]
)
def test_fast_halves_what_is_not_small_already(trained: int, expected: int) -> None:
    assert PRESETS["fast"].image_size(trained) == expected


@pytest.mark.parametrize("name", ["quality", "balanced"])
def test_the_others_keep_the_resolution(name: str) -> None:
    assert find_preset(name).image_size(1000) == 1000


def test_quality_gives_nothing_up() -> None:
    quality = PRESETS["quality"]
    assert (quality.memory, quality.image_scale, quality.int8) == (MemorySettings(), 1, False)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"'best'; choose one of quality, balanced, fast"):
        find_preset("best")
