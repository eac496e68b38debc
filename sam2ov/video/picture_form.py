"""In which form a reader gives its pictures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureForm:
    """What pictures are, besides being RGB and turned for display.

    Attributes:
        max_side: scaled down to fit so many pixels; None for their own size.
        is_square: scaled to have square pixels.
        has_alpha: RGBA with straight alpha, opaque where the source has none. Otherwise transparent
            parts are as black as they are transparent.
        is_deep: uint16 with all bits in use, otherwise uint8.
        keeps_hdr: HDR stays as it is stored, otherwise it is tone-mapped.
    """

    max_side: int | None = None
    is_square: bool = False
    has_alpha: bool = False
    is_deep: bool = False
    keeps_hdr: bool = False

    @property
    def channels(self) -> int:
        """Values of a pixel."""
        return 4 if self.has_alpha else 3

    @property
    def pixel_bytes(self) -> int:
        """Of a pixel."""
        return self.channels * (2 if self.is_deep else 1)


PLAIN = PictureForm()
"""uint8 RGB as shown, at its own size."""


def fitting_size(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """Width and height of a picture scaled down, if need be, so that none exceeds ``max_side``."""
    scale = 1.0 if max_side is None else min(1.0, max_side / max(width, height))
    return max(round(width * scale), 1), max(round(height * scale), 1)
