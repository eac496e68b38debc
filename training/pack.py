"""Pack a second input size of the bundled model as what differs from the first.

`python -m training.pack BASE VARIANT` writes `at-<size>.zip` into the model folder BASE; both
folders are conversions of one checkpoint. See `sam2ov.zoo.packing`.
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

from sam2ov.manifest import MANIFEST_FILE, read_manifest
from sam2ov.zoo.packing import NEW, RECIPE, Piece, Recipe, pack_path

_SMALLEST_FOUND = 64
"""Shorter constants would take more to say where they are than to give."""


def pack_model(base: Path, variant: Path) -> Path:
    """Write the pack; returns its path."""
    manifest = read_manifest(variant)
    known = {
        spec.file: (base / spec.file).read_bytes()
        for spec in read_manifest(base).files()
        if not spec.file.endswith(".xml")
    }
    recipes: dict[str, tuple[Piece, ...]] = {}
    new = bytearray()
    for spec in manifest.networks.values():
        weights = (variant / spec.bin.file).read_bytes()
        places = _constants(variant / spec.xml.file)
        recipes[spec.bin.file] = _pieces(weights, places, known, new)
    constants = (variant / manifest.constants.file).read_bytes()
    recipes[manifest.constants.file] = _pieces(constants, [(0, len(constants))], known, new)
    path = pack_path(base, manifest.image_size)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name in (MANIFEST_FILE, *(spec.xml.file for spec in manifest.networks.values())):
            _add(archive, name, (variant / name).read_bytes())
        _add(archive, NEW, bytes(new))
        _add(archive, RECIPE, Recipe(files=recipes).model_dump_json().encode())
    return path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a member whose bytes do not depend on the time of day."""
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_LZMA)


def _constants(graph: Path) -> list[tuple[int, int]]:
    """Offset and size of the constants of a graph in its weights, in order."""
    data = (
        layer.find("data")
        for layer in ET.parse(graph).iter("layer")  # noqa: S314 - a file of our own
        if layer.get("type") == "Const"
    )
    return sorted({(int(d.attrib["offset"]), int(d.attrib["size"])) for d in data if d is not None})


def _pieces(
    content: bytes, places: list[tuple[int, int]], known: dict[str, bytes], new: bytearray
) -> tuple[Piece, ...]:
    """Say what ``content`` is put together from; what is nowhere else is appended to ``new``."""
    pieces: list[Piece] = []
    done = 0
    for offset, size in places:
        if size < _SMALLEST_FOUND or offset < done:
            continue
        wanted = content[offset : offset + size]
        found = next(
            ((name, at) for name, data in known.items() if (at := data.find(wanted)) >= 0), None
        )
        if found is None:
            continue
        _append(pieces, _given(content[done:offset], new))
        _append(pieces, Piece(file=found[0], offset=found[1], size=size))
        done = offset + size
    _append(pieces, _given(content[done:], new))
    return tuple(pieces)


def _given(content: bytes, new: bytearray) -> Piece:
    new += content
    return Piece(file=NEW, offset=len(new) - len(content), size=len(content))


def _append(pieces: list[Piece], piece: Piece) -> None:
    """Append a piece, or lengthen the last one by it."""
    if piece.size == 0:
        return
    last = pieces[-1] if pieces else None
    if last and last.file == piece.file and last.offset + last.size == piece.offset:
        pieces[-1] = last.model_copy(update={"size": last.size + piece.size})
    else:
        pieces.append(piece)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path, help="the model folder that gets the pack")
    parser.add_argument("variant", type=Path, help="a conversion at another --image-size")
    arguments = parser.parse_args()
    path = pack_model(arguments.base, arguments.variant)
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
