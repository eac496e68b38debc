"""What can be done to objects, or to what is around them, within a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.values.masks import FloatArray
from sam2ov.values.palette import Rgb

Image = npt.NDArray[np.uint8]
"""uint8 RGB [H, W, 3]."""

_BLUR: Final = 0.05
_BLOCK: Final = 0.12
"""The strongest blur's sigma and the largest block, in shares of the picture's longer and shorter
side."""

_SMALL_SIGMA: Final = 4.0
"""Wider blurs are made in a smaller picture, which looks the same and does not take longer."""


@dataclass(frozen=True, eq=False)
class Area:
    """Where an effect is to be seen.

    Attributes:
        weight: float32 [H, W], 0 to 1.
    """

    weight: FloatArray

    @property
    def rest(self) -> "Area":
        """Everything else."""
        return Area(1 - self.weight)


Effect = Callable[[Image, Area], Image]
"""Makes a picture that takes the place of another one within an area."""


def applied(image: Image, area: Area, effect: Effect) -> Image:
    """A picture with an effect; pixels outside the area are exactly as they were."""
    if not area.weight.any():
        return image
    other = effect(image, area).astype(np.float32)
    weight = area.weight[..., None]
    mixed = image + (other - image) * weight
    return np.where(weight > 0, mixed + 0.5, image).astype(np.uint8)


def blurred(strength: float, pixel_aspect: float = 1.0) -> Effect:
    """Out of focus; what is outside the area does not shine in.

    Args:
        strength: 0 to 1.
        pixel_aspect: width / height of a pixel; a point becomes a round spot where it is shown.
    """

    def effect(image: Image, area: Area) -> Image:
        height, width = area.weight.shape
        sigma = max(strength * _BLUR * max(height, width * pixel_aspect), 0.5)
        factor = max(sigma / _SMALL_SIGMA, 1.0)
        # In the smaller picture pixels are square.
        shown = width * pixel_aspect
        size = max(round(shown / factor), 1), max(round(height / factor), 1)
        # A trace of everything, so that there is a colour wherever the weight is 0.
        weight = (area.weight + np.float32(1e-4))[..., None]
        weighed: FloatArray = np.dstack([image * weight, weight]).astype(np.float32)
        small = cv2.resize(weighed, size, interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REPLICATE)
        colours = np.asarray(soft[..., :3] / soft[..., 3:], np.float32)
        full = cv2.resize(colours, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.clip(full + 0.5, 0, 255), np.uint8)

    return effect


def pixelated(strength: float, pixel_aspect: float = 1.0) -> Effect:
    """In large blocks, square where they are shown; see ``blurred``."""

    def effect(image: Image, _: Area) -> Image:
        height, width = image.shape[:2]
        block = max(round(strength * _BLOCK * min(height, width * pixel_aspect)), 2)
        across = max(round(block / pixel_aspect), 1)
        rows, columns = ceil(height / block), ceil(width / across)
        padding = ((0, rows * block - height), (0, columns * across - width), (0, 0))
        whole = np.pad(image, padding, mode="edge")
        small = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
        large = np.repeat(np.repeat(small, block, axis=0), across, axis=1)
        return np.asarray(large[:height, :width], np.uint8)

    return effect


def grey(image: Image, _: Area) -> Image:
    """Without colour."""
    return np.asarray(
        cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8
    )


def darkened(strength: float) -> Effect:
    """With less light; none at full strength."""

    def effect(image: Image, _: Area) -> Image:
        return np.asarray(image * np.float32(1 - strength) + np.float32(0.5)).astype(np.uint8)

    return effect


def painted(colour: Rgb) -> Effect:
    """In one colour."""

    def effect(image: Image, _: Area) -> Image:
        return np.broadcast_to(np.array(colour, np.uint8), image.shape)

    return effect


def replaced(picture: Image) -> Effect:
    """By another picture of the same size."""

    def effect(_: Image, __: Area) -> Image:
        return picture

    return effect
