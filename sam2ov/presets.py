"""What may be given up for speed: named settings that trade quality for frames per second."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sam2ov.errors import ModelError

PresetName = Literal["quality", "balanced", "fast"]


@dataclass(frozen=True)
class Preset:
    """A trade of quality for speed.

    Attributes:
        name: what users ask for it by.
        description: for people: what is done.
        memory_frames: spatial memories of at most ``memory_frames - 1`` neighbours are attended
            to, besides those of all prompted frames; None for as many as the model was trained
            with (7 in SAM 2).
    """

    name: PresetName
    description: str
    memory_frames: int | None


PRESETS: Final[Mapping[str, Preset]] = {
    preset.name: preset
    for preset in (
        Preset("quality", "the results of upstream", memory_frames=None),
        Preset("balanced", "remembers 5 frames instead of 7", memory_frames=5),
        Preset("fast", "remembers 3 frames instead of 7", memory_frames=3),
    )
}


def find_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ModelError: there is none.
    """
    if name not in PRESETS:
        raise ModelError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
