"""From decoded pictures to RGB, and what the tags of a video say about its colours."""

import os
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from sam2ov.errors import FrameDecodeError

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
    """Turns decoded pictures into uint8 RGB of one size, in one pass of swscale.

    Limited and full range, BT.601, BT.709 and BT.2020, and any bit depth are honoured. Alpha is
    dropped: the colour is taken as stored, without a background. The transfer function is kept, so
    HDR (PQ, HLG) pictures look flat. A picture of another size is scaled.

    Args:
        width: of the video, before it is turned for display.
        height: of the video.
        scaled_to: width and height of the result, if it is to be another.
    """

    def __init__(self, width: int, height: int, scaled_to: tuple[int, int] | None = None) -> None:
        self._width = width
        self._height = height
        self._scaled_to = scaled_to or (width, height)
        self._reformatter = VideoReformatter()
        self._threads = min(os.cpu_count() or 1, 4)

    def convert(self, frame: VideoFrame) -> npt.NDArray[np.uint8]:
        """Convert one picture to [height, width, 3], as stored (not turned) but for its size.

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
        try:
            # Planar RGB, because swscale has fast code for it and none for exact packed RGB.
            planar = self._reformatter.reformat(
                frame,
                width=self._scaled_to[0],
                height=self._scaled_to[1],
                format="gbrp",
                src_colorspace=MATRICES[matrix],
                src_color_range=ColorRange.JPEG if tags.full_range else ColorRange.MPEG,
                interpolation=EXACT,
                threads=self._threads,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise FrameDecodeError(
                f"pictures of format {frame.format.name} cannot be converted to RGB: {error}. "
                "Convert the video first: ffmpeg -i INPUT -pix_fmt yuv420p OUTPUT.mp4"
            ) from error
        green, blue, red = (_plane(planar, number) for number in range(3))
        return np.asarray(cv2.merge([red, green, blue]), np.uint8)


def _plane(frame: VideoFrame, number: int) -> npt.NDArray[np.uint8]:
    plane = frame.planes[number]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]
