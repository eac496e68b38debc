"""The sample clip is what its script draws."""

import numpy as np
import pytest

from sam2ov.samples import SAMPLE_PATH
from sam2ov.video import open_video
from tools.make_sample import FPS, HEIGHT, NUM_FRAMES, WIDTH, draw_frame


def test_the_sample_is_small_and_has_sound() -> None:
    assert SAMPLE_PATH.stat().st_size < 1_000_000
    with open_video(SAMPLE_PATH) as video:
        assert (video.num_frames, video.size_hw) == (NUM_FRAMES, (HEIGHT, WIDTH))
        assert video.info.fps == FPS
        assert video.info.has_audio


@pytest.mark.parametrize("frame_idx", [0, 50])
def test_the_sample_is_what_the_script_draws(frame_idx: int) -> None:
    drawn = draw_frame(frame_idx, np.random.default_rng(0)).astype(int)
    with open_video(SAMPLE_PATH) as video:
        assert np.abs(video.read(frame_idx) - drawn).mean() < 4
