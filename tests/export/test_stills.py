"""Sequences of pictures, read back with Pillow, with OpenEXR's own library and with FFmpeg."""

import io
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import OpenEXR
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from sam2ov.errors import ExportError
from sam2ov.export.openexr import ExrInfo, exr_file
from sam2ov.export.stills import layer_names
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.clean_up import CleanUp
from sam2ov.values.masks import FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.video import open_video
from tests.export.conftest import OBJECTS, StoredLogits, Write
from tests.export.readers import files_of, picture

_NTSC, _WIDE = Fraction(24000, 1001), Fraction(4, 3)
Channels = dict[str, npt.NDArray[np.float16]]
SOFT = tuple(replace(o, clean_up=CleanUp(feather=12)) for o in OBJECTS)


def read_exr(content: bytes, folder: Path) -> tuple[dict[str, Any], Channels]:
    """Header and channels, by OpenEXR."""
    path = folder / "read.exr"
    path.write_bytes(content)
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels = {name: np.array(channel.pixels) for name, channel in file.channels().items()}
        header = dict(file.header())
    path.unlink()
    return header, channels


def test_mattes(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write("png-matte", tmp_path / "out", first_number=1001)
    files = files_of(path)
    assert sorted(files) == [f"my_clip-matte.{1001 + i:05d}.png" for i in range(24)]
    for i, content in enumerate(files[name] for name in sorted(files)):
        values = picture(content)
        assert values.dtype == np.uint8
        np.testing.assert_array_equal(values, (logits[i].max(axis=0) > 0) * 255)


def test_soft_mattes_and_templates(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    common: dict[str, Any] = {"objects": SOFT, "frames": range(2), "names": "{clip}/m_{frame:03d}"}
    (path,) = write("png-matte", tmp_path / "out.zip", options={"bits": "16"}, **common)
    files = files_of(path)
    assert sorted(files) == ["my_clip/m_000.png", "my_clip/m_001.png"]
    values = picture(files["my_clip/m_001.png"])
    assert values.dtype == np.uint16
    masks = TrackedMasks(StoredLogits(logits), SOFT)
    wanted = np.maximum(masks.matte(1, SOFT[0]), masks.matte(1, SOFT[1]))
    assert np.abs(values / 65535 - wanted).max() < 1e-4
    assert len(np.unique(values)) > 20


@pytest.mark.parametrize("premultiplied", [False, True])
def test_cut_outs(
    write: Write, clip: Path, logits: FloatArray, tmp_path: Path, premultiplied: bool
) -> None:
    options = {"premultiplied": premultiplied}
    (path,) = write("png-rgba", tmp_path / "out", objects=SOFT, options=options, frames=range(1))
    rgba = picture(files_of(path)["my_clip-cutout.00000.png"]).astype(int)
    masks = TrackedMasks(StoredLogits(logits), SOFT)
    alpha = np.maximum(masks.matte(0, SOFT[0]), masks.matte(0, SOFT[1]))
    assert np.abs(rgba[..., 3] / 255 - alpha).max() <= 0.5001 / 255
    with open_video(clip) as reader:
        frame = reader.read(0).astype(int)
    seen = rgba[..., 3] > 0
    wanted = frame * rgba[..., 3:] / 255 if premultiplied else frame
    assert np.abs(rgba[..., :3] - wanted)[seen].max() <= 0.5
    if premultiplied:
        assert not rgba[~seen].any()


def test_a_sequence_of_one_object(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    common: dict[str, Any] = {"frames": range(1), "per_object": True}
    paths = write("png-matte", tmp_path / "out", names="{object}.{frame:04d}", **common)
    assert [sorted(files_of(path)) for path in paths] == [["dog.0000.png"], ["ball.0000.png"]]
    values = picture(files_of(paths[1])["ball.0000.png"])
    np.testing.assert_array_equal(values > 0, logits[0, 1] > 0)


def test_layers(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write("exr", tmp_path / "out", frames=range(4, 6), first_number=1001)
    files = files_of(path)
    assert sorted(files) == ["my_clip.01005.exr", "my_clip.01006.exr"]
    for i, content in zip((4, 5), (files[name] for name in sorted(files)), strict=True):
        header, channels = read_exr(content, tmp_path)
        assert sorted(channels) == ["A", "ball.A", "dog.A"]
        assert all(channel.dtype == np.float16 for channel in channels.values())
        np.testing.assert_array_equal(channels["dog.A"], logits[i, 0] > 0)
        np.testing.assert_array_equal(channels["ball.A"], logits[i, 1] > 0)
        np.testing.assert_array_equal(channels["A"], logits[i].max(axis=0) > 0)
        assert header["compression"] == OpenEXR.ZIP_COMPRESSION


def test_the_picture_in_linear_light(
    write: Write, clip: Path, logits: FloatArray, tmp_path: Path
) -> None:
    options = {"picture": True, "compression": "none"}
    (path,) = write("exr", tmp_path / "out", options=options, frames=range(1))
    content = files_of(path)["my_clip.00000.exr"]
    _, channels = read_exr(content, tmp_path)
    with open_video(clip) as reader:
        frame = reader.read(0)
    mask = logits[0].max(axis=0) > 0
    for number, name in enumerate("RGB"):
        linear = channels[name].astype(np.float64)
        assert not linear[~mask].any()
        encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
        assert np.abs(encoded * 255 - frame[..., number])[mask].max() < 0.25
    # FFmpeg's decoder is another reader altogether.
    with av.open(io.BytesIO(content), "r", format="exr_pipe") as container:
        (decoded,) = container.decode(video=0)
        planes = decoded.reformat(format="gbrapf32le")
    blue = np.frombuffer(memoryview(planes.planes[1]), np.float32)
    blue = blue.reshape(planes.height, -1)[:, : planes.width]
    np.testing.assert_allclose(blue, channels["B"].astype(np.float32), atol=1e-3)


def test_layers_have_names_of_their_own(write: Write, tmp_path: Path) -> None:
    twins = [ClipObject(1, "A.dog", "#000000"), ClipObject(7, "A.dog", "#090909")]
    (path,) = write("exr", tmp_path / "out", objects=twins, frames=range(1))
    _, channels = read_exr(files_of(path)["my_clip.00000.exr"], tmp_path)
    assert sorted(channels) == ["A", "A_dog_1.A", "A_dog_7.A"]
    long = [ClipObject(1, "Ein sehr langer Name für ein Öbjekt", "#000000")]
    (path,) = write("exr", tmp_path / "long", objects=long, frames=range(1))
    header, channels = read_exr(files_of(path)["my_clip.00000.exr"], tmp_path)
    assert sorted(channels) == ["A", "Ein_sehr_langer_Name_fur_ein_Objekt.A"]
    kept = header["sam2ov/Ein_sehr_langer_Name_fur_ein_Objekt"]
    assert kept == "Ein sehr langer Name für ein Öbjekt"


def test_layers_have_names_that_compositing_programs_take() -> None:
    names = ["dog_2", "dog", "dog", "Dog", "狗", "1_car", "a.b", "Hünd  (2)"]
    objects = [ClipObject(i, name, "#000000") for i, name in enumerate(names, 1)]
    layers = layer_names(objects)
    assert len({layer.casefold() for layer in layers}) == len(objects)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", layer) for layer in layers)
    assert layers == [
        *("dog_2", "dog_2_2", "dog_3", "Dog_4", "object_5", "object_1_car", "a_b", "Hund_2"),
    ]


@given(names=st.lists(st.text(max_size=5), min_size=1, max_size=20))
def test_layers_are_as_many_as_objects(names: list[str]) -> None:
    objects = [ClipObject(i, name, "#000000") for i, name in enumerate(names, 1)]
    layers = layer_names(objects)
    assert len({layer.casefold() for layer in layers}) == len(objects)
    assert all(re.fullmatch(r"[A-Za-z_]\w*", layer, re.ASCII) for layer in layers)


def test_too_many_layers(write: Write, tmp_path: Path, scene: Any) -> None:
    ids = tuple(range(1, 102))
    many = StoredLogits(np.zeros((24, len(ids), 96, 128), np.float32), ids)
    objects = [ClipObject(i, f"object {i}", "#000000") for i in ids]
    with pytest.raises(ExportError, match="holds up to 100 objects, here are 101"):
        write("exr", tmp_path / "out", masks=many, objects=objects)
    assert list(tmp_path.iterdir()) == []


@given(
    planes=arrays(
        np.float16,
        st.tuples(st.integers(1, 3), st.integers(1, 35), st.integers(1, 9)),
        elements=st.floats(-4, 4, width=16),
    ),
    is_compressed=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_any_values_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    planes: npt.NDArray[np.float16],
    is_compressed: bool,
) -> None:
    channels = {f"layer{number}.A": plane for number, plane in enumerate(planes)}
    info = ExrInfo(fps=_NTSC, pixel_aspect=_WIDE, is_compressed=is_compressed)
    header, found = read_exr(exr_file(channels, info), tmp_path_factory.mktemp("exr"))
    assert found.keys() == channels.keys()
    for name, plane in channels.items():
        np.testing.assert_array_equal(found[name], plane)
    assert header["pixelAspectRatio"] == pytest.approx(4 / 3)
    assert header["framesPerSecond"] == _NTSC


def test_pictures_are_what_their_names_say(write: Write, tmp_path: Path) -> None:
    (path,) = write("png-rgba", tmp_path / "out.zip", frames=range(1))
    for content in files_of(path).values():
        with Image.open(io.BytesIO(content)) as image:
            assert (image.format, image.mode) == ("PNG", "RGBA")
