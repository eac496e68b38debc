"""OpenEXR files with half or whole floats, in scan lines, by the file layout document of OpenEXR.

https://openexr.com/en/latest/OpenEXRFileLayout.html. It is little enough to do without a library:
programs that read EXR at all read these.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.values.timecode import Timecode

Half = npt.NDArray[np.float16]
Channel = Half | npt.NDArray[np.float32]

MAX_NAME_BYTES: Final = 255
_MAGIC: Final = 20000630
_VERSION: Final = 2
_LONG_NAMES: Final = 0x400
_SHORT_NAME_BYTES: Final = 31
_KINDS: Final = {np.dtype(np.float16): 1, np.dtype(np.float32): 2}
_NO_COMPRESSION, _ZIP = 0, 3
_ROWS_PER_BLOCK: Final = {_NO_COMPRESSION: 1, _ZIP: 16}
_ZLIB_LEVEL: Final = 4
"""As OpenEXR itself: higher ones take much longer for little."""


@dataclass(frozen=True)
class ExrInfo:
    """What a file says besides its channels.

    Attributes:
        fps: frames per second of the sequence, for programs that play it.
        pixel_aspect: width / height of a pixel.
        is_compressed: with ZIP, without loss.
        timecode: of the frame; None where the clip has none.
        texts: attributes of the header, their names and values.
    """

    fps: Fraction
    pixel_aspect: Fraction = Fraction(1)
    is_compressed: bool = True
    timecode: Timecode | None = None
    texts: tuple[tuple[str, str], ...] = ()


def exr_file(channels: Mapping[str, Channel], info: ExrInfo) -> bytes:
    """The bytes of a file.

    Args:
        channels: float16 or float32 [H, W] by name; ``layer.A`` belongs to a layer.
        info: see there.
    """
    # Channels lie in the file in the order of their names.
    names = sorted(channels, key=lambda name: name.encode())
    ordered = [channels[name] for name in names]
    height, width = ordered[0].shape
    compression = _ZIP if info.is_compressed else _NO_COMPRESSION
    kinds = [_KINDS[channel.dtype] for channel in ordered]
    header = _header(list(zip(names, kinds, strict=True)), width, height, compression, info)
    # Row by row, and in a row channel by channel.
    lines = np.concatenate([_little_endian(channel) for channel in ordered], axis=1)
    rows = _ROWS_PER_BLOCK[compression]
    blocks = [
        _block(lines[first : first + rows], first, is_compressed=info.is_compressed)
        for first in range(0, height, rows)
    ]
    place = len(header) + 8 * len(blocks)
    offsets = []
    for block in blocks:
        offsets.append(place)
        place += len(block)
    return b"".join([header, struct.pack(f"<{len(offsets)}Q", *offsets), *blocks])


def _little_endian(channel: Channel) -> npt.NDArray[np.uint8]:
    """The bytes of a channel, [H, bytes of a row]."""
    plain = np.ascontiguousarray(channel, channel.dtype.newbyteorder("<"))
    return plain.view(np.uint8).reshape(len(channel), -1)


def _header(
    kinds: list[tuple[str, int]], width: int, height: int, compression: int, info: ExrInfo
) -> bytes:
    channels = b"".join(
        name.encode() + b"\0" + struct.pack("<iB3xii", kind, 0, 1, 1) for name, kind in kinds
    )
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    rate = info.fps.limit_denominator(1_000_000)
    attributes = [
        ("channels", "chlist", channels + b"\0"),
        ("compression", "compression", struct.pack("<B", compression)),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("framesPerSecond", "rational", struct.pack("<iI", rate.numerator, rate.denominator)),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", float(info.pixel_aspect))),
        ("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
    ]
    attributes += [(name, "string", text.encode()) for name, text in info.texts]
    if info.timecode is not None:
        attributes.append(("timeCode", "timecode", _packed(info.timecode)))
    all_names = [*(name for name, _ in kinds), *(name for name, _, _ in attributes)]
    has_long = any(len(name.encode()) > _SHORT_NAME_BYTES for name in all_names)
    parts = [struct.pack("<ii", _MAGIC, _VERSION | (_LONG_NAMES if has_long else 0))]
    for name, kind, value in attributes:
        parts += [name.encode(), b"\0", kind.encode(), b"\0", struct.pack("<i", len(value)), value]
    return b"".join([*parts, b"\0"])


def _packed(timecode: Timecode) -> bytes:
    """Decimal digits and the flag of dropped names, as SMPTE ST 12-1 has them for 60 fields."""
    hours, minutes, seconds, frames = timecode.parts
    value = int(timecode.drops) << 6
    for place, number in ((0, frames), (8, seconds), (16, minutes), (24, hours)):
        value |= (number // 10 << 4 | number % 10) << place
    return struct.pack("<2I", value, 0)


def _block(lines: npt.NDArray[np.uint8], first: int, *, is_compressed: bool) -> bytes:
    """Some rows of all channels, uint8 [rows, bytes of a row]."""
    content = lines.tobytes()
    if is_compressed:
        packed = zlib.compress(_predicted(content), _ZLIB_LEVEL)
        if len(packed) < len(content):  # otherwise a block is stored as it is
            content = packed
    return struct.pack("<ii", first, len(content)) + content


def _predicted(content: bytes) -> bytes:
    """What compresses well: low bytes, then high bytes, each less the one before it."""
    values = np.frombuffer(content, np.uint8)
    split = np.concatenate([values[::2], values[1::2]])
    changes = split.copy()
    changes[1:] = split[1:] - split[:-1] + np.uint8(128)  # which wraps around, as it should
    return changes.tobytes()
