"""From decoded pictures to RGB, and what the tags of a video say about its colours."""

import os
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from sam2ov.errors import FrameDecodeError
from sam2ov.video.cache import Picture
from sam2ov.video.picture_form import PLAIN, PictureForm
from sam2ov.video.samples import alpha_of, deep_rgb_of, full_scale, is_float
from sam2ov.video.tone_mapping import HLG, PQ, Deep, tone_mapped

UNSPECIFIED = 2
"""The code of ISO/IEC 23091-2 for "unknown", for matrix, primaries and transfer alike."""

BT709 = 1

MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""Matrix coefficients of ISO/IEC 23091-2 that swscale knows."""

EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
# swscale's shortcut from 4:2:0 to RGB is three times as fast, but about one level too dark, and
# the green channel more than the others: a cast that adds up when a video is edited again.


@dataclass(frozen=True)
class ColorTags:
    """How the samples of a video are to be understood; codes of ISO/IEC 23091-2.

    Attributes:
        matrix: YUV matrix (1 BT.709, 5 and 6 BT.601, 9 BT.2020, 0 for RGB, 2 unspecified).
        primaries: colour primaries.
        transfer: transfer characteristics.
        full_range: luma uses 0…255 instead of 16…235.
    """

    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    full_range: bool = False

    @staticmethod
    def of(frame: VideoFrame) -> "ColorTags":
        """Read the tags of a decoded picture."""
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        rgb = is_rgb(frame.format)
        return ColorTags(
            matrix=0 if rgb else int(frame.colorspace),
            primaries=int(frame.color_primaries),
            transfer=int(frame.color_trc),
            full_range=full or rgb,
        )

    @property
    def hdr(self) -> str | None:
        """The kind of HDR that it is, "HLG" or "PQ"."""
        return {PQ: "PQ", HLG: "HLG"}.get(self.transfer)

    def effective_matrix(self, width: int, height: int) -> int:
        """The YUV matrix, guessed by size where it is not tagged, as players do.

        Pictures of more than 576 lines or at least 1280 columns are taken to be BT.709, smaller
        ones BT.601; RGB pictures have none and get BT.709 when they are encoded.
        """
        if self.matrix == 0:
            return BT709
        if self.matrix != UNSPECIFIED:
            return self.matrix
        return BT709 if height > 576 or width >= 1280 else 6


def is_rgb(pixel_format: VideoFormat) -> bool:
    """Tell RGB and palette formats from YUV and grey ones."""
    return pixel_format.is_rgb or pixel_format.has_palette


class RgbConverter:
    """Turns decoded pictures into RGB of one size and form, in one pass of swscale.

    Limited and full range, BT.601, BT.709 and BT.2020, and any bit depth are honoured. A picture
    of another size is scaled.

    Args:
        width: of the video, before it is turned for display.
        height: of the video.
        scaled_to: width and height of the result, if it is to be another.
        form: of the result.
    """

    def __init__(
        self,
        width: int,
        height: int,
        scaled_to: tuple[int, int] | None = None,
        form: PictureForm = PLAIN,
    ) -> None:
        self._form = form
        self._width = width
        self._height = height
        self._scaled_to = scaled_to or (width, height)
        self._reformatter = VideoReformatter()
        self._threads = min(os.cpu_count() or 1, 4)

    def convert(self, frame: VideoFrame) -> Picture:
        """Convert one picture to [height, width, 3 or 4], as stored (not turned) but for its size.

        Raises:
            FrameDecodeError: the pixel format or matrix cannot be converted.
        """
        tags = ColorTags.of(frame)
        matrix = tags.effective_matrix(self._width, self._height)
        if matrix not in MATRICES:
            raise FrameDecodeError(
                f"the colours are stored with matrix {matrix} of ISO/IEC 23091-2, which is not "
                "supported. Convert the video first: ffmpeg -i INPUT -pix_fmt yuv420p OUTPUT.mp4"
            )
        form = self._form
        is_mapped = tags.hdr is not None and not form.keeps_hdr
        in_floats = is_float(frame.format.name)
        is_deep = form.is_deep or is_mapped or in_floats
        try:
            if frame.format.has_palette:  # whose colours may be transparent
                frame = self._reformatter.reformat(frame, format="rgba")
            if in_floats or (is_deep and frame.format.is_rgb):
                rgb: Picture = self._fitted(deep_rgb_of(frame, self._reformatter))
            else:
                rgb = self._converted(frame, tags, matrix, is_deep=is_deep)
            alpha = None
            if has_alpha(frame.format):
                alpha = self._fitted(alpha_of(frame, self._reformatter, is_deep))
        except (OSError, ValueError, RuntimeError) as error:
            raise FrameDecodeError(
                f"pictures of format {frame.format.name} cannot be converted to RGB: {error}. "
                "Convert the video first: ffmpeg -i INPUT -pix_fmt yuv420p OUTPUT.mp4"
            ) from error
        if is_mapped:
            rgb = tone_mapped(cast("Deep", rgb), tags.transfer, tags.primaries)
        picture = with_alpha(rgb, alpha, wanted=form.has_alpha)
        if is_deep and not form.is_deep:
            return cast("Picture", cv2.convertScaleAbs(picture, alpha=255 / 65535))
        return picture

    def _converted(
        self, frame: VideoFrame, tags: ColorTags, matrix: int, *, is_deep: bool
    ) -> Picture:
        """By swscale, of the size that is wanted."""
        # Planar RGB, because swscale has fast code for it and none for exact packed RGB.
        planar = self._reformatter.reformat(
            frame,
            width=self._scaled_to[0],
            height=self._scaled_to[1],
            format="gbrp16le" if is_deep else "gbrp",
            src_colorspace=MATRICES[matrix],
            src_color_range=ColorRange.JPEG if tags.full_range else ColorRange.MPEG,
            interpolation=EXACT,
            threads=self._threads,
        )
        green, blue, red = (_plane(planar, number) for number in range(3))
        rgb = cast("Picture", cv2.merge([red, green, blue]))
        return full_scale(cast("Deep", rgb)) if is_deep else rgb

    def _fitted(self, samples: Picture) -> Picture:
        """Samples of the size that is wanted."""
        if samples.shape[1::-1] == self._scaled_to:
            return samples
        return cast("Picture", cv2.resize(samples, self._scaled_to, interpolation=cv2.INTER_AREA))


def has_alpha(pixel_format: VideoFormat) -> bool:
    """Whether pixels may be transparent."""
    return pixel_format.has_palette or any(part.is_alpha for part in pixel_format.components)


def with_alpha(rgb: Picture, alpha: Picture | None, *, wanted: bool) -> Picture:
    """RGBA if it is wanted, opaque without ``alpha``; otherwise as it looks on black.

    Args:
        rgb: [H, W, 3], straight.
        alpha: [H, W] of the same type, or None.
        wanted: see above.
    """
    most = 255 if rgb.dtype == np.uint8 else 65535
    if wanted:
        opaque = np.full(rgb.shape[:2], most, rgb.dtype)
        return cast("Picture", np.dstack([rgb, opaque if alpha is None else alpha]))
    if alpha is None or alpha.min() == most:
        return rgb
    share = cv2.merge([alpha] * 3).astype(np.float32) * np.float32(1 / most)
    return cast("Picture", cv2.multiply(rgb, share, dtype=cv2.CV_8U if most == 255 else cv2.CV_16U))


def _plane(frame: VideoFrame, number: int) -> Picture:
    plane = frame.planes[number]
    dtype = np.uint16 if frame.format.name.endswith("16le") else np.uint8
    rows = np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype().itemsize)
    return cast("Picture", rows[: frame.height, : frame.width])
