"""OpenImageIO reads our stills; the hash of Cryptomatte is that of another implementation."""

from pathlib import Path

import mmh3
import numpy as np
import OpenImageIO
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.export.cryptomatte import murmur3
from sam2ov.values.masks import FloatArray
from tests.export.conftest import Write


def opened(path: Path) -> OpenImageIO.ImageBuf:
    image = OpenImageIO.ImageBuf(str(path))
    assert not image.has_error, image.geterror()
    return image


@given(st.binary(max_size=40))
def test_the_hash_is_murmur3(data: bytes) -> None:
    assert murmur3(data) == mmh3.hash(data, 0, signed=False)


def test_layers(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write("exr", tmp_path / "exr", frames=range(1))
    image = opened(path / "my_clip.00000.exr")
    assert sorted(image.spec().channelnames) == ["A", "ball.A", "dog.A"]
    pixels = image.get_pixels(OpenImageIO.FLOAT)
    for name, number in (("dog.A", 0), ("ball.A", 1)):
        place = image.spec().channelnames.index(name)
        np.testing.assert_array_equal(pixels[..., place], logits[0, number] > 0)


def test_cryptomatte(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write("cryptomatte", tmp_path / "exr", frames=range(1))
    image = opened(path / "my_clip-cryptomatte.00000.exr")
    spec = image.spec()
    names = [spec.channelnames.index(f"CryptoObject00.{channel}") for channel in "RGBA"]
    assert all(spec.channelformat(place) == OpenImageIO.FLOAT for place in names)
    pixels = image.get_pixels(OpenImageIO.FLOAT)
    manifest = spec.getattribute("cryptomatte/3ae39a5/manifest")
    assert f'"dog": "{mmh3.hash("dog", 0, signed=False):08x}"' in manifest
    dog = np.array(mmh3.hash("dog", 0, signed=False), np.uint32).view(np.float32)
    first, share, second, other = (pixels[..., place] for place in names)
    matte = np.where(first == dog, share, 0) + np.where(second == dog, other, 0)
    alone = (logits[0, 0] > 0) & ~(logits[0, 1] > 0)
    assert (matte[alone] == 1).all()
    assert not matte[logits[0, 0] <= 0].any()


@pytest.mark.parametrize(("name", "channels"), [("png-matte", 1), ("png-rgba", 4)])
def test_pngs(write: Write, tmp_path: Path, name: str, channels: int) -> None:
    (path,) = write(name, tmp_path / "png", frames=range(2))
    for file in path.iterdir():
        assert opened(file).spec().nchannels == channels
