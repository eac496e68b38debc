"""JPEGs that a page sends, read by a process that may do nothing else."""

import io
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.errors import FrameDecodeError
from sam2ov.workers.confinement import Confinement
from sam2ov.workers.shared_memory import Room, inherited_room
from sam2ov.workers.worker import Worker, WorkerLostError

MOST_BYTES: Final = 2 << 20
MOST_SIDE: Final = 1920
LEAST_SIDE: Final = 16
_MEMORY_BYTES: Final = 1 << 30


def size_of_jpeg(data: bytes) -> tuple[int, int]:
    """Height and width of a picture. Called in a worker.

    Raises:
        FrameDecodeError: it is no JPEG, or of another size than a camera's picture.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            width, height = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FrameDecodeError(f"A picture of the camera is no JPEG: {error}.") from error
    if max(width, height) > MOST_SIDE:
        raise FrameDecodeError(
            f"A picture of the camera has {width}×{height} pixels; {MOST_SIDE} is the longest side."
        )
    if min(width, height) < LEAST_SIDE:
        raise FrameDecodeError(
            f"A picture of the camera has {width}×{height} pixels; {LEAST_SIDE} is the shortest "
            "side."
        )
    return height, width


def read_jpeg(data: bytes, room: Room) -> None:
    """Put the pixels of a picture where the owner finds them. Called in a worker.

    Raises:
        FrameDecodeError: it is damaged.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise FrameDecodeError(f"A picture of the camera is damaged: {error}.") from error
    inherited_room(room).write(np.ascontiguousarray(pixels))


class JpegReader:
    """Reads JPEGs in a process of its own; a new one where it has died. For one thread at a time.

    Raises:
        FrameDecodeError: no process can be started.
    """

    def __init__(self) -> None:
        self._worker: Worker | None = None

    def read(self, data: bytes) -> npt.NDArray[np.uint8]:
        """The picture, uint8 RGB [H, W, 3].

        Args:
            data: of up to ``MOST_BYTES``.

        Raises:
            FrameDecodeError: it is no JPEG, too large or too small, or damaged.
        """
        try:
            if self._worker is None or self._worker.is_lost:
                self._worker = Worker(Confinement(memory_bytes=_MEMORY_BYTES))
            worker = self._worker
            height, width = worker.call(size_of_jpeg, data)
            mapped = worker.shared.take(height * width * 3)
            worker.call(read_jpeg, data, mapped.room)
            return worker.shared.array(mapped, (height, width, 3))
        except WorkerLostError as error:
            raise FrameDecodeError(
                f"A picture of the camera cannot be read: it {error}."
            ) from error

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.close()


def labels_png(
    labels: npt.NDArray[np.uint8], colours: list[tuple[int, int, int]], most_side: int
) -> bytes:
    """Which object each pixel shows, as a palette PNG: clear for none, else in its colour.

    Args:
        labels: uint8 [H, W]: 0 for none, n for the n-th.
        colours: of the objects.
        most_side: larger pictures are made smaller.
    """
    scale = most_side / max(labels.shape)
    if scale < 1:
        size = max(round(labels.shape[1] * scale), 1), max(round(labels.shape[0] * scale), 1)
        labels = np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    image = Image.fromarray(labels)
    image.putpalette([0, 0, 0, *(part for colour in colours for part in colour)])
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1, transparency=b"\0")
    return stream.getvalue()
