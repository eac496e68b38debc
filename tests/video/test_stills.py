"""Single images as visual effects and cameras write them: the right colours, or a reason."""

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import OpenEXR
import pytest
import tifffile
from PIL import Image

from sam2ov.errors import VideoError, VideoOpenError
from sam2ov.export.pictures import with_pixel_aspect
from sam2ov.video.picture_form import PictureForm
from sam2ov.video.served import open_in_process
from tests.video import ffmpeg

SIZE_HW = (60, 80)
YELLOW = (255, 210, 0)


@pytest.fixture
def disc() -> npt.NDArray[np.uint8]:
    """A yellow disc on black."""
    rows, columns = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
    rgb = np.zeros((*SIZE_HW, 3), np.uint8)
    rgb[(columns - 40) ** 2 + (rows - 30) ** 2 < 400] = YELLOW
    return rgb


def check(path: Path, disc: npt.NDArray[np.uint8], within: int = 2) -> None:
    with open_in_process(path) as reader:
        assert len(reader) == 1
        apart = np.abs(reader.read(0).astype(int) - disc)
        assert apart.max() <= within, f"{path.name}: {reader.read(0)[30, 40]}"


def as_planes(image: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    return np.moveaxis(image, 2, 0)


def test_tiff_of_all_kinds(tmp_path: Path, disc: npt.NDArray[np.uint8]) -> None:
    deep, real = disc.astype(np.uint16) * 257, (disc / 255).astype(np.float32)
    separate = {"planarconfig": "separate", "photometric": "rgb"}
    together = {"photometric": "rgb"}
    kinds = {
        "deep planes": (as_planes(deep), separate),
        "real planes": (as_planes(real), separate),
        "planes": (as_planes(disc), separate),
        "deep": (deep, together),
        "real": (real, together),
        "packed": (deep, together | {"compression": "zlib", "predictor": True}),
    }
    for name, (image, how) in kinds.items():
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, image, **how)  # type: ignore[arg-type]
        check(path, disc)
    tifffile.imwrite(tmp_path / "half.tif", real.astype(np.float16), photometric="rgb")
    with pytest.raises(VideoOpenError, match="half floats in TIFF are not supported; save it as"):
        open_in_process(tmp_path / "half.tif")


@pytest.mark.parametrize("suffix", ["dpx", "tga", "ppm", "jp2", "bmp"])
def test_formats_of_other_programs(
    suffix: str, tmp_path: Path, disc: npt.NDArray[np.uint8]
) -> None:
    Image.fromarray(disc).save(tmp_path / "disc.png")
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in (1, 2):
        path = folder / f"plate.{number:04d}.{suffix}"
        ffmpeg.run("ffmpeg", "-i", tmp_path / "disc.png", path)
    with open_in_process(folder) as reader:
        assert len(reader) == 2
        assert reader.size_hw == SIZE_HW
        apart = np.abs(reader.read(1).astype(int) - disc)
        assert np.percentile(apart, 99) <= 3
        assert reader.read(0)[30, 40].tolist() == pytest.approx(YELLOW, abs=2)


@pytest.mark.parametrize("suffix", ["tga", "ppm", "pgm", "dpx"])
def test_single_images_of_other_programs(
    suffix: str, tmp_path: Path, disc: npt.NDArray[np.uint8]
) -> None:
    Image.fromarray(disc).save(tmp_path / "disc.png")
    path = tmp_path / f"disc.{suffix}"
    ffmpeg.run("ffmpeg", "-i", tmp_path / "disc.png", path)
    with open_in_process(path) as reader:
        assert (len(reader), reader.size_hw, reader.info.container) == (1, SIZE_HW, "images")


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_exr_is_light_times_alpha(dtype: type, tmp_path: Path) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    light: npt.NDArray[np.floating] = np.zeros((*SIZE_HW, 4), dtype)
    light[:, :20] = (0.5, 0.5, 0.5, 0.5)  # white, half covered
    light[:, 20:40] = (0.125, 0.25, 0, 0.5)
    light[:, 40:60] = (2, 1, 0, 1)
    light[:, 60:] = (0.5, 0.5, 0.5, 0)  # light that covers nothing
    path = tmp_path / "covered.exr"
    OpenEXR.File(header, {"RGBA": light}).write(str(path))
    deep_and_clear = PictureForm(has_alpha=True, is_deep=True)
    with (
        open_in_process(path) as reader,
        reader.twin(cache_bytes=0, form=PictureForm(has_alpha=True)) as straight,
        reader.twin(cache_bytes=0, form=deep_and_clear) as deep,
    ):
        on_black, rgba = reader.read(0)[30], straight.read(0)[30].astype(int)
        assert on_black[10].tolist() == [188] * 3, "half the light"
        assert on_black[30].tolist() == [99, 137, 0]
        assert rgba[10].tolist() == [255, 255, 255, 128]
        assert rgba[30].tolist() == [137, 188, 0, 128]
        assert rgba[50].tolist() == [255, 255, 0, 255]
        assert rgba[70].tolist() == [0, 0, 0, 0]
        assert np.abs(deep.read_deep(0)[30] / 257 - rgba).max() <= 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_linear_light_is_shown_as_srgb(
    dtype: type, tmp_path: Path, disc: npt.NDArray[np.uint8]
) -> None:
    encoded = disc / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    path = tmp_path / "linear.exr"
    OpenEXR.File(header, {"RGB": linear.astype(dtype)}).write(str(path))
    check(path, disc)
    OpenEXR.File(header, {"RGB": (linear * 4).astype(dtype)}).write(str(path))
    with open_in_process(path) as reader:
        assert reader.read(0)[30, 40].tolist() == [255, 255, 0], (
            "what is brighter than white is cut"
        )


def test_the_shape_of_pixels_is_kept(tmp_path: Path, disc: npt.NDArray[np.uint8]) -> None:
    """As the standard has it: pixels per unit across, then down (ffprobe turns them round)."""
    png = tmp_path / "wide.png"
    content = io.BytesIO()
    Image.fromarray(disc).save(content, "PNG")
    png.write_bytes(with_pixel_aspect(content.getvalue(), Fraction(64, 45)))
    with Image.open(png) as image:
        assert image.info["aspect"] == (45, 64), "fewer pixels fit into a unit where they are wide"
    with open_in_process(png) as reader:
        assert reader.info.sample_aspect_ratio == Fraction(64, 45)
    check(png, disc, 0)
    header = {"type": OpenEXR.scanlineimage, "pixelAspectRatio": 2.0}
    OpenEXR.File(header, {"RGB": disc.astype(np.float32)}).write(str(tmp_path / "anamorphic.exr"))
    ffmpeg.run("ffmpeg", "-i", png, "-vf", "setsar=3/2", tmp_path / "wide.dpx")
    for name, aspect in (("anamorphic.exr", Fraction(2)), ("wide.dpx", Fraction(3, 2))):
        with open_in_process(tmp_path / name) as reader:
            assert reader.info.sample_aspect_ratio == aspect
    Image.fromarray(disc).save(tmp_path / "square.png", dpi=(72, 72))
    Image.fromarray(disc).save(tmp_path / "narrow.jpg", dpi=(144, 72))
    with open_in_process(tmp_path / "square.png") as reader:
        assert reader.info.sample_aspect_ratio == 1
    with open_in_process(tmp_path / "narrow.jpg") as reader:
        assert reader.info.sample_aspect_ratio == Fraction(1, 2)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's, of the second
def test_damaged_images_are_told(tmp_path: Path, disc: npt.NDArray[np.uint8]) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    path = tmp_path / "linear.exr"
    OpenEXR.File(header, {"RGB": disc.astype(np.float32)}).write(str(path))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(
        VideoOpenError, match=r"linear\.exr is not a readable image: no readable EXR"
    ):
        open_in_process(path)
    (tmp_path / "a.tif").write_bytes(b"II*\0" + b"\xff" * 40)
    with pytest.raises(VideoOpenError, match=r"a\.tif is not a readable image"):
        open_in_process(tmp_path / "a.tif")


@pytest.mark.filterwarnings("ignore:.*orrupt EXIF data", "ignore:Truncated File Read")
def test_tiff_that_is_cut_off_anywhere_is_told(tmp_path: Path, disc: npt.NDArray[np.uint8]) -> None:
    whole, cut = tmp_path / "whole.tif", tmp_path / "cut.tif"
    tifffile.imwrite(whole, disc, photometric="rgb")
    content = whole.read_bytes()
    for length in range(1, 300):
        cut.write_bytes(content[:length])
        with pytest.raises(VideoError, match=r"cut\.tif"), open_in_process(cut) as reader:
            reader.read(0)
