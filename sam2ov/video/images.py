"""A folder of numbered images as a video."""

import re
from copy import copy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
from PIL import UnidentifiedImageError
from PIL.Image import Transpose

from sam2ov.errors import FrameDecodeError, VideoOpenError
from sam2ov.video.cache import Image
from sam2ov.video.color import BT709, ColorTags
from sam2ov.video.limits import VideoLimits
from sam2ov.video.probe import VideoInfo
from sam2ov.video.reader import DEFAULT_CACHE_BYTES, DecodingReader, fitting_size
from sam2ov.workers.heartbeat import beat

DEFAULT_FPS = Fraction(24)
"""Images do not say how fast they follow each other."""

_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
_SIGNATURES = (
    (0, b"\xff\xd8\xff"),
    (0, b"\x89PNG\r\n\x1a\n"),
    (8, b"WEBP"),
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (0, b"BM"),
)
"""Where the bytes stand that tell an image, and which."""
_SRGB_TRANSFER = 13
_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_SWAPPING = {_TURNS[number] for number in (5, 6, 7, 8)}
"""Width becomes height."""

_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    UnidentifiedImageError,
    PIL.Image.DecompressionBombError,
)
"""What Pillow raises for damaged files, depending on the format."""


class ImageFolderReader(DecodingReader):
    """Reads a folder of images, ordered by the numbers in their names (2 before 10).

    A single image is a video of one frame.

    JPEG, PNG, WebP, TIFF and BMP are read with Pillow, as upstream's loader does; so a folder of
    extracted frames gives the same pixels. In addition the EXIF orientation is honoured, as viewers
    do (frames extracted from a video have none). Alpha is dropped, 16-bit grey is reduced to 8 bit.
    Hidden files and other types are ignored.

    Args:
        folder: contains the images; folders inside it are not searched. Or an image.
        limits: refuse more or larger images.
        fps: frame rate to report.
        cache_bytes: memory for images that were used last.
        name: what people know the folder by, for messages; None for its path.

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
    ) -> None:
        name = name or str(folder)
        self.paths = [folder] if folder.is_file() else _numbered_images(folder, name)
        limits.check_frames(name, len(self.paths))
        num_bytes = sum(path.stat().st_size for path in self.paths)
        limits.check_bytes(name, num_bytes)
        width, height, mode, kind = _common_size(self.paths, limits)
        pts = np.arange(len(self.paths), dtype=np.int64)
        pts.setflags(write=False)
        info = VideoInfo(
            path=folder,
            name=name,
            container="images",
            codec=kind.lower(),
            pixel_format=mode,
            num_frames=len(self.paths),
            width=width,
            height=height,
            fps=fps,
            time_base=1 / fps,
            frame_pts=pts,
            end_pts=len(self.paths),
            color=ColorTags(0, BT709, _SRGB_TRANSFER, full_range=True),
            has_alpha="A" in mode,
            num_bytes=num_bytes,
        )
        limits.check_duration(name, float(info.duration))
        super().__init__(info, cache_bytes)
        self._stored_hw = info.size_hw

    @property
    def keyframes(self) -> npt.NDArray[np.int64]:
        """All frames."""
        return np.arange(len(self), dtype=np.int64)

    def twin(self, *, cache_bytes: int, max_side: int | None = None) -> "ImageFolderReader":
        """Read the same images; see ``FrameReader.twin``."""
        made = copy(self)
        width, height = fitting_size(self.info.width, self.info.height, max_side)
        DecodingReader.__init__(made, replace(self.info, width=width, height=height), cache_bytes)
        return made

    def _decode(self, frame_idx: int, step: int) -> Image:  # noqa: ARG002 - images need no plan
        path = self.paths[frame_idx]
        try:
            with _open(path) as image:
                frame = _to_rgb(image)
        except _ERRORS as error:
            raise FrameDecodeError(
                f"frame {frame_idx}, {path}, cannot be decoded: {error}. Replace the image, or "
                "remove it from the folder."
            ) from error
        if frame.shape[:2] != self._stored_hw:
            raise FrameDecodeError(
                f"frame {frame_idx}, {path}, has changed its size since the folder was opened. "
                "Open the folder again."
            )
        if self.size_hw != self._stored_hw:
            size = (self.info.width, self.info.height)
            frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
        return self._keep(frame_idx, frame)


def is_image(path: Path) -> bool:
    """Whether a file begins as an image of a known format does."""
    if not path.is_file():  # opening a pipe would wait
        return False
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    return any(head.startswith(signature, offset) for offset, signature in _SIGNATURES)


def _numbered_images(folder: Path, name: str) -> list[Path]:
    paths = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _FORMATS and not path.name.startswith(".") and path.is_file()
    ]
    if not paths:
        raise VideoOpenError(
            f"{name} contains no images ({', '.join(sorted(_FORMATS))}). Give a folder of "
            "numbered images, or a video file."
        )
    formats = sorted({_FORMATS[path.suffix.lower()] for path in paths})
    if len(formats) > 1:
        # Masks beside the frames, most often; reading both as one video would be nonsense.
        raise VideoOpenError(
            f"{name} mixes {' and '.join(formats)} images. Leave the frames alone in a folder."
        )
    return sorted(paths, key=_natural_order)


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"(\d+)", path.stem)
    numbered = [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in parts]
    return numbered, path.name


def _common_size(paths: list[Path], limits: VideoLimits) -> tuple[int, int, str, str]:
    """Read the headers of all images: width and height as displayed, Pillow's mode and format."""
    common: tuple[int, int] | None = None
    common_mode = common_format = ""
    for path in paths:
        beat()
        try:
            with _open(path) as image:
                size, mode, kind = _display_size(image), image.mode, image.format or ""
        except _ERRORS as error:
            raise VideoOpenError(
                f"{path} is not a readable image: {error}. Replace it, or remove it from the "
                "folder."
            ) from error
        limits.check_pixels(str(path), *size)
        if common is None:
            common, common_mode, common_format = size, mode, kind
        elif size != common:
            raise VideoOpenError(
                f"{path} has {size[0]}×{size[1]} pixels, but {paths[0].name} has "
                f"{common[0]}×{common[1]}. All images of a folder must have one size."
            )
    assert common is not None
    return *common, common_mode, common_format


def _open(path: Path) -> PIL.Image.Image:
    return PIL.Image.open(path, formats=sorted(set(_FORMATS.values())))


def _turn(image: PIL.Image.Image) -> Transpose | None:
    """How the EXIF orientation says to turn a picture for display."""
    if image.format == "PNG" and "exif" not in image.info:
        return None  # Pillow would decode the whole picture to look behind it.
    return _TURNS.get(image.getexif().get(_EXIF_ORIENTATION, 1))


def _display_size(image: PIL.Image.Image) -> tuple[int, int]:
    return (image.height, image.width) if _turn(image) in _SWAPPING else image.size


def _to_rgb(image: PIL.Image.Image) -> npt.NDArray[np.uint8]:
    turn = _turn(image)
    turned = image if turn is None else image.transpose(turn)
    if turned.mode.startswith("I"):
        # Pillow's own conversion would clip 16 bits instead of scaling them.
        grey = np.clip(np.asarray(turned).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.array(turned.convert("RGB"))
