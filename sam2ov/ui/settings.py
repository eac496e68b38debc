"""What people may ask of the app's server, and how long it keeps what they leave there.

Every field is an option of ``sam2ov app`` and an environment variable (``SAM2OV_MAX_TRACKING``) by
itself; the page states those that concern uploads before anything is sent.
"""

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, get_args, get_type_hints

from sam2ov.errors import ServerError
from sam2ov.ui.gate.usage import UsageLimits
from sam2ov.values.field_order import FieldOrder

if TYPE_CHECKING:
    from sam2ov.video.limits import VideoLimits

_GB = 1 << 30
_MOST_FPS = 61
"""Phones that film 60 frames a second film a little more; the most frames follow from it."""
_RESOLUTIONS = (("8K", 7680, 4320), ("4K", 3840, 2160), ("1080p", 1920, 1080), ("720p", 1280, 720))


@dataclass(frozen=True)
class About:
    """What a setting does, for people; 0 sets no limit where it is allowed."""

    text: str
    may_be_zero: bool = False


@dataclass(frozen=True)
class Settings:
    """Limits and budgets; all numbers are above 0 but for a user's limits, and a GB has 2³⁰ bytes.

    Raises:
        ServerError: a number is not above 0.
    """

    max_upload_gb: Annotated[float, About("The largest clip that may be uploaded.")] = 4.0
    max_minutes: Annotated[float, About("The longest clip.")] = 60.0
    max_megapixels: Annotated[
        float,
        About("The largest frames: width × height in millions (4K has 8.3, 8K 33.2)."),
    ] = 9.5  # DCI 4K
    max_sessions: Annotated[
        int, About("So many pages may be open; others are told that the server is full.")
    ] = 64
    max_sessions_per_client: Annotated[
        int, About("The same from one address; behind a proxy, see --trusted-proxy.")
    ] = 32
    max_clips: Annotated[
        int, About("So many clips are open; the one idle for longest makes room for another.")
    ] = 16
    max_tracking: Annotated[
        int, About("So many clips are tracked at once, frame by frame in turn; others wait.")
    ] = 4
    max_cameras: Annotated[
        int, About("So many pages may follow the pictures of their cameras at once.")
    ] = 4
    field_order: Annotated[
        FieldOrder,
        About(
            "How interlaced clips are shown: auto looks at their pictures and makes them whole, "
            "tff and bff say which field comes first, off leaves them."
        ),
    ] = "auto"
    keep_gb: Annotated[
        float, About("What kept projects may take on disk; the oldest are deleted beyond it.")
    ] = 20.0
    keep_days: Annotated[
        float, About("Projects that nobody has opened for so long are deleted.")
    ] = 14.0
    idle_minutes: Annotated[
        float, About("A page that nobody uses for so long is closed on the server.")
    ] = 180.0
    lost_minutes: Annotated[float, About("The same for a page whose connection has ended.")] = 20.0
    user_upload_gb: Annotated[
        float, About("What one user may upload within a day; 0 for no limit.", may_be_zero=True)
    ] = 0.0
    user_disk_gb: Annotated[
        float,
        About(
            "A user whose projects take so much disk cannot begin another; 0 for no limit.",
            may_be_zero=True,
        ),
    ] = 0.0
    user_clips: Annotated[
        int, About("So many clips one user may have open; 0 for no limit.", may_be_zero=True)
    ] = 0
    user_tracking_minutes: Annotated[
        float, About("Tracking of one user within a day; 0 for no limit.", may_be_zero=True)
    ] = 0.0
    downloads: Annotated[
        bool, About("Whether models may be downloaded and converted from the page.")
    ] = True
    checkpoints: Annotated[
        bool,
        About(
            "Whether a model's file may be chosen on the page and converted; only where the app "
            "listens to this computer alone."
        ),
    ] = True
    max_checkpoint_gb: Annotated[float, About("The largest such file.")] = 1.5

    def __post_init__(self) -> None:
        may_be_zero = _may_be_zero(type(self))
        for name, value in asdict(self).items():
            if isinstance(value, str) or (value == 0 and (value is False or name in may_be_zero)):
                continue
            if not 0 < value < math.inf:
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
    def checkpoint_bytes(self) -> int:
        """``max_checkpoint_gb`` in bytes."""
        return round(self.max_checkpoint_gb * _GB)

    @property
    def usage(self) -> UsageLimits:
        """What one user may take within a day."""
        return UsageLimits(
            upload_bytes=round(self.user_upload_gb * _GB),
            tracking_seconds=self.user_tracking_minutes * 60,
        )

    @property
    def user_disk_bytes(self) -> int:
        """``user_disk_gb`` in bytes."""
        return round(self.user_disk_gb * _GB)

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


def _may_be_zero(settings: type[Settings]) -> set[str]:
    """The names of those whose 0 sets no limit."""
    hints = get_type_hints(settings, include_extras=True)
    return {name for name, hint in hints.items() if get_args(hint)[1].may_be_zero}


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{minutes * 60:.0f} seconds"
    return "1 minute" if minutes == 1 else f"{minutes:g} minutes"
