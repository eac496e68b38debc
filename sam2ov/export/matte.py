"""Mattes: white objects on black, as a video that compositing and editing programs take."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.masks import BoolArray
from sam2ov.video.encodings import h264
from sam2ov.video.writer import VideoWriter

_ENCODING = h264(crf=8)
"""Mattes are small whatever the quality, and their edges are what matters."""


@contextmanager
def open_matte(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin an H.264 video, white where any object is, with the source's frame times, no sound.

    Raises:
        VideoWriteError: the disk is full, or the place cannot be written to.
    """
    source = plan.source
    with VideoWriter.for_source(
        plan.path,
        source.video.info,
        start=source.frames.start,
        stop=source.frames.stop,
        encoding=_ENCODING,
        with_audio=False,
    ) as writer:

        def add(frame: ExportFrame) -> None:
            union = np.zeros(source.masks.size_hw, np.bool_)
            for target in source.objects:
                union |= frame.mask(target)
            writer.write(_grey(union))

        yield add


def _grey(mask: BoolArray) -> npt.NDArray[np.uint8]:
    """White and black, uint8 [H, W, 3]."""
    return np.repeat(mask.view(np.uint8)[..., None] * np.uint8(255), 3, axis=2)
