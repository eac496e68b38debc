"""Colours of objects."""

import numpy as np

from sam2ov.values.palette import davis_palette, default_colour, from_hex, to_hex


def test_davis_palette_is_the_published_one() -> None:
    palette = davis_palette()
    # The first entries as printed in the DAVIS and PASCAL VOC toolkits.
    assert palette[:9].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [0, 0, 128],
        [128, 0, 128],
        [0, 128, 128],
        [128, 128, 128],
        [64, 0, 0],
    ]
    assert palette[255].tolist() == [224, 224, 192]
    assert len(np.unique(palette, axis=0)) == 256


def test_neighbours_have_different_colours() -> None:
    colours = [default_colour(obj_id) for obj_id in range(1, 11)]
    assert len(set(colours)) == 10
    assert default_colour(11) == default_colour(1)


def test_hexadecimal_round_trip() -> None:
    assert to_hex((255, 0, 10)) == "#ff000a"
    assert from_hex("#FF000a") == (255, 0, 10)
