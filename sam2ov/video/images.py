"""A folder of numbered images as a video."""

from copy import copy
from fractions import Fraction
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.errors import FrameDecodeError, VideoOpenError
from sam2ov.video.cache import Image
from sam2ov.video.color import BT709, ColorTags
from sam2ov.video.limits import VideoLimits
from sam2ov.video.picture_form import PLAIN, PictureForm
from sam2ov.video.probe import VideoInfo
from sam2ov.video.reader import DEFAULT_CACHE_BYTES, DecodingReader
from sam2ov.video.sequences import find_sequence
from sam2ov.video.stills import Still, StillError, read_facts, read_still
from sam2ov.workers.heartbeat import beat

DEFAULT_FPS = Fraction(24)
"""Images do not say how fast they follow each other."""

_SRGB_TRANSFER = 13


class ImageFolderReader(DecodingReader):
    """Reads a folder of images, ordered by the numbers in their names (2 before 10).

    A single image is a video of one frame.

    JPEG, PNG, WebP, BMP and most TIFF are read with Pillow, as upstream's loader does; so a folder
    of extracted frames gives the same pixels. In addition the EXIF orientation is honoured, as
    viewers do (frames extracted from a video have none). EXR, DPX, TGA, PPM, JPEG 2000 and the
    other TIFF are read with FFmpeg; the linear light of EXR is shown as sRGB. Hidden files and
    other types are ignored.

    Args:
        folder: contains the images, or a pattern of them, or an image; see ``sequences``. Folders
            inside it are not searched.
        limits: refuse more or larger images.
        fps: frame rate to report.
        cache_bytes: memory for images that were used last.
        name: what people know the folder by, for messages; None for its path.
        holds_gaps: where numbers are missing, the image before is shown; otherwise they are left
            out.

    Attributes:
        paths: the image of each frame.

    Raises:
        VideoOpenError: no image, several formats, images of different sizes, or a limit exceeded.
    """

    def __init__(
        self,
        folder: Path,
        limits: VideoLimits,
        *,
        fps: Fraction = DEFAULT_FPS,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        name: str | None = None,
        holds_gaps: bool = False,
    ) -> None:
        name = name or str(folder)
        sequence = find_sequence(folder, name)
        num_images = len(sequence.paths)
        limits.check_frames(name, sequence.span if holds_gaps else num_images)
        num_bytes = sum(path.stat().st_size for path in sequence.paths)
        limits.check_bytes(name, num_bytes)
        first = _common_size(sequence.paths, limits)
        if holds_gaps and sequence.numbers:
            sequence = sequence.held()
        self.paths = sequence.paths
        self._limits = limits
        pts = np.arange(len(self.paths), dtype=np.int64)
        pts.setflags(write=False)
        info = VideoInfo(
            path=folder,
            name=name,
            container="images",
            codec=first.kind.lower(),
            pixel_format=first.mode,
            num_frames=len(self.paths),
            width=first.width,
            height=first.height,
            fps=fps,
            time_base=1 / fps,
            frame_pts=pts,
            end_pts=len(self.paths),
            sample_aspect_ratio=first.pixel_aspect,
            color=ColorTags(0, BT709, _SRGB_TRANSFER, full_range=True),
            has_alpha=first.has_alpha,
            bits=first.bits,
            num_bytes=num_bytes,
            num_held=len(self.paths) - num_images,
            frame_numbers=np.array(sequence.numbers, np.int64) if sequence.numbers else None,
        )
        limits.check_duration(name, float(info.duration))
        super().__init__(info, cache_bytes)
        self._stored_hw = info.size_hw

    @property
    def keyframes(self) -> npt.NDArray[np.int64]:
        """All frames."""
        return np.arange(len(self), dtype=np.int64)

    def twin(self, *, cache_bytes: int, form: PictureForm = PLAIN) -> "ImageFolderReader":
        """Read the same images; see ``FrameReader.twin``."""
        made = copy(self)
        DecodingReader.__init__(made, self.info.in_form(form), cache_bytes, form)
        return made

    def _decode(self, frame_idx: int, step: int) -> Image:  # noqa: ARG002 - images need no plan
        path = self.paths[frame_idx]
        try:
            frame = read_still(path, self._limits, self.form)
        except StillError as error:
            raise FrameDecodeError(
                f"frame {frame_idx}, {path}, cannot be decoded: {error}. Replace the image, or "
                "remove it from the folder."
            ) from error
        if frame.shape[:2] != self._stored_hw:
            raise FrameDecodeError(
                f"frame {frame_idx}, {path}, has {frame.shape[1]}×{frame.shape[0]} pixels, unlike "
                f"the first, {self._stored_hw[1]}×{self._stored_hw[0]}. All images of a folder "
                "must have one size."
            )
        if self.size_hw != self._stored_hw:
            size = (self.info.width, self.info.height)
            grows = size[0] > frame.shape[1] or size[1] > frame.shape[0]
            how = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
            frame = cast("Image", cv2.resize(frame, size, interpolation=how))
        return self._keep(frame_idx, frame)


def _common_size(paths: tuple[Path, ...], limits: VideoLimits) -> Still:
    """Read the headers of images: what the first one is.

    Of formats that FFmpeg reads, others are looked at when they are read: it decodes an image to
    tell its size.
    """
    first: Still | None = None
    for path in paths:
        beat()
        try:
            found = read_facts(path, limits)
        except StillError as error:
            raise VideoOpenError(
                f"{path} is not a readable image: {error}. Replace it, or remove it from the "
                "folder."
            ) from error
        limits.check_pixels(str(path), found.width, found.height)
        if first is None:
            first = found
        elif (found.width, found.height) != (first.width, first.height):
            raise VideoOpenError(
                f"{path} has {found.width}×{found.height} pixels, but {paths[0].name} has "
                f"{first.width}×{first.height}. All images of a folder must have one size."
            )
        if found.is_slow:
            break
    assert first is not None
    return first
