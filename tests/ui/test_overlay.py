"""The palette PNG of all masks, and the pictures below it."""

import io

import numpy as np
import pytest
from PIL import Image

from sam2ov.features import ArrayFrames
from sam2ov.ui.overlay import BORDER_ALPHA, FILL_ALPHA, label_map, overlay_png
from sam2ov.ui.pictures import FramePictures, display_size

SIZE_HW = (60, 80)


def two_objects() -> np.ndarray:
    logits = np.full((2, 60, 80), -8, np.float32)
    logits[0, 10:30, 10:40] = 4
    logits[1, 20:50, 30:70] = 9
    return logits


def test_areas_borders_and_transparency() -> None:
    png = overlay_png(two_objects(), ["#ff0000", "#0000ff"], SIZE_HW)
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
    size_hw = (1080, 1920)

    def border(*, is_exact: bool) -> float:
        png = overlay_png(two_objects()[:1], ["#ff0000"], size_hw, is_exact=is_exact)
        alpha = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3]
        return float((alpha[360] == BORDER_ALPHA).sum()) / 2

    assert border(is_exact=True) == 1
    assert border(is_exact=False) == 2


def test_the_file_is_small() -> None:
    y, x = np.mgrid[:180, :320]
    blobs = [6 - np.hypot(x - 40 * n, y - 90) / 6 for n in range(1, 8)]
    png = overlay_png(np.array(blobs, np.float32), ["#123456"] * 7, (720, 1280))
    assert len(png) < 40_000


def test_no_objects_is_a_clear_picture() -> None:
    png = overlay_png(np.zeros((0, 16, 16), np.float32), [], SIZE_HW)
    assert not np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3].any()


def test_many_objects_keep_their_colours() -> None:
    logits = np.full((50, 60, 80), -1, np.float32)
    logits[49, 20:40, 20:60] = 1
    labels = label_map(logits, SIZE_HW)
    assert set(np.unique(labels)) == {0, 50}
    colours = [f"#0000{n:02x}" for n in range(50)]
    rgba = np.asarray(Image.open(io.BytesIO(overlay_png(logits, colours, SIZE_HW))).convert("RGBA"))
    assert tuple(rgba[30, 40]) == (0, 0, 49, FILL_ALPHA)


@pytest.mark.parametrize(
    ("size_hw", "shown"),
    [
        ((720, 1280), (720, 1280)),
        ((2160, 3840), (720, 1280)),
        ((1920, 1080), (1280, 720)),
        ((8, 4000), (3, 1280)),
    ],
)
def test_pictures_are_no_larger_than_a_screen(
    size_hw: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert display_size(size_hw) == shown


def test_pictures_are_the_frames() -> None:
    frames = np.zeros((3, 48, 64, 3), np.uint8)
    frames[1] = (200, 30, 60)
    pictures = FramePictures(ArrayFrames(frames))
    image = np.asarray(Image.open(io.BytesIO(pictures.jpeg(1))))
    assert image.shape == (48, 64, 3)
    assert np.abs(image.astype(int) - (200, 30, 60)).max() < 8
    assert pictures.jpeg(1) is pictures.jpeg(1), "kept"


def test_pictures_are_kept_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2ov.ui.pictures._CACHE_BYTES", 3000)
    rng = np.random.default_rng(0)
    pictures = FramePictures(ArrayFrames(rng.integers(0, 255, (9, 48, 64, 3), np.uint8)))
    for index in range(9):
        pictures.jpeg(index)
    assert 0 < pictures._cached_bytes <= 3000
    assert pictures._cached_bytes == sum(map(len, pictures._cache.values()))
