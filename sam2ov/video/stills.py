"""Single images: what they are, and their pixels.

Pillow reads what upstream reads with it. FFmpeg reads what visual effects and cameras write
besides, and the kinds of TIFF that Pillow refuses or takes for something else: floating point, and
16 bits in planes.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageFile
from av.video.frame import VideoFrame
from PIL import UnidentifiedImageError
from PIL.Image import Transpose
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from sam2ov.errors import FrameDecodeError, VideoOpenError
from sam2ov.video.cache import Picture
from sam2ov.video.color import RgbConverter, has_alpha, with_alpha
from sam2ov.video.limits import VideoLimits
from sam2ov.video.picture_form import PLAIN, PictureForm
from sam2ov.video.probe import plausible_aspect
from sam2ov.video.samples import floats_of, is_float

FORMATS: Final = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".exr": "EXR",
    ".dpx": "DPX",
    ".tga": "TGA",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".jp2": "JPEG2000",
    ".j2k": "JPEG2000",
}
"""Names of formats by suffix."""

_BY_FFMPEG: Final = {
    "EXR": ("exr",),
    "DPX": ("dpx",),
    "TGA": ("targa",),
    "PPM": ("ppm", "pgm"),
    "JPEG2000": ("jpeg2000",),
    "TIFF": ("tiff",),
    "PNG": ("png",),
}
"""The decoders of formats that FFmpeg reads: of TIFF, those that Pillow does not, and PNG and TIFF
where all of their 16 bits are wanted."""
_BY_PILLOW: Final = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")

_SIGNATURES: Final = (
    (0, b"\xff\xd8\xff"),
    (0, b"\x89PNG\r\n\x1a\n"),
    (8, b"WEBP"),
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (0, b"BM"),
    (0, b"\x76\x2f\x31\x01"),
    (0, b"SDPX"),
    (0, b"XPDS"),
    (0, b"P5"),
    (0, b"P6"),
    (4, b"jP  \r\n\x87\n"),
)
"""Where the bytes stand that tell an image, and which."""
_UNSIGNED: Final = ".tga"
"""The suffix of a format whose files begin like no other's, nor like each other."""

_EXIF_ORIENTATION: Final = 0x0112
_TIFF_BITS, _TIFF_PLANAR, _TIFF_SAMPLES = 258, 284, 339
_TIFF_FLOAT: Final = 3
_TURNS: Final = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_SWAPPING: Final = {_TURNS[number] for number in (5, 6, 7, 8)}
"""Width becomes height."""

_PILLOW_ERRORS: Final = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    struct.error,
    UnidentifiedImageError,
    PIL.Image.DecompressionBombError,
)
"""What Pillow raises for damaged files, depending on the format and on where they are cut off."""


class StillError(Exception):
    """An image cannot be read; says why, for a sentence about it."""


@dataclass(frozen=True)
class Still:
    """What an image is.

    Attributes:
        width: pixels as displayed, after turning.
        height: likewise.
        kind: the format.
        mode: Pillow's mode, or FFmpeg's pixel format.
        has_alpha: it has transparency.
        bits: of a sample; floats have 16.
        pixel_aspect: width / height of a displayed pixel.
        is_slow: telling this takes as long as reading it.
    """

    width: int
    height: int
    kind: str
    mode: str
    has_alpha: bool
    bits: int = 8
    pixel_aspect: Fraction = Fraction(1)
    is_slow: bool = False


def is_image(path: Path) -> bool:
    """Whether a file begins as an image of a known format does, or is called TGA."""
    if not path.is_file():  # opening a pipe would wait
        return False
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    is_signed = any(head.startswith(signature, offset) for offset, signature in _SIGNATURES)
    return is_signed or path.suffix.lower() == _UNSIGNED


def read_facts(path: Path, limits: VideoLimits) -> Still:
    """Tell what an image is.

    Raises:
        StillError: it is none that can be read.
    """
    kind = _kind_for_ffmpeg(path)
    if kind is not None:
        frame, aspect = _decoded(path, kind, limits)
        name, alpha = frame.format.name, has_alpha(frame.format)
        bits = min(max(component.bits for component in frame.format.components), 16)
        return Still(frame.width, frame.height, kind, name, alpha, bits, aspect, is_slow=True)
    try:
        with _opened(path) as image:
            swaps = _turn(image) in _SWAPPING
            width, height = (image.height, image.width) if swaps else image.size
            aspect = _pixel_aspect(image)
            return Still(
                width,
                height,
                image.format or "",
                image.mode,
                image.has_transparency_data,
                16 if image.mode.startswith("I") or _is_reduced(image) else 8,
                1 / aspect if swaps else aspect,
            )
    except _PILLOW_ERRORS as error:
        raise StillError(str(error)) from error


def read_still(path: Path, limits: VideoLimits, form: PictureForm = PLAIN) -> Picture:
    """Read an image in a form, but for its size; turned for display.

    Raises:
        StillError: it cannot be read.
    """
    kind = _kind_for_ffmpeg(path)
    if kind is not None:
        frame, _ = _decoded(path, kind, limits)
        if kind == "EXR" and is_float(frame.format.name):
            return _of_light(frame, form)
        try:
            return RgbConverter(frame.width, frame.height, form=form).convert(frame)
        except FrameDecodeError as error:
            raise StillError(str(error)) from error
    try:
        with _opened(path) as image:
            if form.is_deep and image.format in _BY_FFMPEG and _is_reduced(image):
                frame, _ = _decoded(path, image.format, limits)
                return RgbConverter(frame.width, frame.height, form=form).convert(frame)
            return _in_form(image, form)
    except FrameDecodeError as error:
        raise StillError(str(error)) from error
    except _PILLOW_ERRORS as error:
        raise StillError(str(error)) from error


def _kind_for_ffmpeg(path: Path) -> str | None:
    """The format, where it is one that FFmpeg reads; None where Pillow does."""
    kind = FORMATS.get(path.suffix.lower(), "")
    if kind != "TIFF":
        return kind if kind in _BY_FFMPEG and kind not in _BY_PILLOW else None
    try:
        with path.open("rb") as file:
            directory = ImageFileDirectory_v2(file.read(8))
            file.seek(directory.next)
            directory.load(file)
        bits = max(np.atleast_1d(directory.get(_TIFF_BITS, 1)).tolist())
        samples = np.atleast_1d(directory.get(_TIFF_SAMPLES, 1)).tolist()
        is_planar = directory.get(_TIFF_PLANAR, 1) == 2
    except _PILLOW_ERRORS:
        return None  # Pillow tells what is wrong with it.
    if _TIFF_FLOAT in samples and bits == 16:
        raise StillError(
            "half floats in TIFF are not supported; save it as EXR, or as TIFF of 32 bits"
        )
    return kind if _TIFF_FLOAT in samples or (is_planar and bits > 8) else None


def _decoded(path: Path, kind: str, limits: VideoLimits) -> tuple[VideoFrame, Fraction]:
    """Decode an image with FFmpeg; gives the shape of its pixels too."""
    try:
        limits.check_bytes(path.name, path.stat().st_size)
        options = {
            "pattern_type": "none",  # a name is no pattern of names
            "codec_whitelist": ",".join(_BY_FFMPEG[kind]),
            "protocol_whitelist": "file",
            "max_pixels": str(limits.max_pixels),
        }
        with av.open(str(path.resolve()), "r", format="image2", options=options) as container:
            context = container.streams.video[0].codec_context
            if context.width * context.height:
                limits.check_pixels(path.name, context.width, context.height)
            for frame in container.decode(video=0):
                return frame, plausible_aspect(context.sample_aspect_ratio or Fraction(1))
    except (av.FFmpegError, OSError, ValueError, IndexError, MemoryError) as error:
        reason = error.strerror if isinstance(error, av.FFmpegError) else str(error)
        raise StillError(f"no readable {kind} ({reason})") from error
    except VideoOpenError as error:
        raise StillError(str(error)) from error
    raise StillError(f"no readable {kind}")


def _of_light(frame: VideoFrame, form: PictureForm) -> Picture:
    """Linear light in a form, by the curve of sRGB (IEC 61966-2-1); brighter than white is cut.

    By OpenEXR's convention colours are stored times alpha, which is what they look like on black.
    """
    floats = np.nan_to_num(floats_of(frame).astype(np.float32))
    light = floats[..., :3] if floats.shape[2] > 2 else np.repeat(floats[..., :1], 3, axis=2)
    light = np.clip(light, 0, 1, dtype=np.float32)
    alpha = None
    if form.has_alpha and has_alpha(frame.format):
        share = np.clip(floats[..., -1:], 0, 1, dtype=np.float32)
        light = np.minimum(light, share)
        np.divide(light, share, out=light, where=share > 0)
        alpha = _rounded(share[..., 0], form)
    srgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return with_alpha(_rounded(srgb, form), alpha, wanted=form.has_alpha)


def _rounded(shares: npt.NDArray[np.float32], form: PictureForm) -> Picture:
    if form.is_deep:
        return (shares * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
    return (shares * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _opened(path: Path) -> PIL.ImageFile.ImageFile:
    return PIL.Image.open(path, formats=_BY_PILLOW)


def _turn(image: PIL.Image.Image) -> Transpose | None:
    """How the EXIF orientation says to turn a picture for display."""
    if image.format == "PNG" and "exif" not in image.info:
        return None  # Pillow would decode the whole picture to look behind it.
    return _TURNS.get(image.getexif().get(_EXIF_ORIENTATION, 1))


def _pixel_aspect(image: PIL.Image.Image) -> Fraction:
    """What PNG (pHYs), JPEG (JFIF) and TIFF say of the shape of pixels."""
    info = image.info
    density = info.get("aspect") or info.get("dpi") or info.get("jfif_density") or (1, 1)
    try:
        across, down = (Fraction(each).limit_denominator(10_000) for each in density)
        aspect = down / across
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return Fraction(1)
    return plausible_aspect(aspect)


def _is_reduced(image: PIL.ImageFile.ImageFile) -> bool:
    """Whether Pillow would reduce 16 bits of a colour picture, which is not turned, to 8."""
    is_fine = any(";16" in str(part.args) for part in image.tile)
    return is_fine and not image.mode.startswith("I") and _turn(image) is None


def _in_form(image: PIL.Image.Image, form: PictureForm) -> Picture:
    turn = _turn(image)
    turned = image if turn is None else image.transpose(turn)
    rgb: Picture
    alpha = None
    if turned.mode.startswith("I"):
        # Pillow's own conversion would clip 16 bits instead of scaling them.
        grey = np.clip(np.asarray(turned), 0, 65535).astype(np.uint16)
        rgb = np.repeat(grey[..., None], 3, axis=2)
        if not form.is_deep:
            rgb = (rgb >> 8).astype(np.uint8)
    else:
        if turned.has_transparency_data:
            rgba = np.array(turned.convert("RGBA"))
            rgb, alpha = rgba[..., :3], rgba[..., 3]
        else:
            rgb = np.array(turned.convert("RGB"))
        if form.is_deep:
            rgb = rgb.astype(np.uint16) * np.uint16(257)
            alpha = None if alpha is None else alpha.astype(np.uint16) * np.uint16(257)
    return with_alpha(rgb, alpha, wanted=form.has_alpha)
