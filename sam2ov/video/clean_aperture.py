"""The part of an mp4's pictures that is shown, where encoders want even sizes.

``clap`` of ISO/IEC 14496-12, 12.1.4; FFmpeg writes none that PyAV could ask for. It takes the place
of a comment that was written to keep room for it, so that nothing behind the header moves.
"""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

MUXERS: Final = frozenset({"mp4"})
RESERVED_COMMENT: Final = "." * 64

_COMMENT: Final = b"\xa9cmt"
_CONTAINERS: Final = {
    b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"stsd": 8, b"udta": 0, b"meta": 4,
    b"ilst": 0,
}  # fmt: skip
"""Boxes of boxes, and the bytes before the first of them."""
_SAMPLE_ENTRIES: Final = frozenset({b"avc1", b"hvc1"})


def set_clean_aperture(path: Path, size_wh: tuple[int, int], shown_of_wh: tuple[int, int]) -> None:
    """Say in a file which part of its pictures is shown: what lies at the top left.

    Args:
        path: an mp4 with its header first and the comment ``RESERVED_COMMENT``.
        size_wh: width and height of what is shown.
        shown_of_wh: of the whole pictures.
    """
    with path.open("r+b") as file:
        while True:
            place = file.tell()
            size, kind = struct.unpack(">I4s", file.read(8))
            if kind == b"moov":
                break
            file.seek(place + size)
        header = file.read(size - 8)
        made = b"".join(_edited(header, _clap(size_wh, shown_of_wh)))
        room = len(header) - len(made) - 8
        assert room >= 0, "the comment is longer than what takes its place"
        file.seek(place + 8)
        file.write(made + struct.pack(">I4s", room + 8, b"free") + bytes(room))


def _clap(size_wh: tuple[int, int], of_wh: tuple[int, int]) -> bytes:
    """The box: sizes, then how far the middle of what is shown lies beside that of the picture."""
    width, height = size_wh
    across, down = (Fraction(part - whole, 2) for part, whole in zip(size_wh, of_wh, strict=True))
    numbers = (width, 1, height, 1, *across.as_integer_ratio(), *down.as_integer_ratio())
    return struct.pack(">I4s8i", 40, b"clap", *numbers)


def _edited(content: bytes, clap: bytes) -> Iterator[bytes]:
    for kind, box in _boxes(content):
        if kind == _COMMENT:
            continue
        if kind in _SAMPLE_ENTRIES:
            box += clap
        elif kind in _CONTAINERS:
            start = _CONTAINERS[kind]
            box = box[:start] + b"".join(_edited(box[start:], clap))
        yield struct.pack(">I4s", len(box) + 8, kind) + box


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        yield kind, content[place + 8 : place + size]
        place += size
