"""Images as programs give them."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.errors import PromptError


def rgb_pixels(image: Any) -> npt.NDArray[np.uint8]:
    """An image as uint8 RGB [H, W, 3].

    Args:
        image: that, or [3, H, W], or a Pillow image of any mode.

    Raises:
        PromptError: it is none of these.
    """
    array = np.asarray(image.convert("RGB") if isinstance(image, Image.Image) else image)
    if array.ndim == 3 and array.shape[2] != 3 and array.shape[0] == 3:
        array = array.transpose(1, 2, 0)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or array.size == 0:
        raise PromptError(
            f"an image must be uint8 RGB [H, W, 3] or [3, H, W], got {array.dtype} {array.shape}."
        )
    return array
