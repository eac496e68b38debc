"""What may be uploaded to the app; the page says so before anything is sent."""

from sam2ov.video.limits import VideoLimits

UPLOAD_LIMITS = VideoLimits(
    max_bytes=4 << 30, max_pixels=4096 * 2304, max_duration_s=3600.0, max_frames=220_000
)


def describe(limits: VideoLimits) -> str:
    """The limits in words."""
    return (
        f"up to {limits.max_bytes / (1 << 30):.0f} GB, {limits.max_duration_s / 60:.0f} minutes "
        "and 4K resolution"
    )
