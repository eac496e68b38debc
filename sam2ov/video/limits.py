"""What a video may be at most before it is refused.

Files come from strangers. The limits are checked as early as each value is known: bytes before the
file is opened, the size of the picture before a frame is decoded, frames and duration while the
packets are counted.
"""

from dataclasses import dataclass

from sam2ov.errors import VideoOpenError


@dataclass(frozen=True)
class VideoLimits:
    """Upper bounds on a video; the defaults admit anything a person would segment by hand.

    What is checked is told by the name that people know it by.

    Attributes:
        max_bytes: size of the file, or of all images of a folder together.
        max_pixels: width × height of a frame (default: a little above 8K).
        max_duration_s: time from the first frame to the end of the last one.
        max_frames: number of frames.
        max_streams: streams of all kinds in the container.
        advice: how to be allowed more, in messages; None names the attribute to raise.
    """

    max_bytes: int = 64 << 30
    max_pixels: int = 40_000_000
    max_duration_s: float = 12 * 3600.0
    max_frames: int = 2_000_000
    max_streams: int = 64
    advice: str | None = None

    def check_bytes(self, name: str, size: int) -> None:
        """Raise VideoOpenError for a file (or folder) of more than ``max_bytes``."""
        if size > self.max_bytes:
            raise VideoOpenError(
                f"{name} has {size:,} bytes, the limit is {self.max_bytes:,}. "
                f"Cut the video, or {self._more('max_bytes')}."
            )

    def check_pixels(self, name: str, width: int, height: int) -> None:
        """Raise VideoOpenError for frames without a size or of more than ``max_pixels``."""
        if width <= 0 or height <= 0:
            raise VideoOpenError(
                f"{name} does not say how large its frames are ({width}×{height})."
            )
        if width * height > self.max_pixels:
            raise VideoOpenError(
                f"{name} has frames of {width}×{height} pixels, the limit is "
                f"{self.max_pixels:,} pixels. Scale the video down, or "
                f"{self._more('max_pixels')}."
            )

    def check_frames(self, name: str, num_frames: int) -> None:
        """Raise VideoOpenError for more than ``max_frames`` frames."""
        if num_frames > self.max_frames:
            raise VideoOpenError(
                f"{name} has more than {self.max_frames:,} frames. Cut the video, or "
                f"{self._more('max_frames')}."
            )

    def check_duration(self, name: str, duration_s: float) -> None:
        """Raise VideoOpenError for a video longer than ``max_duration_s``."""
        if duration_s > self.max_duration_s:
            raise VideoOpenError(
                f"{name} is {duration_s:,.0f} s long, the limit is {self.max_duration_s:,.0f} s. "
                f"Cut the video, or {self._more('max_duration_s')}."
            )

    def check_streams(self, name: str, num_streams: int) -> None:
        """Raise VideoOpenError for more than ``max_streams`` streams."""
        if num_streams > self.max_streams:
            raise VideoOpenError(
                f"{name} has {num_streams} streams, the limit is {self.max_streams}. "
                f"Copy its video stream alone into a new file, or {self._more('max_streams')}."
            )

    def _more(self, name: str) -> str:
        return self.advice or f"raise VideoLimits.{name}"
