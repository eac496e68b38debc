"""Painting masks over a frame: a translucent area with an opaque outline."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.errors import ExportError
from sam2ov.values.masks import BoolArray, FloatArray
from sam2ov.values.palette import Rgb

Image = npt.NDArray[np.uint8]
"""uint8 RGB [H, W, 3]."""

_HEIGHT_PER_OUTLINE_PIXEL = 360


@dataclass(frozen=True)
class OverlayStyle:
    """How an overlay looks.

    Attributes:
        fill: opacity of the areas, 0 to 1.
        outline: width of the outlines in pixels, 0 for none; None chooses by the picture's height.
    """

    fill: float = 0.45
    outline: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.fill <= 1 or (self.outline is not None and not 0 <= self.outline <= 100):
            raise ExportError(
                f"An overlay's fill is between 0 and 1 and its outline between 0 and 100 pixels, "
                f"got {self.fill} and {self.outline}."
            )

    def outline_width(self, height: int) -> int:
        """The width for pictures of ``height`` pixels."""
        if self.outline is not None:
            return self.outline
        return max(1, round(height / _HEIGHT_PER_OUTLINE_PIXEL))


def paint_mask(
    image: Image,
    mask: BoolArray,
    colour: Rgb,
    style: OverlayStyle,
    matte: FloatArray | None = None,
    pixel_aspect: float = 1.0,
) -> None:
    """Paint one mask [H, W] onto ``image``, in place.

    Args:
        image: the picture.
        mask: where the object is; the outline lies inside.
        colour: of the object.
        style: see there.
        matte: the mask with soft edges, for the area.
        pixel_aspect: width / height of a pixel; outlines are as wide along both axes of the
            display.
    """
    covered = mask if matte is None else matte > 0
    x, y, width, height = cv2.boundingRect(covered.view(np.uint8))
    if not width:
        return
    outline = style.outline_width(len(image))
    # The border of the box is kept, so that the outline sees what is outside the mask.
    across = outline and max(round(outline / pixel_aspect), 1)
    top, left = max(y - outline, 0), max(x - across, 0)
    rows = slice(top, y + height + outline)
    columns = slice(left, x + width + across)
    part, inside = image[rows, columns], mask[rows, columns]
    if style.fill:
        opacity = np.full((*inside.shape, 1), style.fill, np.float32)
        if matte is not None:
            opacity *= matte[rows, columns][..., None]
        filled = part.astype(np.float32) * (1 - opacity) + np.array(colour, np.float32) * opacity
        area = covered[rows, columns]
        part[area] = (filled + 0.5).astype(np.uint8)[area]
    if outline:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * across + 1, 2 * outline + 1))
        # Erosion takes what is beyond the picture as inside: no outline along its edges.
        core = cv2.erode(np.ascontiguousarray(inside).view(np.uint8), kernel)
        part[inside & (core == 0)] = colour
