"""Where clicks go and which crops they go on (utils/amg.py of upstream, l. 179 to 240)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from sam2ov.engine.automatic.settings import AutomaticSettings, PointGrids
from sam2ov.errors import PromptError


@dataclass(frozen=True)
class Crop:
    """A part of an image: pixels ``x0`` to ``x1`` and ``y0`` to ``y1``, the ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int
    layer: int

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def area(self) -> int:
        """In pixels."""
        return (self.y1 - self.y0) * (self.x1 - self.x0)


def grid(per_side: int) -> npt.NDArray[np.float64]:
    """Clicks at the centres of ``per_side`` × ``per_side`` cells, row by row: [P, 2]."""
    centres = np.linspace(1 / (2 * per_side), 1 - 1 / (2 * per_side), per_side)
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def point_grids(settings: AutomaticSettings) -> PointGrids:
    """The clicks of each layer; a layer that would have none has one."""
    factor = settings.crop_n_points_downscale_factor
    sides = (settings.points_per_side // factor**n for n in range(settings.crop_n_layers + 1))
    return tuple(grid(max(side, 1)) for side in sides)


def given_grids(grids: Sequence[Any], layers: int) -> PointGrids:
    """Clicks of a caller's own.

    Raises:
        PromptError: one is not [P, 2], or there is none for a layer.
    """
    arrays = tuple(np.asarray(each, np.float64) for each in grids)
    if any(a.ndim != 2 or a.shape[1] != 2 or not np.isfinite(a).all() for a in arrays):
        raise PromptError("point_grids must be a list of [P, 2] arrays of shares, 0 to 1.")
    if len(arrays) <= layers:
        raise PromptError(
            f"point_grids has {len(arrays)} grids, but crop_n_layers={layers} needs {layers + 1}."
        )
    return arrays


def crops(size_hw: tuple[int, int], layers: int, overlap_ratio: float) -> Iterator[Crop]:
    """The whole image, then (2ⁿ)² crops of each layer n, column by column.

    Upstream: ``generate_crop_boxes``.
    """
    height, width = size_hw
    yield Crop(0, 0, width, height, 0)
    for layer in range(1, layers + 1):
        per_side = 2**layer
        overlap = int(overlap_ratio * min(height, width) * (2 / per_side))
        crop_w, crop_h = (
            math.ceil((overlap * (per_side - 1) + length) / per_side) for length in (width, height)
        )
        for column, row in product(range(per_side), range(per_side)):
            x0, y0 = (crop_w - overlap) * column, (crop_h - overlap) * row
            if x0 < width and y0 < height:
                yield Crop(x0, y0, min(x0 + crop_w, width), min(y0 + crop_h, height), layer)
