"""Pictures in memory as the bytes of files."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.values.masks import BoolArray, LabelMap
from sam2ov.values.palette import davis_palette


def palette_png(labels: LabelMap) -> bytes:
    """A PNG whose values are ``labels``, in the colours of DAVIS."""
    image = Image.fromarray(labels)
    image.putpalette(davis_palette().tobytes())  # which makes it mode P
    return _encoded(image, "PNG")


def mask_png(mask: BoolArray) -> bytes:
    """A grey PNG, 255 where the object is and 0 elsewhere."""
    return grey_png(mask.view(np.uint8) * np.uint8(255))


def grey_png(values: npt.NDArray[np.uint8]) -> bytes:
    """An 8-bit grey PNG."""
    return _encoded(Image.fromarray(values), "PNG")


def rgba_png(picture: npt.NDArray[np.uint8]) -> bytes:
    """A PNG with alpha of uint8 [H, W, 4]."""
    return _encoded(Image.fromarray(picture), "PNG")


def jpeg(image: npt.NDArray[np.uint8], quality: int) -> bytes:
    """An RGB picture as JPEG, with colours at full resolution."""
    return _encoded(Image.fromarray(image), "JPEG", quality=quality, subsampling=0)


def number_png(numbers: npt.NDArray[np.uint16]) -> bytes:
    """A 16-bit grey PNG."""
    return _encoded(Image.fromarray(numbers), "PNG")


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
