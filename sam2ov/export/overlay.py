"""The clip with its objects coloured, or with another effect on them or on all around them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import numpy.typing as npt

from sam2ov.export.effects import Image
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.export.rendering import open_rendering
from sam2ov.export.video_options import OverlayOptions
from sam2ov.video.encodings import h264, hevc
from sam2ov.video.writer import VideoWriter


@contextmanager
def open_overlay(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin an H.264 or H.265 video with the source's frame times and sound.

    Raises:
        VideoWriteError: the disk is full, or the place cannot be written to.
        ExportError: the other picture or video cannot be used, or is missing.
    """
    options = plan.options(OverlayOptions)
    source = plan.source
    frames, info = source.frames, source.video.info
    is_deep = options.codec == "h265-10"
    encoding = h264(options.crf) if options.codec == "h264" else hevc(options.crf, ten_bit=is_deep)
    with ExitStack() as stack:
        render = stack.enter_context(
            open_rendering(
                options,
                source.objects,
                source.masks.size_hw,
                info.pixel_aspect,
                info.time_of(frames.start),
            )
        )
        writer = stack.enter_context(
            VideoWriter.for_source(
                plan.path,
                info,
                start=frames.start,
                stop=frames.stop,
                encoding=encoding,
                audio=options.audio,
                keep_start=plan.settings.keep_start,
            )
        )

        def add(frame: ExportFrame) -> None:
            image = render(frame)
            writer.write(_deepened(image, frame) if is_deep else image)

        yield add


def _deepened(image: Image, frame: ExportFrame) -> npt.NDArray[np.uint16]:
    """A changed picture in uint16: with the clip's own bits wherever it is as it was."""
    is_same = (image == frame.image).all(axis=2, keepdims=True)
    return np.where(is_same, frame.deep_image, image.astype(np.uint16) * np.uint16(257))
