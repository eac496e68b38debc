"""OpenEXR files with half floats, in scan lines, by the file layout document of OpenEXR.

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

MAX_NAME_BYTES: Final = 255
_MAGIC: Final = 20000630
_VERSION: Final = 2
_LONG_NAMES: Final = 0x400
_SHORT_NAME_BYTES: Final = 31
_HALF: Final = 1
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
        layers: and what people call them; kept in the header as ``sam2ov/LAYER``.
    """

    fps: Fraction
    pixel_aspect: Fraction = Fraction(1)
    is_compressed: bool = True
    timecode: Timecode | None = None
    layers: tuple[tuple[str, str], ...] = ()


def exr_file(channels: Mapping[str, Half], info: ExrInfo) -> bytes:
    """The bytes of a file.

    Args:
        channels: float16 [H, W] by name; ``layer.A`` belongs to a layer.
        info: see there.
    """
    # Channels lie in the file in the order of their names.
    names = sorted(channels, key=lambda name: name.encode())
    planes = np.stack([channels[name] for name in names]).astype("<f2")
    _, height, width = planes.shape
    compression = _ZIP if info.is_compressed else _NO_COMPRESSION
    header = _header(names, width, height, compression, info)
    rows = _ROWS_PER_BLOCK[compression]
    blocks = [
        _block(planes[:, first : first + rows], first, is_compressed=info.is_compressed)
        for first in range(0, height, rows)
    ]
    place = len(header) + 8 * len(blocks)
    offsets = []
    for block in blocks:
        offsets.append(place)
        place += len(block)
    return b"".join([header, struct.pack(f"<{len(offsets)}Q", *offsets), *blocks])


def _header(names: list[str], width: int, height: int, compression: int, info: ExrInfo) -> bytes:
    channels = b"".join(
        name.encode() + b"\0" + struct.pack("<iB3xii", _HALF, 0, 1, 1) for name in names
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
    attributes += [
        (f"sam2ov/{layer}", "string", known_as.encode()) for layer, known_as in info.layers
    ]
    if info.timecode is not None:
        attributes.append(("timeCode", "timecode", _packed(info.timecode)))
    all_names = [*names, *(name for name, _, _ in attributes)]
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


def _block(planes: Half, first: int, *, is_compressed: bool) -> bytes:
    """Rows of all channels [C, rows, W]: row by row, and in a row channel by channel."""
    content = np.ascontiguousarray(planes.swapaxes(0, 1)).tobytes()
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
