"""What people may ask of the app's server, and how long it keeps what they leave there.

Every value is an option of ``sam2ov app`` and an environment variable (``SAM2OV_MAX_TRACKING``);
the page states those that concern uploads before anything is sent.
"""

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sam2ov.errors import ServerError

if TYPE_CHECKING:
    from sam2ov.video.limits import VideoLimits

_GB = 1 << 30
_MOST_FPS = 61
"""Phones that film 60 frames a second film a little more; the most frames follow from it."""
_RESOLUTIONS = (("8K", 7680, 4320), ("4K", 3840, 2160), ("1080p", 1920, 1080), ("720p", 1280, 720))


@dataclass(frozen=True)
class Settings:
    """Limits and budgets; all numbers are above 0.

    Attributes:
        max_upload_gb: size of an uploaded clip in GB (2³⁰ bytes).
        max_minutes: its length.
        max_megapixels: width × height of its frames; the default admits DCI 4K.
        max_sessions: pages that are open at once.
        max_clips: clips that are open at once; the one idle for longest makes room.
        max_tracking: runs of tracking that share the model; others wait in a queue.
        keep_gb: what kept projects may take on disk together; the oldest are deleted beyond it.
        keep_days: projects that were not opened for so long are deleted.
        idle_minutes: a page without any request for so long is closed on the server.
        lost_minutes: the same for one whose connection has ended, if that is sooner.
        downloads: models may be downloaded and converted from the page.

    Raises:
        ServerError: a number is not above 0.
    """

    max_upload_gb: float = 4.0
    max_minutes: float = 60.0
    max_megapixels: float = 9.5
    max_sessions: int = 64
    max_clips: int = 16
    max_tracking: int = 4
    keep_gb: float = 20.0
    keep_days: float = 14.0
    idle_minutes: float = 180.0
    lost_minutes: float = 20.0
    downloads: bool = True

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "downloads" and not 0 < value < math.inf:
                raise ServerError(f"{name} is {value}; it must be a number above 0.")

    @property
    def video(self) -> "VideoLimits":
        """The limits of an upload."""
        from sam2ov.video.limits import VideoLimits  # brings OpenCV, which `--help` does without

        seconds = self.max_minutes * 60
        return VideoLimits(
            max_bytes=round(self.max_upload_gb * _GB),
            max_pixels=round(self.max_megapixels * 1e6),
            max_duration_s=seconds,
            max_frames=math.ceil(seconds * _MOST_FPS),
            advice="ask who runs this server to allow more",
        )

    @property
    def keep_bytes(self) -> int:
        """``keep_gb`` in bytes."""
        return round(self.keep_gb * _GB)

    @property
    def upload_text(self) -> str:
        """What may be uploaded, for people: "up to 4 GB, 60 minutes and 4K resolution"."""
        pixels = self.max_megapixels * 1e6
        fitting = [name for name, width, height in _RESOLUTIONS if width * height <= pixels]
        picture = f"{fitting[0]} resolution" if fitting else f"{self.max_megapixels:g} megapixels"
        return f"up to {self.max_upload_gb:g} GB, {_duration(self.max_minutes)} and {picture}"


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{minutes * 60:.0f} seconds"
    return "1 minute" if minutes == 1 else f"{minutes:g} minutes"
