"""Packs of a second input size: packed, unpacked to the byte, and refused when damaged."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from sam2ov.errors import ModelError, ModelFolderError
from sam2ov.zoo.packing import NEW, RECIPE, pack_path, unpack_model
from training.pack import pack_model


@pytest.fixture
def folders(micro_model: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The bundled model and a variant of it with other bytes here and there."""
    base, variant = tmp_path / "base", tmp_path / "variant"
    shutil.copytree(micro_model, base, ignore=shutil.ignore_patterns("*.zip"))
    shutil.copytree(base, variant)
    for path in (variant / "image_encoder.bin", variant / "memory_encoder.bin"):
        content = bytearray(path.read_bytes())
        content[0:16] = os.urandom(16)
        content[50_000:90_000] = os.urandom(40_000)
        path.write_bytes(content + os.urandom(7))
    with (variant / "memory_attention.xml").open("ab") as file:
        file.write(b"<!-- another -->")
    return base, variant


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in (".xml", ".bin", ".npz")
    }


def test_a_pack_brings_back_every_byte_in_little_space(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    base, variant = folders
    pack = pack_model(base, variant)
    assert pack == pack_path(base, 320)
    unpack_model(pack, base, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(variant)
    assert (tmp_path / "out" / "manifest.json").is_file()
    assert pack.stat().st_size < 0.1 * sum(p.stat().st_size for p in variant.iterdir())
    again = pack.read_bytes()
    assert pack_model(base, variant).read_bytes() == again


def test_damaged_packs_are_told(folders: tuple[Path, Path], tmp_path: Path) -> None:
    base, variant = folders
    pack = pack_model(base, variant)
    (base / "mask_decoder.bin").unlink()
    with pytest.raises(ModelFolderError, match="is damaged"):
        unpack_model(pack, base, tmp_path / "out")
    with zipfile.ZipFile(pack, "w") as archive:
        archive.writestr(RECIPE, "{}")
        archive.writestr(NEW, b"")
    with pytest.raises(ModelFolderError, match="is damaged"):
        unpack_model(pack, base, tmp_path / "out")
    pack.write_bytes(b"PK")
    with pytest.raises(ModelFolderError, match="Install sam2ov again"):
        unpack_model(pack, base, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_named(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    base, variant = folders
    pack = pack_model(base, variant)
    with pytest.raises(ModelError, match="Cannot write the model into"):
        unpack_model(pack, base, tmp_path / "nowhere" / "out")
