"""The graphs of a model folder, whose constants lie in one file of weights.

A constant of an OpenVINO IR is a place in a file beside the XML. All graphs of a folder, at every
input size, point into the same file, in which equal constants lie once, so that another size costs
little more than its graphs. OpenVINO maps the file into memory. The XML is compressed, to about a
twentieth.

A folder may come from anywhere: what a graph says of its constants is checked before OpenVINO
follows it.
"""

import gzip
import hashlib
import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Self
from xml.parsers import expat

from sam2ov.errors import ModelError, ModelFolderError
from sam2ov.manifest import FileSpec, Manifest, NetworkName, file_spec
from sam2ov.unfinished import ScratchFolder

WEIGHTS_FILE: Final = "weights.bin"

_LARGEST_XML: Final = 1 << 26
"""Bytes; the largest graph of SAM 2 has three million."""
_ALIGNMENT: Final = 64
"""Of each constant in the file, in bytes: a cache line, and the widest vector register."""

_PLACE: Final = re.compile(rb'\boffset="(\d+)" size="(\d+)"')


class GraphWriter:
    """Fills a model folder with graphs; closing it completes the file of weights.

    Args:
        folder: that gets the files. Equal graphs in equal order give equal files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._weights = (folder / WEIGHTS_FILE).open("wb")
        self._places: dict[bytes, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, network: NetworkName, image_size: int, xml: bytes, weights: Path) -> FileSpec:
        """Add an IR.

        Args:
            network: which of the networks it is.
            image_size: that it is for; both make the file's name.
            xml: as OpenVINO writes it.
            weights: the file that its constants are in.

        Raises:
            ModelFolderError: a constant lies beyond the weights, or the XML is none of OpenVINO.
        """
        where = f"{network} at {image_size} px"
        with weights.open("rb") as content:
            places = _checked_places(xml, os.fstat(content.fileno()).st_size, where)
            if [(int(place[1]), int(place[2])) for place in _PLACE.finditer(xml)] != places:
                raise _damaged(where, "it does not say where constants are as OpenVINO does")
            moved = _PLACE.sub(lambda place: self._moved(place, content), xml)
        path = self._folder / f"{network}-{image_size}.xml.gz"
        path.write_bytes(gzip.compress(moved, mtime=0))
        return file_spec(path)

    def close(self) -> None:
        """Close the file of weights; safe to call twice."""
        self._weights.close()

    def complete(self) -> FileSpec:
        """The file of weights, after the last graph."""
        self.close()
        return file_spec(self._folder / WEIGHTS_FILE)

    def _moved(self, place: re.Match[bytes], content: BinaryIO) -> bytes:
        """The place of a constant in the shared file, to which it is added if it is not there."""
        offset, size = int(place[1]), int(place[2])
        content.seek(offset)
        constant = content.read(size)
        key = hashlib.sha256(constant).digest()
        if key not in self._places:
            self._weights.write(bytes(-self._weights.tell() % _ALIGNMENT))
            self._places[key] = self._weights.tell()
            self._weights.write(constant)
        return b'offset="%d" size="%d"' % (self._places[key], size)


@contextmanager
def graph_file(folder: Path, manifest: Manifest, network: NetworkName) -> Iterator[Path]:
    """A graph's XML as a file, which OpenVINO reads together with the folder's weights.

    OpenVINO maps weights, without a copy of them in memory, only where it opens both files itself.

    Args:
        folder: a model folder.
        manifest: of that folder, at the input size that is wanted.
        network: which graph.

    Raises:
        ModelFolderError: the graph is damaged, or has constants beyond the weights.
        ModelError: there is no room for the XML in the folder of temporary files.
    """
    xml = read_xml(folder, manifest, network)
    try:
        with ScratchFolder("sam2ov-graph-") as temporary:
            path = temporary / f"{network}.xml"
            path.write_bytes(xml)
            yield path
    except OSError as error:
        raise ModelError(
            f"{network} cannot be written to {tempfile.gettempdir()}: {error.strerror or error}. "
            "Free some space, or choose another folder with the environment variable TMPDIR."
        ) from error


def read_xml(folder: Path, manifest: Manifest, network: NetworkName) -> bytes:
    """A graph's XML, whose constants are known to lie within the folder's weights.

    Raises:
        ModelFolderError: the file is damaged, too large, or points beyond the weights.
    """
    path = folder / manifest.networks[network].graph.file
    try:
        size = (folder / manifest.weights_file.file).stat().st_size
        with gzip.open(path) as file:
            xml = file.read(_LARGEST_XML + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, str(error)) from error
    if len(xml) > _LARGEST_XML:
        raise _damaged(path, f"it unpacks to more than {_LARGEST_XML >> 20} MiB")
    _checked_places(xml, size, path)
    return xml


def _checked_places(xml: bytes, weights_size: int, where: Path | str) -> list[tuple[int, int]]:
    """Offset and size of every constant, all within ``weights_size`` bytes."""
    if b"\0" in xml:
        raise _damaged(where, "it is not in UTF-8")
    places: list[tuple[int, int]] = []

    def note(name: str, attributes: dict[str, str]) -> None:
        if name == "data" and "offset" in attributes:
            offset, size = (_number(attributes.get(key, "")) for key in ("offset", "size"))
            if offset + size > weights_size:
                raise ValueError(
                    f"a constant ends at byte {offset + size}, its weights at {weights_size}"
                )
            places.append((offset, size))

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type")  # entities: OpenVINO would see other text

    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = note
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError) as error:
        raise _damaged(where, str(error)) from error
    return places


def _number(text: str) -> int:
    """A place as OpenVINO writes it; ``int`` would take signs, spaces and underscores too."""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise ValueError(f"{text[:20]!r} is no place of a constant")
    return int(text)


def _damaged(where: Path | str, how: str) -> ModelFolderError:
    return ModelFolderError(
        f"The graph {where} is damaged ({how}). Delete the folder and convert the checkpoint again."
    )
