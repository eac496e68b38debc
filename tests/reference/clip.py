"""A synthetic clip for both sides of a comparison."""

import numpy as np
from numpy.typing import NDArray


def make_clip(frames: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A synthetic clip, RGB [T, H, W, 3]: two discs cross a textured, drifting background.

    Disc 0 leaves the picture to the right in the second half; disc 1 stays.
    """
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(height // 8 + 2, width // 8 + frames + 2, 3))
    texture = np.kron(noise, np.ones((8, 8, 1)))
    y, x = np.mgrid[:height, :width]
    clip = np.empty((frames, height, width, 3), np.uint8)
    for t in range(frames):
        picture = 110 + 28 * texture[:height, 2 * t : 2 * t + width]
        progress = t / max(frames - 1, 1)
        for color, center_x, center_y, radius in (
            ((220, 60, 40), 0.3 + 0.95 * progress, 0.4, 0.17),
            ((40, 90, 230), 0.7 - 0.4 * progress, 0.65, 0.2),
        ):
            distance = np.hypot(x - center_x * width, y - center_y * height)
            picture[distance < radius * height] = color
        clip[t] = np.clip(picture, 0, 255)
    return clip
