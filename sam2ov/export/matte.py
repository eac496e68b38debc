"""Mattes: white objects on black, as a video that compositing and editing programs take."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.masks import BoolArray
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.video import FrameReader
from sam2ov.video.encodings import h264
from sam2ov.video.writer import VideoWriter

_ENCODING = h264(crf=8)
"""Mattes are small whatever the quality, and their edges are what matters."""


def export_matte(
    masks: TrackedMasks,
    video: FrameReader,
    path: Path,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """Write one H.264 video of all objects together, with the source's frame times, no sound.

    Args:
        masks: what to write; white is where any object is.
        video: the source, for its times.
        path: a .mp4 file, replaced if it is there.
        progress: told of every frame.
        cancel: asked before every frame.

    Returns:
        ``path``.

    Raises:
        VideoWriteError: the disk is full, or the place cannot be written to. Nothing is left
            under the final name.
        CancelledError: ``cancel`` returned true; likewise.
    """
    with _writer(masks, video, path) as writer:
        for frame_idx in masks.steps(f"Writing {path.name}", progress, cancel):
            writer.write(_grey(masks.union(frame_idx)))
    return path


def export_object_mattes(
    masks: TrackedMasks,
    video: FrameReader,
    path: Path,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> list[Path]:
    """Write one matte per object, in one pass; arguments and errors as for ``export_matte``.

    Returns:
        The paths, see ``object_paths``.
    """
    paths = object_paths(path, (target.obj_id for target in masks.objects))
    with ExitStack() as stack:
        writers = [stack.enter_context(_writer(masks, video, target)) for target in paths]
        for frame_idx in masks.steps(f"Writing {len(paths)} mattes", progress, cancel):
            for writer, mask in zip(writers, masks.masks(frame_idx), strict=True):
                writer.write(_grey(mask))
    return paths


def object_paths(path: Path, obj_ids: Iterable[int]) -> list[Path]:
    """Where mattes of single objects go: ``clip.mp4`` becomes ``clip-1.mp4``, ``clip-2.mp4`` …."""
    return [path.with_name(f"{path.stem}-{obj_id}{path.suffix}") for obj_id in obj_ids]


def _writer(masks: TrackedMasks, video: FrameReader, path: Path) -> VideoWriter:
    return VideoWriter.for_source(
        path,
        video.info,
        start=masks.frames.start,
        stop=masks.frames.stop,
        encoding=_ENCODING,
        with_audio=False,
    )


def _grey(mask: BoolArray) -> npt.NDArray[np.uint8]:
    """White and black, uint8 [H, W, 3]."""
    return np.repeat(mask.view(np.uint8)[..., None] * np.uint8(255), 3, axis=2)
