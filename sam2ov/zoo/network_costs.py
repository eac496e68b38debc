"""What a frame costs in each network, as data: billions of floating-point operations.

Two for each multiplication with addition, for one object, counted in the graphs that the converter
writes (``sam2ov.bench.device.count_flops``); a test counts again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sam2ov.manifest import NetworkName

Reference = Literal["hiera", "repvit", "plain", "micro"]
"""What ``convert.probe`` measures."""


@dataclass(frozen=True)
class Costs:
    """Of a model at one size of its input.

    Attributes:
        image_encoder: of a frame.
        attention: of memory attention, apart from the memories.
        per_memory: what each memory adds to it, with two or more of them.
        mask_decoder: of a frame.
        memory_encoder: of a frame.
    """

    image_encoder: float
    attention: float
    per_memory: float
    mask_decoder: float
    memory_encoder: float

    def of(self, network: NetworkName, memories: int) -> float:
        """Of a network, with so many memories."""
        if network == "memory_attention":
            return self.attention + self.per_memory * memories
        cost: float = getattr(self, network)
        return cost


@dataclass(frozen=True)
class CostedModel:
    """A model, and which references its networks resemble.

    Attributes:
        encoder: the reference with such an image encoder.
        attention: the one with such a memory attention.
        memory: the one with such a memory encoder.
        decoder: the one with such a mask decoder.
        at: its costs by the side of its input in pixels.
    """

    encoder: Reference
    attention: Reference
    memory: Reference
    decoder: Reference
    at: Mapping[int, Costs]

    def reference(self, network: NetworkName) -> Reference:
        """Whose time a network's follows from."""
        by_network: dict[NetworkName, Reference] = {
            "image_encoder": self.encoder,
            "memory_attention": self.attention,
            "memory_encoder": self.memory,
            "mask_decoder": self.decoder,
        }
        return by_network[network]


REFERENCES: Final[Mapping[Reference, Costs]] = {
    "hiera": Costs(125.232, 106.873, 0, 2.216, 11.608),
    "repvit": Costs(19.135, 39.462, 0, 2.216, 12.417),
    "plain": Costs(32.17, 50.502, 0, 2.216, 11.608),
    "micro": Costs(5.076, 3.0259, 0, 0.1464, 0.6081),
}
"""As they are measured: with a full memory bank, of one layer in the first three."""

_FULL: Final = {1024: (119.322, 43.218), 512: (16.947, 2.751), 256: (3.432, 0.185)}
_POOLED: Final = {1024: (119.322, 11.006), 512: (16.945, 0.739)}
_LATENTS: Final = {1024: (59.662, 2.718), 512: (8.475, 0.705)}
"""Memory attention by the side of the input: apart from the memories, and of each."""

_DECODER: Final = {1024: 2.216, 512: 0.5926, 256: 0.1868}
_ENCODER: Final = {1024: 11.608, 512: 2.902, 256: 0.725}
_RESAMPLER: Final = {1024: 12.417, 512: 3.257}
"""Mask decoder and memory encoder, the latter without and with EdgeTAM's resampler."""


def _hiera(image_encoder: Mapping[int, float]) -> CostedModel:
    at = {
        side: Costs(cost, *_FULL[side], _DECODER[side], _ENCODER[side])
        for side, cost in image_encoder.items()
    }
    return CostedModel("hiera", "hiera", "hiera", "hiera", at)


def _edgetam() -> CostedModel:
    at = {
        side: Costs(cost, *_LATENTS[side], _DECODER[side], _RESAMPLER[side])
        for side, cost in {1024: 35.072, 512: 8.768}.items()
    }
    return CostedModel("repvit", "repvit", "repvit", "hiera", at)


def _plain(image_encoder: Mapping[int, float], pooled: bool) -> CostedModel:
    attention = _POOLED if pooled else _FULL
    at = {
        side: Costs(image_encoder[side], *of_attention, _DECODER[side], _ENCODER[side])
        for side, of_attention in attention.items()
    }
    return CostedModel("plain", "plain" if pooled else "hiera", "hiera", "hiera", at)


def _all() -> Mapping[str, CostedModel]:
    hieras = {
        "t": {1024: 286.845, 512: 61.46},
        "s": {1024: 354.521, 512: 81.571},
        "b+": {1024: 640.649, 512: 159.295},
        "l": {1024: 1815.299, 512: 432.081},
    }
    plains = {
        "ti": {1024: 109.288, 512: 19.579, 256: 5.513},
        "s": {1024: 304.511, 512: 63.185, 256: 18.651},
    }
    models = {
        f"{family}_hiera_{size}": _hiera(cost)
        for family in ("sam2", "sam2.1")
        for size, cost in hieras.items()
    }
    models["edgetam"] = _edgetam()
    for size, cost in plains.items():
        for suffix in ("", "_1", "_2", "_512x512"):
            pooled = suffix in {"_1", "_2"}
            models[f"efficienttam_{size}{suffix}"] = _plain(cost, pooled)
    micro = {
        384: Costs(5.076, 0.9777, 0.2926, 0.1464, 0.6081),
        256: Costs(2.1197, 0.3513, 0.0671, 0.0775, 0.2703),
    }
    models["micro"] = CostedModel("micro", "micro", "micro", "micro", micro)
    return models


COSTED: Final = _all()
"""By upstream's name of the configuration, and the bundled model."""
