"""Reading and writing video: exact frames, exact times, hostile files refused.

Nothing outside of this package imports PyAV.
"""

import os
from pathlib import Path

from sam2ov.progress import CancelCheck
from sam2ov.values.field_order import FieldOrder
from sam2ov.video.color import ColorTags
from sam2ov.video.encodings import (
    FFV1,
    H264,
    PRORES_422_HQ,
    PRORES_4444,
    Encoding,
    ffv1,
    h264,
    hevc,
    vp9,
)
from sam2ov.video.images import ImageFolderReader
from sam2ov.video.isolated import IsolatedReader
from sam2ov.video.limits import VideoLimits
from sam2ov.video.picture_form import PLAIN, PictureForm, fitting_size
from sam2ov.video.probe import VideoInfo
from sam2ov.video.reader import DEFAULT_CACHE_BYTES, FrameReader, VideoReader
from sam2ov.video.times import FrameTimes
from sam2ov.video.writer import VideoWriter

__all__ = [
    "FFV1",
    "H264",
    "PLAIN",
    "PRORES_422_HQ",
    "PRORES_4444",
    "ColorTags",
    "Encoding",
    "FieldOrder",
    "FrameReader",
    "FrameTimes",
    "ImageFolderReader",
    "PictureForm",
    "VideoInfo",
    "VideoLimits",
    "VideoReader",
    "VideoWriter",
    "ffv1",
    "fitting_size",
    "h264",
    "hevc",
    "open_video",
    "vp9",
]


def open_video(
    path: str | os.PathLike[str],
    limits: VideoLimits | None = None,
    *,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    verify: bool = False,
    name: str | None = None,
    cancel: CancelCheck | None = None,
    field_order: FieldOrder = "auto",
    holds_gaps: bool = False,
) -> IsolatedReader:
    """Open a video file or a folder of numbered images; a process of its own decodes it.

    That process may touch nothing else (``sam2ov.workers``), and it ends when the reader and all
    its twins are closed.

    Args:
        path: mp4, mov, mkv, webm, avi, gif, … (what it is, the content decides), or a folder of
            images of one format and size, in the order of the numbers in their names.
        limits: refuse larger videos; the defaults are generous.
        cache_bytes: memory for frames that were used last.
        verify: decode a file once while opening it and leave damaged frames out, instead of
            raising FrameDecodeError when one is read.
        name: what people know it by, for messages; None for its path.
        cancel: asked often while a video is opened, which may take minutes.
        field_order: how interlaced pictures are made whole: "auto" measures whether they are
            interlaced and which field comes first, "tff" and "bff" say it, "off" leaves them.
        holds_gaps: where numbers of images are missing, the one before is shown; otherwise they are
            left out.

    Raises:
        VideoOpenError: there is no such file, it is not a video, it is damaged beyond use, or it
            exceeds a limit.
        CancelledError: ``cancel`` returned true.
    """
    return IsolatedReader.open(
        Path(path),
        limits or VideoLimits(),
        cache_bytes=cache_bytes,
        verify=verify,
        name=name,
        cancel=cancel,
        field_order=field_order,
        holds_gaps=holds_gaps,
    )
