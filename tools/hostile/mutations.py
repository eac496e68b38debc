"""Small changes to valid things: bytes, JSON, XML, PNG and words."""

import copy
import json
import re
import struct
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any, Final

TEXTS: Final = (
    "\x1b[31mred\x1b]0;t\x07",
    "a\nb\nc",
    "9" * 5000,
    "../../etc/passwd",
    "\u202eevil",
    "nul\0in",
    "\x9b31m",
    "x" * 300,
    "",
    "-1",
    "1e999",
    "nan",
    "0x10",
    "\u0661\u0662",
    "²",
    "1_000",
    " ",
    ":::",
    "\ud800",
    "9223372036854775808",
    "1" * 400 + ".5",
)
NUMBERS: Final = (
    *(0, -1, 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400),
    *(0.5, 1e308, float("nan"), float("inf"), True, None),
)
_FOUR: Final = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_EIGHT: Final = (0, 2**63 - 1, 2**63, 2**64 - 1)


def word(rng: Random, text: str) -> str:
    """A word of a command line with something odd in it, but never a NUL or half a character."""
    odd = rng.choice([each for each in TEXTS if "\0" not in each and each != "\ud800"])
    place = rng.randrange(len(text) + 1)
    return odd if rng.random() < 0.4 else text[:place] + odd + text[place:]


def changed_bytes(rng: Random, content: bytes) -> bytes:
    """A few bytes flipped, replaced by extremes, cut out or doubled, mostly near the beginning."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        if not changed:
            break
        place = rng.randrange(len(changed))
        if rng.random() < 0.5:
            place = min(place, rng.randrange(1, 400))
        match rng.randrange(7):
            case 0 | 1:
                changed[place] ^= 1 << rng.randrange(8)
            case 2:
                changed[place] = rng.choice([0, 255, 127, 128])
            case 3:
                order = rng.choice([">I", "<I"])
                changed[place : place + 4] = struct.pack(order, rng.choice(_FOUR))
            case 4:
                order = rng.choice([">Q", "<Q"])
                changed[place : place + 8] = struct.pack(order, rng.choice(_EIGHT))
            case 5:
                del changed[place : place + rng.choice([1, 20, len(changed)])]
            case _:
                other = rng.randrange(len(changed))
                changed[place:place] = changed[other : other + rng.randrange(1, 80)]
    return bytes(changed)


def changed_json(rng: Random, content: Any) -> bytes:
    """Values replaced by odd ones, left out, renamed or repeated."""
    content = copy.deepcopy(content)
    for _ in range(rng.choice([1, 1, 2, 3])):
        places = [place for place in _places(content, ()) if place]
        if not places:
            break
        *way, last = rng.choice(places)
        holder = content
        for key in way:
            holder = holder[key]
        match rng.randrange(10):
            case 0:
                del holder[last]
            case 1 if isinstance(holder, dict):
                holder[rng.choice(TEXTS)] = holder[last]
            case 2 if isinstance(holder, list):
                holder.extend([holder[last]] * rng.choice([1, 2, 100]))
            case _:
                holder[last] = rng.choice([*TEXTS, *NUMBERS, [], {}, [[]], {"": 0}])
    return json.dumps(content).encode("utf-8")


def _places(value: Any, way: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield way
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _places(each, (*way, key))
    elif isinstance(value, list):
        for index, each in enumerate(value[:6]):
            yield from _places(each, (*way, index))


def changed_xml(rng: Random, text: str) -> bytes:
    """Attributes and texts replaced by odd ones."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        found = [*re.finditer(r'"([^"]*)"', text), *re.finditer(r">([^<>]+)<", text)]
        place = rng.choice(found)
        odd = str(rng.choice([*TEXTS, *NUMBERS[:10], *NUMBERS[11:]])).replace("&", "&amp;")
        odd = odd.replace("<", "&lt;").replace('"', "&quot;")
        text = text[: place.start(1)] + odd + text[place.end(1) :]
    return text.encode("utf-8", "surrogatepass")


def changed_png(rng: Random, content: bytes) -> bytes:
    """A head that lies, with a checksum that fits; or bytes changed as anywhere."""
    if rng.random() < 0.5:
        return changed_bytes(rng, content)
    sides = [rng.choice([0, 1, 7000, 40_000, 65_500, 2**31 - 1]) for _ in range(2)]
    head = struct.pack(">II", *sides) + content[24:29]
    if rng.random() < 0.3:
        head = head[:8] + bytes([rng.choice([1, 8, 16, 255]), rng.randrange(8)]) + head[10:]
    chunk = b"IHDR" + head
    return content[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[33:]
