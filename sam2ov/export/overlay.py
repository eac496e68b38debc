"""The video with its objects coloured: for looking at."""

from pathlib import Path

from sam2ov.export.paint import OverlayStyle, paint_mask
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.video import FrameReader
from sam2ov.video.writer import VideoWriter


def export_overlay(
    masks: TrackedMasks,
    video: FrameReader,
    path: Path,
    *,
    style: OverlayStyle | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """Write an H.264 video with the source's frame times and sound.

    Args:
        masks: what to paint, in the objects' colours, later objects over earlier ones.
        video: what to paint on; the session's own reader or another one of the same video.
        path: a .mp4 file, replaced if it is there.
        style: of areas and outlines.
        progress: told of every frame.
        cancel: asked before every frame.

    Returns:
        ``path``.

    Raises:
        VideoWriteError: the disk is full, or the place cannot be written to. Nothing is left
            under the final name.
        CancelledError: ``cancel`` returned true; likewise.
        VideoError: a frame cannot be read; likewise.
    """
    style = style or OverlayStyle()
    frames = masks.frames
    with VideoWriter.for_source(path, video.info, start=frames.start, stop=frames.stop) as writer:
        for frame_idx in masks.steps(f"Writing {path.name}", progress, cancel):
            image = video.read(frame_idx).copy()
            for target, mask in zip(masks.objects, masks.masks(frame_idx), strict=True):
                paint_mask(image, mask, target.colour, style)
            writer.write(image)
    return path
