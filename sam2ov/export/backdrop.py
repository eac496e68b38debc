"""The picture or video that takes the place of something in a clip."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from sam2ov.errors import ExportError, VideoOpenError
from sam2ov.export.effects import Image
from sam2ov.video import FrameReader, open_video

Backdrop = Callable[[Fraction], Image]
"""Its picture, some seconds after the beginning."""


@contextmanager
def open_backdrop(
    path: Path, size_hw: tuple[int, int], pixel_aspect: float = 1.0
) -> Iterator[Backdrop]:
    """Open a picture, or a video that begins again when it is over; fitted to fill ``size_hw``.

    Args:
        path: of it.
        size_hw: of what it is behind.
        pixel_aspect: width / height of a pixel of that; what is round stays so.

    Raises:
        ExportError: it is neither, or too large.
        VideoError: a frame of it cannot be read (also while it is used).
    """
    if not path.is_file():
        raise ExportError(f"{path} does not exist. Give the path of a picture or a video.")
    try:
        reader = open_video(path)
    except VideoOpenError as error:
        raise ExportError(f"{path} cannot be used as a background: {error}") from error
    # Its own pixels need not be square either.
    aspect = pixel_aspect / reader.info.pixel_aspect
    with reader:
        if len(reader) == 1:
            picture = _fitted(reader.read(0), size_hw, aspect)
            yield lambda _: picture
        else:
            yield lambda seconds: _fitted(reader.read(_frame_at(reader, seconds)), size_hw, aspect)


def _frame_at(reader: FrameReader, seconds: Fraction) -> int:
    info = reader.info
    tick = (seconds % info.duration if info.duration else Fraction(0)) / info.time_base
    wanted = int(info.frame_pts[0]) + int(tick)
    return max(int(np.searchsorted(info.frame_pts, wanted, side="right")) - 1, 0)


def _fitted(image: Image, size_hw: tuple[int, int], aspect: float) -> Image:
    """Scaled to fill a size, what is too much cut off on both sides.

    ``aspect`` is that of the pixels wanted by that of the image's.
    """
    height, width = image.shape[:2]
    wide = width / aspect
    scale = max(size_hw[0] / height, size_hw[1] / wide)
    size = max(round(wide * scale), size_hw[1]), max(round(height * scale), size_hw[0])
    if size != (width, height):
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
    top, left = (size[1] - size_hw[0]) // 2, (size[0] - size_hw[1]) // 2
    return image[top : top + size_hw[0], left : left + size_hw[1]]
