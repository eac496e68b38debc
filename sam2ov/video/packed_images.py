"""Images that come in one archive, as pages send a folder of them: made one clip, without loss."""

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from sam2ov.errors import VideoOpenError
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.unfinished import ScratchFolder
from sam2ov.video.encodings import ffv1
from sam2ov.video.isolated import IsolatedReader
from sam2ov.video.limits import VideoLimits
from sam2ov.video.picture_form import PictureForm
from sam2ov.video.stills import FORMATS
from sam2ov.video.times import FrameTimes
from sam2ov.video.writer import VideoWriter
from sam2ov.workers.confinement import Confinement
from sam2ov.workers.heartbeat import beat
from sam2ov.workers.worker import call_in_worker

IMAGES_SUFFIX: Final = ".zip"
"""What the names of such archives end in."""

_MOST_GROWTH: Final = 16
"""More than JPEGs of usual quality grow."""
_LEAST_FREE_BYTES: Final = 512 << 20
_CHUNK_BYTES: Final = 1 << 20
_DAMAGES: Final = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError)


def join_images(
    archive: Path,
    path: Path,
    limits: VideoLimits,
    name: str,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> None:
    """Write the images of an archive, in the order in which they lie there, as one video.

    Every pixel stays as it is, transparency and 16 bits too (EXR as it is shown: as sRGB, without
    what is brighter than white). The numbers in the images' names are not kept.

    Args:
        archive: a zip, from anywhere; what is no image in it is left out.
        path: of the video, Matroska with FFV1; appears when it is complete.
        limits: of the images together; the video has ``joined_limits``.
        name: what people know the archive by.
        progress: told of every image.
        cancel: asked before every image.

    Raises:
        VideoOpenError: there is no image in it, they do not go together, a limit is exceeded, or
            the disk is nearly full.
        CancelledError: ``cancel`` returned true.
    """
    scratch = ScratchFolder(place=path.parent)
    try:
        place = scratch.path.resolve()
        call_in_worker(
            unpack_images,
            archive.resolve(),
            place,
            limits,
            name,
            allowed=Confinement((archive.resolve(),), (place,), file_bytes=limits.max_bytes),
            lost=lambda how: VideoOpenError(f"{name} cannot be read: reading it {how}."),
            cancel=cancel,
            stage="Unpacking the images",
        )
        with IsolatedReader.open(place, limits, cache_bytes=0, name=name, cancel=cancel) as plain:
            has_alpha, is_deep = plain.info.has_alpha, plain.info.bits > 8
            form = PictureForm(has_alpha=has_alpha, is_deep=is_deep, keeps_hdr=True)
            most = joined_limits(limits)
            with (
                plain.twin(cache_bytes=0, form=form) as reader,
                VideoWriter(
                    path,
                    reader.size_hw,
                    FrameTimes.of(reader.info),
                    encoding=ffv1(16 if is_deep else 8),
                    has_alpha=has_alpha,
                ) as writer,
            ):
                for frame_idx in range(len(reader)):
                    raise_if_cancelled(cancel, "Joining the images")
                    most.check_bytes(f"What {name} becomes without loss", writer.num_bytes)
                    _require_room(path.parent, name)
                    writer.write(reader.read_deep(frame_idx) if is_deep else reader.read(frame_idx))
                    if progress is not None:
                        done = frame_idx + 1
                        progress(Progress("Joining the images", done, len(reader), "items"))
    finally:
        scratch.remove()


def joined_limits(limits: VideoLimits) -> VideoLimits:
    """Those of a joined video: without loss it is larger than its images, but not by any factor."""
    return replace(limits, max_bytes=_MOST_GROWTH * limits.max_bytes)


def _require_room(place: Path, name: str) -> None:
    if shutil.disk_usage(place).free < _LEAST_FREE_BYTES:
        raise VideoOpenError(
            f"{name} cannot be made a clip: the server's disk is nearly full. Free some space on "
            "it, or send fewer images."
        )


def unpack_images(archive: Path, folder: Path, limits: VideoLimits, name: str) -> None:
    """Unpack the images of an archive under numbers in their order; called in a worker.

    Raises:
        VideoOpenError: there is none, or a limit is exceeded.
    """
    count = num_bytes = 0
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                beat()
                inside = PurePosixPath(member.filename)
                suffix = inside.suffix.lower()
                if member.is_dir() or suffix not in FORMATS or inside.name.startswith("."):
                    continue
                count += 1
                limits.check_frames(name, count)
                with (
                    opened.open(member) as source,
                    (folder / f"{count:07d}{suffix}").open("xb") as target,
                ):
                    while chunk := source.read(_CHUNK_BYTES):
                        num_bytes += len(chunk)
                        limits.check_bytes(name, num_bytes)
                        target.write(chunk)
                        beat()
    except _DAMAGES as error:
        raise VideoOpenError(f"{name} cannot be unpacked: {error}. Make it anew.") from error
    if not count:
        known = ", ".join(FORMATS)
        raise VideoOpenError(f"{name} holds no image. Images end in {known}.")
