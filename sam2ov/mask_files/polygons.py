"""Polygons as masks."""

import numpy as np
import numpy.typing as npt

from sam2ov.values.masks import BoolArray


def fill_polygons(polygons: list[npt.NDArray[np.float64]], size_hw: tuple[int, int]) -> BoolArray:
    """The pixels whose centres lie in any of ``polygons``, each [P, 2] of corners (x, y).

    Coordinates are continuous: the first pixel goes from 0 to 1. A polygon that crosses itself is
    filled by the even-odd rule.
    """
    mask = np.zeros(size_hw, np.bool_)
    for corners in polygons:
        mask |= _filled(corners, size_hw)
    return mask


def _filled(corners: npt.NDArray[np.float64], size_hw: tuple[int, int]) -> BoolArray:
    """Each edge flips all pixels on its right, row by row."""
    height, width = size_hw
    flips = np.zeros((height, width + 1), np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        first = max(int(np.ceil(min(y0, y1) - 0.5)), 0)
        stop = min(int(np.ceil(max(y0, y1) - 0.5)), height)
        if first >= stop:
            continue
        rows = np.arange(first, stop)
        crossings = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        columns = np.ceil(crossings - 0.5).clip(0, width).astype(np.int64)
        flips[rows, columns] ^= True
    filled: BoolArray = np.logical_xor.accumulate(flips[:, :width], axis=1)
    return filled
