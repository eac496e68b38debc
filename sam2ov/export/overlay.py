"""The video with its objects coloured: for looking at."""

from collections.abc import Iterator
from contextlib import contextmanager

from sam2ov.export.paint import OverlayStyle, paint_mask
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.export.video_options import OverlayOptions
from sam2ov.video.writer import VideoWriter


@contextmanager
def open_overlay(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin an H.264 video with the source's frame times and sound.

    Objects are painted in their colours, later ones over earlier ones.

    Raises:
        VideoWriteError: the disk is full, or the place cannot be written to.
    """
    options = plan.options(OverlayOptions)
    style = OverlayStyle(options.fill, options.outline)
    source = plan.source
    frames = source.frames
    with VideoWriter.for_source(
        plan.path, source.video.info, start=frames.start, stop=frames.stop
    ) as writer:

        def add(frame: ExportFrame) -> None:
            image = frame.image.copy()
            for target in source.objects:
                paint_mask(image, frame.mask(target), target.colour, style)
            writer.write(image)

        yield add
