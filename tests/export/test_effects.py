"""Effects on objects and on what is around them."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from sam2ov.errors import ExportError
from sam2ov.export import effects
from sam2ov.export.backdrop import open_backdrop
from sam2ov.export.effects import Area, Effect, Image
from sam2ov.values.masks import FloatArray
from sam2ov.video import open_video
from tests.clips import Scene, read_frame_number
from tests.export.conftest import Write
from tests.export.test_video_formats import rgba_of

SIZE_HW = (60, 90)


@pytest.fixture
def image() -> Image:
    return np.random.default_rng(0).integers(0, 256, (*SIZE_HW, 3)).astype(np.uint8)


@pytest.fixture
def area() -> Area:
    weight = np.zeros(SIZE_HW, np.float32)
    weight[10:40, 20:70] = 1
    weight[40:45, 20:70] = 0.5
    return Area(weight)


EFFECTS: dict[str, Effect] = {
    "blur": effects.blurred(0.6),
    "pixelate": effects.pixelated(0.6),
    "grey": effects.grey,
    "dark": effects.darkened(0.7),
    "paint": effects.painted((10, 200, 30)),
    "replace": effects.replaced(np.full((*SIZE_HW, 3), 77, np.uint8)),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_what_is_outside_stays_to_the_bit(image: Image, area: Area, name: str) -> None:
    before = image.copy()
    made = effects.applied(image, area, EFFECTS[name])
    np.testing.assert_array_equal(image, before)
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made[area.weight == 0], image[area.weight == 0])
    assert (made[area.weight == 1] != image[area.weight == 1]).mean() > 0.5
    nowhere = Area(np.zeros(SIZE_HW, np.float32))
    np.testing.assert_array_equal(effects.applied(image, nowhere, EFFECTS[name]), image)


def test_soft_edges_are_mixed(image: Image, area: Area) -> None:
    made = effects.applied(image, area, effects.painted((10, 200, 30)))
    half = area.weight == 0.5
    wanted = (image[half].astype(int) + np.array((10, 200, 30))) / 2
    assert np.abs(made[half] - wanted).max() <= 0.5
    assert (made[area.weight == 1] == (10, 200, 30)).all()


def test_blur_takes_no_colour_from_outside() -> None:
    image = np.zeros((*SIZE_HW, 3), np.uint8)
    image[:, 45:] = 200
    right = Area((np.arange(90) >= 45)[None].repeat(60, axis=0).astype(np.float32))
    made = effects.applied(image, right, effects.blurred(1))
    assert (made[:, 45:].astype(int) >= 198).all()


def test_pixels_become_blocks(image: Image) -> None:
    everywhere = Area(np.ones(SIZE_HW, np.float32))
    made = effects.applied(image, everywhere, effects.pixelated(1))
    block = round(0.12 * 60)
    for top, left in ((0, 0), (block * 3, block * 5)):
        part = made[top : top + block, left : left + block].reshape(-1, 3)
        assert (part == part[0]).all()
        source = image[top : top + block, left : left + block].reshape(-1, 3)
        assert np.abs(part[0] - source.mean(axis=0)).max() <= 1


@pytest.mark.parametrize(
    ("effect", "on", "touches_object"),
    [
        ("remove", "object", True),
        ("remove", "background", False),
        ("blur", "background", False),
        ("spotlight", "object", False),
        ("spotlight", "background", True),
    ],
)
def test_effects_are_where_they_should_be(
    write: Write,
    clip: Path,
    logits: FloatArray,
    tmp_path: Path,
    effect: str,
    on: str,
    touches_object: bool,
) -> None:
    options = {"effect": effect, "on": on, "strength": 1, "crf": 6}
    (path,) = write("overlay", tmp_path / "out.mp4", options=options, frames=range(2))
    with open_video(clip) as reader:
        before = reader.read(0).astype(int)
    change = np.abs(rgba_of(path)[0, ..., :3] - before).mean(axis=2)
    mask = logits[0].max(axis=0) > 0
    inside, outside = change[mask].mean(), change[~mask].mean()
    assert (inside > 3 * outside) if touches_object else (outside > 3 * inside)


def test_green_is_green(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    options = {"effect": "remove", "on": "background", "paint": "#00ff00", "codec": "h265"}
    (path,) = write("overlay", tmp_path / "out.mp4", options=options, frames=range(1))
    background = ~(logits[0].max(axis=0) > 0)
    background[1:-1, 1:-1] &= background[2:, 1:-1] & background[:-2, 1:-1]
    assert np.abs(np.median(rgba_of(path)[0][background], axis=0)[:3] - (0, 255, 0)).max() <= 4


def test_another_video_behind(write: Write, clip: Path, logits: FloatArray, tmp_path: Path) -> None:
    """The clip itself, from its beginning: the bar code at the top left is not on an object."""
    options = {"effect": "replace", "on": "background", "background": str(clip)}
    (path,) = write("overlay", tmp_path / "out.mp4", options=options, frames=range(8, 20))
    numbers = [read_frame_number(frame) for frame in rgba_of(path)]
    assert numbers[0] == 0
    assert numbers == sorted(numbers)
    with open_video(clip) as reader:
        times = [reader.info.time_of(i) for i in range(24)]
    since = [time - times[8] for time in times[8:20]]
    assert numbers == [max(i for i in range(24) if times[i] <= time) for time in since]


def test_a_short_video_begins_again(clip: Path) -> None:
    with open_video(clip) as reader:
        duration = reader.info.duration
        third = reader.info.time_of(3)
    with open_backdrop(clip, (96, 128)) as backdrop:
        assert read_frame_number(backdrop(third)) == 3
        assert read_frame_number(backdrop(third + 2 * duration)) == 3


def test_a_picture_fills_the_frame(tmp_path: Path) -> None:
    picture = np.zeros((40, 200, 3), np.uint8)
    picture[:, 80:120] = 255
    Pillow.fromarray(picture).save(tmp_path / "wide.png")
    with open_backdrop(tmp_path / "wide.png", (60, 90)) as backdrop:
        shown = backdrop(Fraction(5))
    assert shown.shape == (60, 90, 3)
    assert (shown[:, 20:70] == 255).all()
    assert (shown[:, :10] == 0).all()
    assert (shown[:, -10:] == 0).all()


def test_backgrounds_that_are_none(write: Write, tmp_path: Path, scene: Scene) -> None:
    def replace(background: str) -> None:
        options = {"effect": "replace", "background": background}
        write("overlay", tmp_path / "out.mp4", options=options, frames=range(1))

    with pytest.raises(ExportError, match="Say what to replace it by"):
        replace("")
    with pytest.raises(ExportError, match="does not exist"):
        replace(str(tmp_path / "missing.png"))
    (tmp_path / "text.txt").write_text("no picture")
    with pytest.raises(ExportError, match="cannot be used as a background"):
        replace(str(tmp_path / "text.txt"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["text.txt"]
    with pytest.raises(ExportError, match="does not take paint=green"):
        write("overlay", tmp_path / "out.mp4", options={"paint": "green"})


def test_effects_are_round_and_square_where_they_are_shown() -> None:
    image = np.zeros((120, 120, 3), np.uint8)
    image[50:70, 55:65] = 255  # a square where pixels are twice as wide as they are high
    everywhere = Area(np.ones((120, 120), np.float32))
    spot = effects.blurred(0.6, 2.0)(image, everywhere)[..., 0].astype(float)
    rows, columns = spot.sum(axis=1), spot.sum(axis=0)
    place = np.arange(120) - 59.5

    def spread(weights: FloatArray) -> float:
        return float(np.sqrt((weights * place**2).sum() / weights.sum()))

    assert spread(columns) * 2 == pytest.approx(spread(rows), rel=0.1)
    assert spread(rows) > 7, "it is blurred"
    noise = np.random.default_rng(1).integers(0, 255, (120, 120, 3), np.uint8)
    blocks = effects.pixelated(0.8, 2.0)(noise, everywhere)[..., 0]
    heights = np.diff(np.flatnonzero(np.diff(blocks[:, 0].astype(int))))
    widths = np.diff(np.flatnonzero(np.diff(blocks[0].astype(int))))
    assert heights[0] == pytest.approx(2 * widths[0], abs=1)
