"""What pictures of masks show, as programs write them: soft, hard, labelled, flattened."""

import io
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam2ov.errors import PromptError
from sam2ov.mask_files.pictures import PictureKind, Reading, labels_of
from sam2ov.mask_files.prompt_file import read_mask_image
from sam2ov.values.masks import BoolArray

SIZE_HW = (120, 160)


def disc(x: float, y: float, radius: float) -> BoolArray:
    rows, columns = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]] + 0.5
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 < radius**2)


DISC = disc(80, 60, 30)


def read(
    picture: npt.NDArray[np.generic] | Image.Image,
    kind: PictureKind = "auto",
    threshold: float = 0.5,
) -> dict[int | str, BoolArray]:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    image.save(file, "PNG")
    found = labels_of(Image.open(file), "picture.png", Reading(kind, threshold))
    return {
        label.name or label.number or label.value: found.mask(label.value)
        for label in found.objects
    }


def feathered(white: int, sigma: float = 3.0) -> npt.NDArray[np.float64]:
    blurred = cv2.GaussianBlur(DISC.astype(np.float64), (0, 0), sigma)
    return np.asarray(blurred * white, np.float64)


@pytest.mark.parametrize(("white", "dtype"), [(255, np.uint8), (65535, np.uint16)])
@pytest.mark.parametrize("sigma", [0.7, 3.0, 12.0])
def test_soft_mattes_are_one_object(white: int, dtype: type, sigma: float) -> None:
    matte: npt.NDArray[np.generic] = np.rint(feathered(white, sigma)).astype(dtype)
    found = read(matte)
    assert found.keys() == {1}
    level = matte.astype(np.int64)
    np.testing.assert_array_equal(found[1], level > white / 2)
    if sigma < 4:
        assert (found[1] ^ DISC).sum() <= 0.02 * DISC.sum(), "where the disc has it"
    tight = read(matte, threshold=0.9)[1]
    np.testing.assert_array_equal(tight, level > 0.9 * white)


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_a_mask_that_was_saved_as_a_jpeg_is_one_object(quality: int) -> None:
    file = io.BytesIO()
    Image.fromarray(DISC.astype(np.uint8) * 255).save(file, "JPEG", quality=quality)
    found = read(Image.open(file))
    assert found.keys() == {1}
    assert (found[1] ^ DISC).sum() <= 0.01 * DISC.sum()
    assert read(Image.open(file).convert("RGB")).keys() == {1}


def test_label_maps_are_their_objects() -> None:
    labels = disc(40, 40, 20) * np.uint8(3) + disc(120, 80, 25) * np.uint8(200)
    for picture in (labels, np.repeat(labels[..., None], 3, axis=2), labels.astype(np.uint16)):
        found = read(picture)
        assert found.keys() == {3, 200}
        np.testing.assert_array_equal(found[200], disc(120, 80, 25))
    labels[:, 0] = 255
    assert read(labels).keys() == {3, 200}, "255 is void"
    mots = disc(40, 40, 20) * np.uint16(1001) + disc(120, 80, 25) * np.uint16(2002)
    assert read(mots).keys() == {1, 2}


def test_labels_that_became_colours() -> None:
    rgb = np.zeros((*SIZE_HW, 3), np.uint8)
    rgb[20:60, 20:60] = (230, 25, 75)
    rgb[50:100, 90:140] = (60, 180, 75)
    rgba = np.concatenate([rgb, np.full((*SIZE_HW, 1), 255, np.uint8)], axis=2)
    for picture in (rgb, rgba):
        found = read(picture)
        assert {name: int(mask.sum()) for name, mask in found.items()} == {
            "#e6194b": 1600,
            "#3cb44b": 2500,
        }


def test_a_photograph_is_no_mask() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (*SIZE_HW, 3)).astype(np.uint8)
    with pytest.raises(PromptError, match=r"picture\.png has 19,\d+ colours \(#.*, …\)"):
        read(rgb)
    rgba = np.concatenate([rgb, (DISC * np.uint8(255))[..., None]], axis=2)
    found = read(rgba)
    assert found.keys() == {1}, "a cut-out is its object"
    np.testing.assert_array_equal(found[1], DISC)


def test_what_may_be_either_is_refused_until_it_is_said() -> None:
    """Half of what is in between is an area, half of it noise."""
    grey = DISC * np.uint8(255)
    grey[5:15, 10:40] = 90
    noise = np.random.default_rng(0).integers(1, 255, (13, 50))
    grey[100:113, 90:140] = noise.astype(np.uint8)
    with pytest.raises(PromptError, match=r"label map or a soft matte: .*--masks-kind"):
        read(grey)
    assert read(grey, "matte").keys() == {1}
    assert {90} <= read(grey, "labels").keys()


def test_a_mask_for_a_prompt_is_cut_at_half(tmp_path: Path) -> None:
    path = tmp_path / "soft.png"
    Image.fromarray(np.rint(feathered(255)).astype(np.uint8)).save(path)
    np.testing.assert_array_equal(read_mask_image(path), np.rint(feathered(255)) > 127.5)


@given(
    sides=st.lists(st.integers(3, 30), min_size=1, max_size=4),
    values=st.lists(st.integers(1, 254), min_size=4, max_size=4, unique=True),
)
def test_any_labels_of_three_pixels_and_more_come_back(sides: list[int], values: list[int]) -> None:
    labels = np.zeros(SIZE_HW, np.uint8)
    for place, (side, value) in enumerate(zip(sides, values, strict=False)):
        labels[40 : 40 + side, 36 * place + 2 : 36 * place + 2 + side] = value
    found = read(labels, "labels")
    assert found.keys() == set(values[: len(sides)])
