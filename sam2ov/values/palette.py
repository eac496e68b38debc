"""The colours of objects: bright ones over a picture, those of DAVIS in annotation files."""

import numpy as np
import numpy.typing as npt

Rgb = tuple[int, int, int]

_COLOURS = (
    "#4f9dff",
    "#ffa62b",
    "#2ec4a0",
    "#ff5d8f",
    "#f5e04c",
    "#b07cff",
    "#8bd450",
    "#ff7847",
    "#5fd7f2",
    "#d9a5b3",
)


def default_colour(obj_id: int) -> Rgb:
    """The colour of an object that was given none, far from its neighbours; ids start at 1.

    After Okabe and Ito, so that colour-blind eyes tell them apart; they repeat after ten.
    """
    return from_hex(_COLOURS[(obj_id - 1) % len(_COLOURS)])


def davis_palette() -> npt.NDArray[np.uint8]:
    """The 256 colours of DAVIS and PASCAL VOC, uint8 RGB [256, 3]; 0 is black, the background.

    The bits of an index, three at a time from the lowest, become the high bits of red, green and
    blue (``VOCcolormap.m`` of the PASCAL VOC development kit).
    """
    index = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(7, -1, -1):
        for channel in range(3):
            palette[:, channel] |= (((index >> channel) & 1) << bit).astype(np.uint8)
        index >>= 3
    return palette


def to_hex(colour: Rgb) -> str:
    """``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def from_hex(text: str) -> Rgb:
    """The colour of ``#rrggbb``."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue
