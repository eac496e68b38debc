"""What is behind transparent parts of a clip on the page."""

import numpy as np
import numpy.typing as npt

_LIGHT, _DARK = 195, 140
_SQUARES = 64
"""Along the longer side, whatever the size of a picture."""


def on_checkerboard(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """RGB [H, W, 3] of straight RGBA [H, W, 4]; opaque pictures stay as they are."""
    colours, alpha = rgba[..., :3], rgba[..., 3:]
    if alpha.min() == 255:
        return np.ascontiguousarray(colours)
    height, width = rgba.shape[:2]
    size = max(max(height, width) // _SQUARES, 2)
    rows, columns = np.arange(height)[:, None] // size, np.arange(width)[None] // size
    board = np.where((rows + columns) % 2 == 0, _LIGHT, _DARK)[..., None]
    mixed = colours * alpha.astype(np.uint16) + board * (255 - alpha.astype(np.uint16)) + 127
    return (mixed // 255).astype(np.uint8)
