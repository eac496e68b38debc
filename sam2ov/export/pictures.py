"""Pictures in memory as the bytes of files."""

import io
import struct
import zlib
from fractions import Fraction
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.errors import FrameDecodeError
from sam2ov.values.masks import BoolArray, LabelMap
from sam2ov.values.palette import davis_palette
from sam2ov.video.cache import Picture

_HEADER_BYTES: Final = 33
"""Of a PNG: its signature and IHDR."""
_MOST_PER_UNIT: Final = 10_000


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


def encode_jpeg(picture_rgb: npt.NDArray[np.uint8], quality: int) -> bytes:
    """A picture uint8 RGB [H, W, 3] as a JPEG file.

    Raises:
        FrameDecodeError: it has more pixels along a side than JPEG knows.
    """
    bgr = cv2.cvtColor(picture_rgb, cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        height, width = picture_rgb.shape[:2]
        raise FrameDecodeError(f"a frame of {width}×{height} pixels cannot be stored as JPEG.")
    return data.tobytes()


def rgba_png(picture: Picture) -> bytes:
    """A PNG with alpha of uint8 or uint16 [H, W, 4], with as many bits."""
    if picture.dtype == np.uint8:
        return _encoded(Image.fromarray(picture), "PNG")
    # Pillow has no RGBA of 16 bits.
    _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))
    return png.tobytes()


def jpeg(image: npt.NDArray[np.uint8], quality: int, aspect: Fraction = Fraction(1)) -> bytes:
    """An RGB picture as JPEG, with colours at full resolution.

    ``aspect`` is width / height of a pixel; 1 is not said.
    """
    # JFIF has pixels per inch or, as here, numbers of which only the ratio counts.
    shape = aspect.limit_denominator(_MOST_PER_UNIT)
    options = {} if aspect == 1 else {"dpi": (shape.denominator, shape.numerator)}
    return _encoded(Image.fromarray(image), "JPEG", quality=quality, subsampling=0, **options)


def number_png(numbers: npt.NDArray[np.uint16]) -> bytes:
    """A 16-bit grey PNG."""
    return _encoded(Image.fromarray(numbers), "PNG")


def with_pixel_aspect(png: bytes, aspect: Fraction) -> bytes:
    """The same PNG, which says how wide its pixels are for their height (PNG, 11.3.4.3).

    Args:
        png: without such a chunk.
        aspect: width / height; 1 is not said.
    """
    if aspect == 1:
        return png
    # More pixels fit into a unit of length where they are narrow; 0: the unit is not known.
    across_down = aspect.limit_denominator(_MOST_PER_UNIT)
    body = b"pHYs" + struct.pack(">IIB", across_down.denominator, across_down.numerator, 0)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_HEADER_BYTES] + chunk + png[_HEADER_BYTES:]


def _encoded(image: Image.Image, kind: str, **options: int | tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
