"""``.pt`` files put together by hand, right or wrong in one place."""

import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from convert.checkpoint import read_checkpoint
from sam2ov.errors import CheckpointError

LOCAL: Final = struct.Struct("<4s5H3L2H")
LISTED: Final = struct.Struct("<4s6H3L5H2L")
END: Final = struct.Struct("<4s4H2LH")


@dataclass(frozen=True)
class Entry:
    """An entry of a zip, and what its headers say of it, true or not."""

    name: str
    content: bytes
    flags: int = 0
    method: int = 0
    crc: int | None = None
    size: int | None = None
    offset: int | None = None
    local_name: str | None = None


def zip_of(
    entries: Sequence[Entry],
    count: int | None = None,
    comment: bytes = b"",
    directory_size: int | None = None,
) -> bytes:
    """A zip, of which ``count`` and ``directory_size`` are said to be so."""
    body, listing = b"", b""
    for entry in entries:
        crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
        size = len(entry.content) if entry.size is None else entry.size
        offset = len(body) if entry.offset is None else entry.offset
        name, local = entry.name.encode(), (entry.local_name or entry.name).encode()
        common = (entry.flags, entry.method, 0, 0, crc, size, size)
        body += LOCAL.pack(b"PK\x03\x04", 20, *common, len(local), 0) + local + entry.content
        listing += (
            LISTED.pack(b"PK\x01\x02", 20, 20, *common, len(name), 0, 0, 0, 0, 0, offset) + name
        )
    said = len(entries) if count is None else count
    length = len(listing) if directory_size is None else directory_size
    end = END.pack(b"PK\x05\x06", 0, 0, said, said, length, len(body), len(comment))
    return body + listing + end + comment


def entries_of(path: Path) -> dict[str, bytes]:
    """The entries of a zip, by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(entries: Mapping[str, bytes]) -> bytes:
    """A zip with these entries and the right checksums."""
    return zip_of([Entry(name, content) for name, content in entries.items()])


def number(value: int) -> bytes:
    """An integer in a pickle."""
    raw = value.to_bytes(9, "little", signed=True)
    return b"\x8a\x09" + raw


def text(value: str) -> bytes:
    """A string in a pickle."""
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def name(module: str, attribute: str) -> bytes:
    """Something that a pickle asks to be looked up."""
    return f"c{module}\n{attribute}\n".encode()


def numbers(values: Sequence[int]) -> bytes:
    """A tuple of integers in a pickle."""
    return b"(" + b"".join(number(value) for value in values) + b"t"


def tensor(
    shape: Sequence[int] = (4,),
    strides: Sequence[int] = (1,),
    offset: int = 0,
    count: int = 4,
    storage: str = "0",
    dtype: str = "FloatStorage",
) -> bytes:
    """A tensor in a pickle, as torch writes it."""
    return (
        name("torch._utils", "_rebuild_tensor_v2")
        + b"(("
        + (text("storage") + name("torch", dtype) + text(storage) + text("cpu") + number(count))
        + b"tQ"
        + (number(offset) + numbers(shape) + numbers(strides) + b"\x89")
        + (name("collections", "OrderedDict") + b")R")
        + b"tR"
    )


def weights(**tensors: bytes) -> bytes:
    """A pickle of ``{"model": tensors}``, each a pickled value."""
    items = b"".join(text(key) + value for key, value in tensors.items())
    return b"\x80\x02}(" + text("model") + b"}(" + items + b"uu."


def archive(pickle: bytes, *more: Entry, storage: bytes = bytes(16)) -> bytes:
    """A ``.pt`` with this pickle and one storage, "0"."""
    return zip_of([Entry("a/data.pkl", pickle), Entry("a/data/0", storage), *more])


def read_all(content: bytes, folder: Path) -> dict[str, Any]:
    """The tensors of a file with this content."""
    path = folder / "crafted.pt"
    path.write_bytes(content)
    checkpoint = read_checkpoint(path)
    return dict(checkpoint.tensors)


def read_or_refuse(content: bytes, folder: Path) -> dict[str, Any] | None:
    """The tensors, or None after one clear line; any other error is a fault."""
    try:
        return read_all(content, folder)
    except CheckpointError as error:
        if not str(error).isprintable():
            raise AssertionError("not one line") from error
        return None
