"""Folders of images."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2ov.errors import FrameDecodeError, VideoError, VideoOpenError
from sam2ov.video import ImageFolderReader, PictureForm, VideoLimits
from sam2ov.video.served import open_in_process
from tests.clips import (
    Scene,
    make_scene,
    make_scene_with_alpha,
    read_frame_number,
    write_image_folder,
)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".webp", ".tiff", ".tif", ".bmp"])
def test_formats(suffix: str, tmp_path: Path, scene: Scene) -> None:
    folder = write_image_folder(tmp_path / "frames", scene.frames[:5], suffix)
    with open_in_process(folder) as reader:
        assert isinstance(reader, ImageFolderReader)
        assert reader.size_hw == (96, 128)
        assert [read_frame_number(frame) for frame in reader] == [0, 1, 2, 3, 4]
        assert reader.info.container == "images"
        assert reader.info.time_of(3) == Fraction(3, 24)
        for number in (4, 0, 2):
            with Image.open(reader.paths[number]) as image:
                expected = np.asarray(image.convert("RGB"))
            np.testing.assert_array_equal(reader[number], expected)
        with pytest.raises(ValueError, match="read-only"):
            reader[0][0] = 0


@pytest.mark.parametrize("name", ["{}", "frame{}", "shot2_{:03d}", "{}_of_24", "a 1.{:02d}"])
def test_natural_order(name: str, tmp_path: Path, scene: Scene) -> None:
    folder = write_image_folder(tmp_path / "frames", scene.frames[:12], ".png", name=name, first=1)
    with open_in_process(folder) as reader:
        assert [read_frame_number(frame) for frame in reader] == list(range(12))


def test_upper_case_suffixes_and_other_files(tmp_path: Path, scene: Scene) -> None:
    folder = write_image_folder(tmp_path / "frames", scene.frames[:3], ".png")
    (folder / "00001.png").rename(folder / "00001.PNG")
    (folder / "notes.txt").write_text("not an image")
    (folder / "._00002.png").write_bytes(b"left behind by a Mac")
    (folder / "00009.png").mkdir()
    with open_in_process(folder) as reader:
        assert [read_frame_number(frame) for frame in reader] == [0, 1, 2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation: int, tmp_path: Path, scene: Scene) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for number in range(2):
        upright = scene.frames[number]
        # How a camera stores a picture that is to be shown upright.
        stored = {
            1: upright,
            2: upright[:, ::-1],
            3: upright[::-1, ::-1],
            4: upright[::-1],
            5: upright.transpose(1, 0, 2),
            6: np.rot90(upright, 1),
            7: np.rot90(upright.transpose(1, 0, 2), 2),
            8: np.rot90(upright, -1),
        }[orientation]
        stored = np.ascontiguousarray(stored)
        path = tmp_path / f"{number}.jpg"
        Image.fromarray(stored).save(path, quality=95, exif=exif)
    with open_in_process(tmp_path) as reader:
        assert reader.size_hw == (96, 128)
        assert [read_frame_number(frame) for frame in reader] == [0, 1]


def test_transparent_parts_are_black(tmp_path: Path) -> None:
    frames = make_scene_with_alpha(2)
    folder = write_image_folder(tmp_path / "frames", frames, ".png")
    with open_in_process(folder) as reader:
        assert reader.info.has_alpha
        shown = frames[1, ..., :3] * (frames[1, ..., 3:] > 127)
        np.testing.assert_array_equal(reader[1], shown)
        with reader.twin(cache_bytes=0, form=PictureForm(has_alpha=True)) as whole:
            np.testing.assert_array_equal(whole[1], frames[1])


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "LA", "I;16"])
def test_other_modes_become_rgb(mode: str, tmp_path: Path, scene: Scene) -> None:
    picture = Image.fromarray(scene.frames[3])
    if mode == "I;16":
        deep = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        Image.fromarray(deep).save(tmp_path / "0.png")
    else:
        suffix = ".tif" if mode == "CMYK" else ".png"
        picture.convert(mode).save(tmp_path / f"0{suffix}")
    with open_in_process(tmp_path) as reader:
        assert reader[0].shape == (96, 128, 3)
        assert read_frame_number(reader[0]) == 3
        if mode == "I;16":
            np.testing.assert_array_equal(reader[0][..., 1], np.asarray(picture.convert("L")))


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(VideoOpenError, match="contains no images"):
        open_in_process(tmp_path)


def test_different_sizes_are_named(tmp_path: Path, scene: Scene) -> None:
    write_image_folder(tmp_path, scene.frames[:3], ".png")
    write_image_folder(tmp_path, make_scene(1, (64, 80)).frames, ".png", first=3)
    with pytest.raises(VideoOpenError, match=r"00003\.png has 80×64 pixels, but 00000\.png has 12"):
        open_in_process(tmp_path)


def test_masks_beside_frames_are_not_taken_for_frames(tmp_path: Path, scene: Scene) -> None:
    write_image_folder(tmp_path, scene.frames[:3], ".jpg")
    write_image_folder(tmp_path, scene.frames[:3], ".png")
    with pytest.raises(VideoOpenError, match="mixes JPEG and PNG"):
        open_in_process(tmp_path)


def test_broken_header_and_broken_data(tmp_path: Path, scene: Scene) -> None:
    folder = write_image_folder(tmp_path / "frames", scene.frames[:3], ".png")
    whole = (folder / "00001.png").read_bytes()
    (folder / "00001.png").write_bytes(whole[: len(whole) // 2])
    with open_in_process(folder) as reader:
        assert read_frame_number(reader[0]) == 0
        with pytest.raises(FrameDecodeError, match=r"frame 1, .*00001\.png, cannot be decoded"):
            reader.read(1)
        assert read_frame_number(reader[2]) == 2
    (folder / "00001.png").write_text("not an image")
    with pytest.raises(VideoOpenError, match=r"00001\.png is not a readable image"):
        open_in_process(folder)


def test_name_of_an_image_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    with pytest.raises(VideoOpenError, match="not a readable image"):
        open_in_process(tmp_path)


def test_image_replaced_by_another_size_while_open(tmp_path: Path, scene: Scene) -> None:
    folder = write_image_folder(tmp_path / "frames", scene.frames[:2], ".png")
    with open_in_process(folder) as reader:
        Image.fromarray(scene.frames[1][:50]).save(folder / "00001.png")
        with pytest.raises(FrameDecodeError, match="unlike the first, 128×96"):
            reader.read(1)


@pytest.mark.parametrize(
    "limits",
    [
        VideoLimits(max_frames=2),
        VideoLimits(max_pixels=1000),
        VideoLimits(max_bytes=1000),
        VideoLimits(max_duration_s=0.1),
    ],
    ids=["frames", "pixels", "bytes", "duration"],
)
def test_limits(limits: VideoLimits, tmp_path: Path, scene: Scene) -> None:
    folder = write_image_folder(tmp_path / "frames", scene.frames[:3], ".png")
    with pytest.raises(VideoOpenError, match=r"limit|more than 2 frames"):
        open_in_process(folder, limits)


def test_closed_folder_says_so(tmp_path: Path, scene: Scene) -> None:
    folder = write_image_folder(tmp_path / "frames", scene.frames[:2], ".png")
    reader = open_in_process(folder)
    reader.close()
    with pytest.raises(VideoError, match="was closed"):
        reader.read(0)
