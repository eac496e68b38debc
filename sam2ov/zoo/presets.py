"""What may be given up for speed: named settings that trade quality for frames per second."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sam2ov.engine.policy import MemorySettings
from sam2ov.errors import ModelError
from sam2ov.manifest import HALF, scaled_side

PresetName = Literal["quality", "balanced", "fast"]


@dataclass(frozen=True)
class Preset:
    """A trade of quality for speed.

    Attributes:
        name: what users ask for it by.
        description: for people: what is done.
        memory: what is remembered; SAM 2 was trained with 7 frames.
        int8: whether the image encoder is quantised where that pays (``sam2ov.zoo.quantization``).
        image_scale: of the side of the picture that the model looks at; see ``image_size``.
    """

    name: PresetName
    description: str
    memory: MemorySettings
    image_scale: float
    int8: bool

    def image_size(self, trained: int) -> int:
        """The side of the model's input in pixels, rounded up, for one trained at ``trained``."""
        return scaled_side(trained, self.image_scale)


PRESETS: Final[Mapping[str, Preset]] = {
    preset.name: preset
    for preset in (
        Preset("quality", "the results of upstream", MemorySettings(), image_scale=1, int8=False),
        Preset(
            "balanced",
            "remembers 3 frames instead of 7, INT8 where it pays",
            MemorySettings(frames=3),
            image_scale=1,
            int8=True,
        ),
        Preset(
            "fast",
            "remembers 2 frames instead of 7, at half the resolution, INT8 where it pays",
            MemorySettings(frames=2),
            image_scale=HALF,
            int8=True,
        ),
    )
}


def preset_sizes(trained: int) -> tuple[int, ...]:
    """All sides of the input that presets ask for of a model trained at ``trained``, that first."""
    return tuple({preset.image_size(trained): None for preset in PRESETS.values()})


def find_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ModelError: there is none.
    """
    if name not in PRESETS:
        raise ModelError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
