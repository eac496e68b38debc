"""Polygons against the drawing routines of those who read them."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as rle_api

from sam2ov.export.polygons import Ring, centre_polygons, edge_polygons
from sam2ov.values.masks import BoolArray
from tests.export.readers import iou

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools

small_masks = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def drawn_by_coco(rings: list[Ring], size_hw: tuple[int, int]) -> BoolArray:
    if not rings:
        return np.zeros(size_hw, np.bool_)
    parts = rle_api.frPyObjects([ring.ravel().tolist() for ring in rings], *size_hw)
    decoded: BoolArray = rle_api.decode(rle_api.merge(parts)).astype(np.bool_)
    return decoded


def drawn_by_yolo(rings: list[Ring], size_hw: tuple[int, int]) -> BoolArray:
    drawn = np.zeros(size_hw, np.uint8)
    for ring in rings:
        cv2.fillPoly(drawn, [ring.astype(np.int32)], (1,))
    return drawn > 0


@settings(max_examples=300, deadline=None)
@given(small_masks)
def test_small_masks_come_back_exactly(mask: BoolArray) -> None:
    np.testing.assert_array_equal(drawn_by_coco(edge_polygons(mask), mask.shape), mask)
    rings = centre_polygons(mask, joined=False)
    np.testing.assert_array_equal(drawn_by_yolo(rings, mask.shape), mask)
    assert all(len(ring) >= 3 for ring in rings)


def test_no_mask_no_polygon() -> None:
    empty = np.zeros((5, 6), np.bool_)
    assert edge_polygons(empty) == []
    assert centre_polygons(empty, joined=True) == []


@pytest.mark.parametrize("radius", [4, 9, 30, 120, 300])
def test_outlines_are_short_and_close(radius: int) -> None:
    """Of a ring with a hole and a second part, at any size."""
    side = 2 * radius + 40
    picture = np.zeros((side, side + radius + 20), np.uint8)
    centre = (radius + 10, radius + 10)
    cv2.circle(picture, centre, radius, (1,), -1)
    cv2.circle(picture, centre, radius // 2, (0,), -1)
    cv2.rectangle(picture, (2 * radius + 16, 5), (3 * radius + 16, radius + 5), (1,), -1)
    mask = picture > 0
    edges = edge_polygons(mask)
    assert len(edges) == 2
    assert iou(drawn_by_coco(edges, mask.shape), mask) >= 0.98
    centres = centre_polygons(mask, joined=False)
    assert len(centres) == 2
    assert iou(drawn_by_yolo(centres, mask.shape), mask) >= 0.98
    assert sum(map(len, centres)) < 160
    (joined,) = centre_polygons(mask, joined=True)
    # The line between the parts is drawn, a pixel wide.
    assert iou(drawn_by_yolo([joined], mask.shape), mask) >= (0.98 if radius > 9 else 0.9)


def test_very_many_specks_take_no_time_worth_mentioning() -> None:
    rng = np.random.default_rng(1)
    mask = np.zeros((2160, 3840), np.bool_)
    mask[500:1500, 500:1500] = True
    for _ in range(900):
        y, x = int(rng.integers(0, 2150)), int(rng.integers(0, 3830))
        mask[y : y + 3, x : x + 3] = True
    (joined,) = centre_polygons(mask, joined=True)
    drawn = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(drawn, [np.floor(joined).astype(np.int32)], (1,))
    assert (drawn.astype(np.bool_) & mask).sum() >= 0.98 * mask.sum()
