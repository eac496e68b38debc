"""Limits: numbers that make sense, and words for people."""

import pytest

from sam2ov.errors import ServerError
from sam2ov.ui.settings import Settings


def test_limits_are_said_in_words() -> None:
    assert Settings().upload_text == "up to 4 GB, 60 minutes and 4K resolution"
    small = Settings(max_upload_gb=0.5, max_minutes=1, max_megapixels=2.1)
    assert small.upload_text == "up to 0.5 GB, 1 minute and 1080p resolution"
    tiny = Settings(max_minutes=0.5, max_megapixels=0.3)
    assert tiny.upload_text == "up to 4 GB, 30 seconds and 0.3 megapixels"


def test_limits_of_videos_follow() -> None:
    video = Settings(max_upload_gb=0.5, max_minutes=2, max_megapixels=2.5).video
    assert (video.max_bytes, video.max_pixels) == (1 << 29, 2_500_000)
    assert (video.max_duration_s, video.max_frames) == (120, 7320)
    assert Settings(keep_gb=1.5).keep_bytes == 3 << 29
    admitted = Settings().video.max_pixels
    assert admitted >= 4096 * 2304, "4K as cameras and cinemas have it"


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_numbers_are_above_zero(value: float) -> None:
    with pytest.raises(ServerError, match="keep_days"):
        Settings(keep_days=value)
