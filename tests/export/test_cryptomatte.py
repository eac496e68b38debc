"""Cryptomatte: each object comes back from its name alone, as compositing programs do it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.export.cryptomatte import matte_id, matte_names, murmur3
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.clean_up import CleanUp
from sam2ov.values.masks import FloatArray
from sam2ov.values.objects import ClipObject
from tests.export.conftest import StoredLogits, Write
from tests.export.readers import files_of
from tests.export.test_stills import read_exr

SOFT = (
    ClipObject(1, "dog", "#000000", clean_up=CleanUp(feather=9)),
    ClipObject(7, "狗 (2)", "#090909", clean_up=CleanUp(feather=9)),
)


def manifest_of(header: dict[str, Any]) -> dict[str, str]:
    (key,) = {name.split("/")[1] for name in header if name.startswith("cryptomatte/")}
    assert key == "3ae39a5", "of the layer's name, as every file of renderers has it"
    assert header[f"cryptomatte/{key}/name"] == "CryptoObject"
    assert header[f"cryptomatte/{key}/hash"] == "MurmurHash3_32"
    assert header[f"cryptomatte/{key}/conversion"] == "uint32_to_float32"
    found: dict[str, str] = json.loads(header[f"cryptomatte/{key}/manifest"])
    return found


def picked(channels: dict[str, npt.NDArray[Any]], bits: str) -> FloatArray:
    """The matte of an id: its shares in all ranks."""
    wanted = np.array(int(bits, 16), np.uint32)
    total: FloatArray = np.zeros(channels["A"].shape, np.float32)
    for layer in sorted({name[:-2] for name in channels if name.startswith("CryptoObject")}):
        for ids, share in (("R", "G"), ("B", "A")):
            is_it = channels[f"{layer}.{ids}"].view(np.uint32) == wanted
            total += np.where(is_it, channels[f"{layer}.{share}"], np.float32(0))
    return total


def test_objects_are_picked_by_name(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write("cryptomatte", tmp_path / "out", objects=SOFT, frames=range(4, 7))
    files = files_of(path)
    assert sorted(files) == [f"my_clip-cryptomatte.{i:05d}.exr" for i in (4, 5, 6)]
    masks = TrackedMasks(StoredLogits(logits), SOFT)
    for frame_idx, name in zip((4, 5, 6), sorted(files), strict=True):
        header, channels = read_exr(files[name], tmp_path)
        assert sorted(channels) == ["A", *(f"CryptoObject00.{c}" for c in "ABGR")]
        assert channels["CryptoObject00.R"].dtype == np.float32, "half floats would change ids"
        manifest = manifest_of(header)
        assert list(manifest) == ["dog", "狗 (2)"]
        mattes = [masks.matte(frame_idx, target) for target in SOFT]
        total = np.maximum(sum(mattes), 1)
        for target, matte in zip(SOFT, mattes, strict=True):
            np.testing.assert_allclose(
                picked(channels, manifest[target.name]), matte / total, atol=1e-6
            )
        first, second = channels["CryptoObject00.G"], channels["CryptoObject00.A"]
        assert (first >= second).all(), "the largest share comes first"
        np.testing.assert_allclose(channels["A"], np.minimum(sum(mattes), 1), atol=1e-3)


def test_many_objects_on_a_pixel(write: Write, tmp_path: Path) -> None:
    """The six that cover it most are kept, however many there are."""
    count = 9
    logits = np.full((24, count, 96, 128), -9, np.float32)
    objects = []
    for number in range(count):
        logits[:, number, 10 + number : 60, 10:100] = 9
        objects.append(ClipObject(number + 1, f"o{number}", "#000000"))
    stored = StoredLogits(logits, tuple(range(1, count + 1)))
    (path,) = write("cryptomatte", tmp_path / "out", masks=stored, objects=objects, frames=range(1))
    header, channels = read_exr(files_of(path)["my_clip-cryptomatte.00000.exr"], tmp_path)
    assert len([name for name in channels if name.startswith("Crypto")]) == 12
    manifest = manifest_of(header)
    shares = {name: picked(channels, bits) for name, bits in manifest.items()}
    assert sum(float(share[40, 50] > 0) for share in shares.values()) == 6
    assert shares["o0"][10, 50] == 1, "alone there"
    np.testing.assert_allclose([shares["o0"][11, 50], shares["o1"][11, 50]], 0.5, atol=1e-6)


def test_hard_edges(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write(
        "cryptomatte", tmp_path / "out", objects=SOFT, frames=range(1), options={"edges": "hard"}
    )
    _, channels = read_exr(files_of(path)["my_clip-cryptomatte.00000.exr"], tmp_path)
    np.testing.assert_array_equal(channels["A"], logits[0].max(axis=0) > 0)


@given(st.lists(st.text(max_size=4), min_size=1, max_size=20))
def test_names_and_ids_are_told_apart(names: list[str]) -> None:
    objects = [ClipObject(i, name, "#000000") for i, name in enumerate(names, 1)]
    made = matte_names(objects)
    assert len(set(made)) == len(objects)
    assert not any(character in name for name in made for character in '"\\\n')
    for name in made:
        number = matte_id(name)
        assert np.isfinite(number)
        assert abs(number) >= np.finfo(np.float32).tiny, "no denormal, which programs flush to 0"


@pytest.mark.parametrize(
    ("data", "wanted"),
    [(b"", 0), (b"a", 0x3C2569B2), (b"abc", 0xB3DD93FA), (b"CryptoObject", 0x3AE39A58)],
)
def test_known_hashes(data: bytes, wanted: int) -> None:
    assert murmur3(data) == wanted
