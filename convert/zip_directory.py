"""The directory of a zip as torch writes it: entries stored one after the other, uncompressed.

Stricter than ``zipfile``, which reads compressed, encrypted and overlapping entries, takes memory
for as many as a file claims to have, and believes the directory without a look at the entries.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final

from convert.stored_tensor import CheckpointFile
from sam2ov.errors import CheckpointError

MAGIC: Final = b"PK\x03\x04"

# Signature, 4 fields about disks, entries, the directory's size and offset, the comment's length.
_END: Final = struct.Struct("<4s4H2LH")
# Signature, 2 versions, flags, method, time, date, CRC, 2 sizes, 3 lengths, disk, 2 attributes,
# the entry's offset.
_LISTED: Final = struct.Struct("<4s6H3L5H2L")
# Signature, version, flags, method, time, date, CRC, 2 sizes, 2 lengths.
_LOCAL: Final = struct.Struct("<4s5H3L2H")

_ENCRYPTED: Final = 0x2041  # encrypted, strongly encrypted, or with its headers masked
_MOST_BYTES: Final = 16 << 20
"""Of a directory; that of the largest model of the family has 0.1 MB."""


@dataclass(frozen=True)
class Entry:
    """A stored file of a zip: where its header and its bytes begin, and the CRC-32 of these."""

    name: str
    header: int
    start: int
    size: int
    crc: int


def read_directory(file: CheckpointFile) -> dict[str, Entry]:
    """The entries of a zip, by name.

    Raises:
        CheckpointError: the file is damaged, or a zip of a kind that torch does not write.
    """
    if file.size < _END.size:
        raise file.damaged("it ends early")
    end_start = file.size - _END.size
    signature, disk, *_, count, size, start, comment = _END.unpack(file.read(end_start, _END.size))
    if signature != b"PK\x05\x06" or disk or comment:
        raise file.damaged("its end is missing")
    if count == 0xFFFF or 0xFFFFFFFF in (size, start):
        raise _unlike_torch(file, "a zip64 of more than 4 GB or 65,534 entries")
    if size > _MOST_BYTES:
        raise _unlike_torch(file, f"a directory of {size:,} bytes")
    if start + size > end_start:
        raise file.damaged("its directory is missing")
    listing = file.read(start, size)
    entries: dict[str, Entry] = {}
    position, before = 0, 0
    for _ in range(count):
        if position + _LISTED.size > size:
            raise file.damaged("its directory ends early")
        fields = _LISTED.unpack_from(listing, position)
        name_length, extra, comment = fields[10:13]
        position += _LISTED.size
        entry = _entry(file, listing[position : position + name_length], fields, end=start)
        position += name_length + extra + comment
        if entry.name in entries:
            raise _unlike_torch(file, f"two entries of the name {entry.name[:80]!r}")
        entries[entry.name] = entry
    if position != size:
        raise file.damaged("its directory is longer than its entries")
    for entry in sorted(entries.values(), key=lambda entry: entry.header):
        if entry.header < before:
            raise _unlike_torch(file, "entries that overlap")
        before = entry.start + entry.size
    return entries


def _entry(file: CheckpointFile, raw: bytes, fields: tuple[Any, ...], end: int) -> Entry:
    signature, _, _, flags, method, _, _, crc, packed, size, *_, offset = fields
    if signature != b"PK\x01\x02":
        raise file.damaged("its directory is overwritten")
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise file.damaged("the name of an entry is no text") from None
    if flags & _ENCRYPTED:
        raise _unlike_torch(file, "encrypted entries")
    if method:
        raise _unlike_torch(file, "compressed entries")
    if 0xFFFFFFFF in (packed, size, offset):
        raise _unlike_torch(file, "zip64 entries of more than 4 GB")
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        raise _unlike_torch(file, f"an entry of the name {name[:80]!r}")
    local = _LOCAL.unpack(file.read(offset, _LOCAL.size))
    start = offset + _LOCAL.size + local[9] + local[10]
    if local[0] != MAGIC or file.read(offset + _LOCAL.size, local[9]) != raw:
        raise file.damaged(f"the entry {name[:80]!r} is not where the directory says")
    if (local[2], local[3]) != (flags, method) or packed != size or start + size > end:
        raise file.damaged(f"the entry {name[:80]!r} is not what the directory says")
    return Entry(name, offset, start, size, crc)


def _unlike_torch(file: CheckpointFile, what: str) -> CheckpointError:
    return CheckpointError(
        f"{file.path} was refused: it is a zip with {what}, which torch.save does not write. Save "
        "the weights alone, torch.save({'model': model.state_dict()}, path), and convert that."
    )
