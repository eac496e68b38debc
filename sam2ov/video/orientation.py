"""How a stored picture is turned for display."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from sam2ov.video.cache import Picture


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to put a rectangular picture on a screen.

    The stored picture is transposed first (x and y swapped), then flipped along the axes of the
    display.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @staticmethod
    def from_display_matrix(matrix: Sequence[int]) -> "Orientation":
        """Read the nine 16.16 numbers of an ISO/IEC 14496-12 display matrix.

        They are (a b u, c d v, x y w): a stored point (p, q) is shown at (a·p + c·q, b·p + d·q).
        Angles in between are rounded to the next quarter turn.
        """
        a, b, _, c, d = matrix[:5]
        if abs(b) + abs(c) > abs(a) + abs(d):
            return Orientation(True, flip_x=c < 0, flip_y=b < 0)
        return Orientation(False, flip_x=a < 0, flip_y=d < 0)

    @property
    def rotation(self) -> int:
        """Degrees clockwise (0, 90, 180 or 270), after mirroring left and right if mirrored."""
        if self.transpose:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    @property
    def mirrored(self) -> bool:
        """The picture is shown as in a mirror."""
        return self.transpose ^ self.flip_x ^ self.flip_y

    def display_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as shown."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, image: Picture) -> Picture:
        """Turn a stored picture [h, w, C]; the result is contiguous (or the picture itself)."""
        if self.transpose:
            image = cast("Picture", cv2.transpose(image))
        if self.flip_x or self.flip_y:
            code = 0 if not self.flip_x else -1 if self.flip_y else 1
            image = cast("Picture", cv2.flip(image, code))
        return cast("Picture", np.ascontiguousarray(image))
