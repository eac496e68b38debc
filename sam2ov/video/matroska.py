"""What FFmpeg's Matroska muxer is not told by PyAV: how large pictures are shown, and cropped.

The elements are those of RFC 9559. They take the place of a name that the track was given to keep
room for them, so that nothing else in the file moves.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MUXERS: Final = frozenset({"matroska", "webm"})
RESERVED_NAME: Final = "." * 40
"""The name of the video track until ``set_display`` has put what it has to say in its place."""

_SEGMENT, _TRACKS = b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b"
_TRACK, _NAME, _VIDEO = b"\xae", b"\x53\x6e", b"\xe0"
_CRC, _VOID = b"\xbf", b"\xec"
_DISPLAY_WIDTH, _DISPLAY_HEIGHT = b"\x54\xb0", b"\x54\xba"
_DISPLAY_UNIT = b"\x54\xb2"
_DISPLAY = frozenset({_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT})
_CROP_BOTTOM, _CROP_RIGHT = b"\x54\xaa", b"\x54\xdd"
_HEAD_BYTES: Final = 1 << 20
"""Tracks come before the first pictures."""


def set_display(
    path: Path, size_wh: tuple[int, int], crop_right: int = 0, crop_bottom: int = 0
) -> None:
    """Say in a file how its pictures are shown.

    Args:
        path: a Matroska or WebM file whose video track is called ``RESERVED_NAME``.
        size_wh: width and height on the screen, after cropping.
        crop_right: columns that are not shown.
        crop_bottom: rows that are not shown.
    """
    said = _element(_DISPLAY_WIDTH, _number(size_wh[0]))
    said += _element(_DISPLAY_HEIGHT, _number(size_wh[1]))
    for name, count in ((_CROP_RIGHT, crop_right), (_CROP_BOTTOM, crop_bottom)):
        said += _element(name, _number(count)) if count else b""
    with path.open("r+b") as file:
        head = file.read(_HEAD_BYTES)
        (segment,) = (start for name, start, _ in _elements(head, 0) if name == _SEGMENT)
        start, end = next(
            (begin, stop) for name, begin, stop in _elements(head, segment) if name == _TRACKS
        )
        tracks = _with_display(head[start:end], said)
        assert len(tracks) == end - start, "nothing behind it has moved"
        file.seek(start)
        file.write(tracks)


def _with_display(tracks: bytes, said: bytes) -> bytes:
    made, crc_at = b"", None
    for name, start, end in _elements(tracks, 0):
        content = tracks[start:end]
        if name == _CRC:
            crc_at = len(made) + 2
        if name == _TRACK:
            content = _track(content, said)
        made += tracks[len(made) : start] + content  # no part has another length than before
    if crc_at is None:
        return made
    # Of all that follows it in the element.
    crc = zlib.crc32(made[crc_at + 4 :]).to_bytes(4, "little")
    return made[:crc_at] + crc + made[crc_at + 4 :]


def _track(track: bytes, said: bytes) -> bytes:
    parts = [(name, track[start:end]) for name, start, end in _elements(track, 0)]
    if (_NAME, RESERVED_NAME.encode()) not in parts:
        return track
    made = b""
    for name, content in parts:
        if name == _NAME:
            continue
        if name == _VIDEO:
            content = b"".join(
                _element(own, content[start:end])
                for own, start, end in _elements(content, 0)
                if own not in _DISPLAY
            )
            content += said
        made += _element(name, content)
    room = len(track) - len(made) - 2
    assert room >= 0, "the reserved name is longer than what takes its place"
    return made + _VOID + _size(room, 1) + bytes(room)


def _elements(content: bytes, place: int) -> Iterator[tuple[bytes, int, int]]:
    """Elements from a place on: identifier, and where its content begins and ends."""
    while place < len(content):
        length = _size_length(content[place])
        name = content[place : place + length]
        place += length
        length = _size_length(content[place])
        number = int.from_bytes(content[place : place + length], "big")
        start = place + length
        place = start + (number & ((1 << 7 * length) - 1))
        yield name, start, place


def _size_length(first: int) -> int:
    """How many bytes an identifier or a size has, by the zeros that its first byte begins with."""
    return 9 - first.bit_length()


def _size(number: int, length: int) -> bytes:
    return (number | 1 << 7 * length).to_bytes(length, "big")


def _element(name: bytes, content: bytes) -> bytes:
    return name + _size(len(content), 1 if len(content) < 127 else 8) + content


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")
