"""A small picture of each project, for lists."""

from pathlib import Path

import cv2
import numpy as np

from sam2ov.errors import FrameDecodeError, StorageError
from sam2ov.ui.media.proxies import encode_jpeg
from sam2ov.video import FrameReader, fitting_size

MAX_SIDE = 320
_QUALITY = 75


def store_thumbnail(video: FrameReader, path: Path) -> None:
    """Store a picture of a clip: its middle keyframe, as clips like to begin and end in black.

    There is none of a clip whose keyframe is damaged.

    Args:
        video: the clip.
        path: of a JPEG file, at most ``MAX_SIDE`` pixels wide and high.

    Raises:
        StorageError: the disk is full.
    """
    keyframes = video.keyframes
    try:
        frame = video.read(int(keyframes[len(keyframes) // 2]))
    except FrameDecodeError:
        return
    height, width = frame.shape[:2]
    size = fitting_size(width, height, MAX_SIDE)
    small = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
    try:
        path.write_bytes(encode_jpeg(small, _QUALITY))
    except OSError as error:
        raise StorageError(
            f"The project cannot be stored: {error.strerror}. Free some disk space."
        ) from error
