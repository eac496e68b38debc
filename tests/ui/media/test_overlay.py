"""The palette PNG of all masks."""

import io

import numpy as np
from PIL import Image

from sam2ov.cleanup.shape import feathered
from sam2ov.ui.media.overlay import BORDER_ALPHA, FILL_ALPHA, Layer, make_overlay
from sam2ov.values.masks import FloatArray, label_map, resize_logits


def two_objects() -> np.ndarray:
    logits = np.full((2, 60, 80), -8, np.float32)
    logits[0, 10:30, 10:40] = 4
    logits[1, 20:50, 30:70] = 9
    return logits


def paint(logits: FloatArray, colours: list[str], *, is_exact: bool = False) -> bytes:
    layers = [Layer(number, colour) for number, colour in enumerate(colours, 1)]
    overlay = make_overlay(logits, layers, is_exact=is_exact)
    assert overlay.objects == tuple((layer.obj_id, 0) for layer in layers)
    return overlay.png


def test_areas_borders_and_transparency() -> None:
    png = paint(two_objects(), ["#ff0000", "#0000ff"])
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P"
    rgba = np.asarray(image.convert("RGBA"))
    assert rgba.shape == (60, 80, 4)
    assert tuple(rgba[15, 20]) == (255, 0, 0, FILL_ALPHA)
    assert tuple(rgba[10, 20]) == (255, 0, 0, BORDER_ALPHA)
    assert tuple(rgba[40, 50]) == (0, 0, 255, FILL_ALPHA)
    assert rgba[5, 5, 3] == 0
    assert tuple(rgba[25, 35]) == (0, 0, 255, FILL_ALPHA), "the higher logit wins"


def test_borders_can_be_seen_on_a_screen_and_are_one_pixel_close_up() -> None:
    logits = resize_logits(two_objects()[:1], (1080, 1920))

    def border(*, is_exact: bool) -> float:
        png = paint(logits, ["#ff0000"], is_exact=is_exact)
        alpha = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3]
        return float((alpha[360] == BORDER_ALPHA).sum()) / 2

    assert border(is_exact=True) == 1
    assert border(is_exact=False) == 2


def test_the_file_is_small() -> None:
    y, x = np.mgrid[:180, :320]
    blobs = [6 - np.hypot(x - 40 * n, y - 90) / 6 for n in range(1, 8)]
    logits = resize_logits(np.array(blobs, np.float32), (720, 1280))
    png = paint(logits, ["#123456"] * 7)
    assert len(png) < 40_000


def test_no_objects_is_a_clear_picture() -> None:
    png = paint(np.zeros((0, 16, 16), np.float32), [])
    assert not np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3].any()


def test_many_objects_keep_their_colours() -> None:
    logits = np.full((50, 60, 80), -1, np.float32)
    logits[49, 20:40, 20:60] = 1
    labels = label_map(logits, (60, 80))
    assert set(np.unique(labels)) == {0, 50}
    colours = [f"#0000{n:02x}" for n in range(50)]
    rgba = np.asarray(Image.open(io.BytesIO(paint(logits, colours))).convert("RGBA"))
    assert tuple(rgba[30, 40]) == (0, 0, 49, FILL_ALPHA)


def test_soft_edges_are_those_of_the_export() -> None:
    feather = 12.0
    overlay = make_overlay(two_objects(), [Layer(4, "#ff0000"), Layer(7, "#0000ff", feather)])
    (hard, none), (soft, levels) = overlay.objects
    assert (hard, none, soft) == (4, 0, 7)
    labels = np.asarray(Image.open(io.BytesIO(overlay.png)))
    shares = np.zeros(256)
    shares[3], shares[4] = 1, 0.5  # the border lies where half of the edge is
    shares[5 : 5 + levels] = np.arange(1, levels + 1) / (levels + 1)
    exported = feathered(label_map(two_objects(), (60, 80)) == 2, feather)
    of_other = (labels == 1) | (labels == 2)
    assert of_other.sum() == (label_map(two_objects(), (60, 80)) == 1).sum(), "it is not covered"
    away = np.abs(shares[labels] - exported)[~of_other]
    assert away.max() < 0.15, "on the border"
    assert away[labels[~of_other] != 4].max() <= 0.51 / (levels + 1)
    rgba = np.asarray(Image.open(io.BytesIO(overlay.png)).convert("RGBA"))
    row = rgba[40, 45:, 3].astype(int)
    assert (np.diff(row[row < BORDER_ALPHA]) <= 0).all()
    assert (row > 0).sum() > 25, "it reaches beyond the mask"


def test_the_palette_has_room_for_soft_edges_of_many_objects() -> None:
    for count in (1, 20, 100, 127):
        logits = np.full((count, 20, 20), -1, np.float32)
        logits[-1, 5:15, 5:15] = 1
        overlay = make_overlay(logits, [Layer(n, "#00ff00", 6) for n in range(count)])
        assert sum(2 + soft for _, soft in overlay.objects) <= 255
        rgba = np.asarray(Image.open(io.BytesIO(overlay.png)).convert("RGBA"))
        assert tuple(rgba[10, 10]) == (0, 255, 0, FILL_ALPHA)
