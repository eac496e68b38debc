"""Masks over a picture, to the pixel."""

import numpy as np
import pytest

from sam2ov.errors import ExportError
from sam2ov.export.paint import OverlayStyle, paint_mask
from sam2ov.values.masks import BoolArray

COLOUR = (200, 40, 0)


def square() -> BoolArray:
    mask = np.zeros((30, 40), np.bool_)
    mask[10:20, 10:25] = True
    return mask


def test_fill_and_outline() -> None:
    image = np.full((30, 40, 3), 100, np.uint8)
    paint_mask(image, square(), COLOUR, OverlayStyle(fill=0.5, outline=1))
    inner = np.zeros((30, 40), np.bool_)
    inner[11:19, 11:24] = True
    assert (image[~square()] == 100).all(), "what is outside stays"
    assert (image[square() & ~inner] == COLOUR).all(), "the outline lies inside the mask"
    assert (image[inner] == (150, 70, 50)).all()


def test_no_outline_along_the_edge_of_the_picture() -> None:
    mask = np.zeros((30, 40), np.bool_)
    mask[20:, 30:] = True
    image = np.full((30, 40, 3), 100, np.uint8)
    paint_mask(image, mask, COLOUR, OverlayStyle(fill=0, outline=2))
    painted = (image == COLOUR).all(axis=2)
    expected = mask.copy()
    expected[22:, 32:] = False
    # The rounded kernel leaves the corner pixel of the inside, or takes it.
    assert np.count_nonzero(painted != expected) <= 1


def test_nothing_to_paint() -> None:
    image = np.full((30, 40, 3), 100, np.uint8)
    paint_mask(image, np.zeros((30, 40), np.bool_), COLOUR, OverlayStyle())
    paint_mask(image, square(), COLOUR, OverlayStyle(fill=0, outline=0))
    assert (image == 100).all()


def test_the_whole_picture() -> None:
    image = np.full((30, 40, 3), 100, np.uint8)
    paint_mask(image, np.ones((30, 40), np.bool_), COLOUR, OverlayStyle(fill=1, outline=3))
    assert (image == COLOUR).all()


def test_outlines_follow_the_size_of_the_picture() -> None:
    style = OverlayStyle()
    assert [style.outline_width(h) for h in (96, 480, 720, 1080, 2160)] == [1, 1, 2, 3, 6]
    assert OverlayStyle(outline=4).outline_width(96) == 4


@pytest.mark.parametrize(("fill", "outline"), [(-0.1, None), (1.1, None), (0.5, -1), (0.5, 101)])
def test_impossible_styles_are_refused(fill: float, outline: int | None) -> None:
    with pytest.raises(ExportError, match="fill is between 0 and 1"):
        OverlayStyle(fill, outline)
