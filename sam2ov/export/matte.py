"""Mattes: white objects on black, as a video that compositing and editing programs take."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.export.rendering import coverage
from sam2ov.export.video_options import MatteOptions
from sam2ov.video.encodings import h264, hevc
from sam2ov.video.writer import VideoWriter

_CRF = 8
"""Mattes are small whatever the quality, and their edges are what matters."""


@contextmanager
def open_matte(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a video, white where any object is, with the source's frame times, no sound.

    It is H.264, or H.265 with 10 bits.

    Raises:
        VideoWriteError: the disk is full, or the place cannot be written to.
    """
    source = plan.source
    options = plan.options(MatteOptions)
    is_fine = options.bits == "10"
    white = np.float32(65535 if is_fine else 255)
    with VideoWriter.for_source(
        plan.path,
        source.video.info,
        start=source.frames.start,
        stop=source.frames.stop,
        encoding=hevc(_CRF, ten_bit=True) if is_fine else h264(_CRF),
        is_grey=True,
        audio="none",
        keep_start=plan.settings.keep_start,
    ) as writer:

        def add(frame: ExportFrame) -> None:
            matte = coverage(frame, source.objects, options.edges) * white + np.float32(0.5)
            writer.write(matte.astype(np.uint16) if is_fine else matte.astype(np.uint8))

        yield add
