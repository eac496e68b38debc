"""A video in the process of a worker: what ``video.isolated`` has called there.

A worker is for one video, so the video and its readers are the module's own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sam2ov.errors import VideoError
from sam2ov.values.field_order import FieldOrder
from sam2ov.video.images import ImageFolderReader
from sam2ov.video.limits import VideoLimits
from sam2ov.video.picture_form import PictureForm
from sam2ov.video.probe import Ticks, VideoInfo
from sam2ov.video.reader import DEFAULT_CACHE_BYTES, DecodingReader, VideoReader
from sam2ov.video.sequences import is_pattern
from sam2ov.video.stills import is_image
from sam2ov.workers.shared_memory import Room, inherited_room

FIRST: Final = 0
"""The number of the reader that the video was opened with."""


@dataclass(frozen=True, eq=False)
class OpenedVideo:
    """What its owner has to know of an opened video."""

    info: VideoInfo
    keyframes: Ticks


_readers: dict[int, DecodingReader] = {}


def open_in_process(
    path: Path,
    limits: VideoLimits | None = None,
    *,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    verify: bool = False,
    name: str | None = None,
    field_order: FieldOrder = "auto",
    holds_gaps: bool = False,
) -> DecodingReader:
    """Open a video file or a folder of images here; arguments are those of ``open_video``."""
    limits = limits or VideoLimits()
    if path.is_dir() or is_pattern(path) or is_image(path):
        return ImageFolderReader(
            path, limits, cache_bytes=cache_bytes, name=name, holds_gaps=holds_gaps
        )
    return VideoReader(
        path, limits, cache_bytes=cache_bytes, verify=verify, name=name, field_order=field_order
    )


def open_first(
    path: Path,
    limits: VideoLimits,
    cache_bytes: int,
    verify: bool,
    name: str | None,
    field_order: FieldOrder,
    holds_gaps: bool,
) -> OpenedVideo:
    """Open the video, with the first reader of it."""
    reader = open_in_process(
        path,
        limits,
        cache_bytes=cache_bytes,
        verify=verify,
        name=name,
        field_order=field_order,
        holds_gaps=holds_gaps,
    )
    _readers[FIRST] = reader
    return OpenedVideo(reader.info, reader.keyframes)


def open_twin(number: int, cache_bytes: int, form: PictureForm) -> None:
    """Make a further reader, with a number of its own."""
    _readers[number] = _readers[FIRST].twin(cache_bytes=cache_bytes, form=form)


def read(number: int, frames: tuple[int, ...], step: int, rooms: tuple[Room, ...]) -> None:
    """Put frames where the owner finds them; see ``DecodingReader.read_towards``."""
    reader = _readers.get(number)
    if reader is None:
        raise VideoError("The video was closed. Open it again to read frames.")
    for frame_idx, room in zip(frames, rooms, strict=True):
        inherited_room(room).write(reader.read_towards(frame_idx, step).view(np.uint8))


def close_reader(number: int) -> None:
    """Release a reader; the first one stays, for others to be made of it."""
    if number != FIRST:
        _readers.pop(number).close()
