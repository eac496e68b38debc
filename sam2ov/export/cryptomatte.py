"""Cryptomatte: id mattes by name in OpenEXR, as compositing programs read them.

By its specification, version 1.2 (https://github.com/Psyop/Cryptomatte): an object's id is the hash
of its name (MurmurHash3, 32 bits) taken for a float. Each pixel has the ids of the objects that
cover it most, each with its share, in pairs of channels, the largest first.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.export.files import file_tree
from sam2ov.export.openexr import Channel, ExrInfo, exr_file
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.export.video_options import CryptomatteOptions
from sam2ov.values.masks import FloatArray
from sam2ov.values.objects import ClipObject

LAYER: Final = "CryptoObject"
_MOST_RANKS: Final = 6
"""Objects that one pixel can tell apart; what renderers write."""

Id = npt.NDArray[np.float32]


@contextmanager
def open_cryptomatte(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a sequence of OpenEXR files.

    Channel ``A`` is what all objects cover together, less where the clip is transparent. Where
    mattes overlap, each has a part of what they cover together.

    Raises:
        ExportError: the path is taken by something else, or the disk is full.
    """
    source, options = plan.source, plan.options(CryptomatteOptions)
    names = matte_names(source.objects)
    ids = [matte_id(name) for name in names]
    info = source.video.info
    ranks = min(_MOST_RANKS, len(ids) + len(ids) % 2)
    texts = _header(dict(zip(names, ids, strict=True)))

    def file(frame: ExportFrame) -> bytes:
        ranked = _Ranked(source.masks.size_hw, ranks)
        for number, target in zip(ids, source.objects, strict=True):
            ranked.add(number, frame.matte(target, hard=options.edges == "hard"))
        own: FloatArray | np.float32 = np.float32(1)
        if info.has_alpha:
            own = frame.rgba(is_deep=False)[..., 3].astype(np.float32) / np.float32(255)
        timecode = info.timecode_of(frame.index)
        told = ExrInfo(info.fps, info.sample_aspect_ratio, timecode=timecode, texts=texts)
        return exr_file(ranked.channels(own), told)

    layout = (plan.format.template(plan.settings).pattern() + r"\.exr",)
    with file_tree(plan.path, layout) as tree:
        yield lambda frame: tree.write(f"{plan.name(frame)}.exr", file(frame))


def matte_names(objects: Sequence[ClipObject]) -> list[str]:
    """A name for each object that no other has; ids are made of them."""
    plain = [re.sub(r'["\\\x00-\x1f]', "_", target.name).strip() for target in objects]
    made: list[str] = []
    for target, name in zip(objects, plain, strict=True):
        own = name if name and plain.count(name) == 1 else f"{name or 'object'}_{target.obj_id}"
        while own in made or (own != name and own in plain):
            own += "_"
        made.append(own)
    return made


def matte_id(name: str) -> np.float32:
    """The id of a name: its hash, whose bits are those of a number that is not denormal or NaN."""
    number = murmur3(name.encode())
    if number >> 23 & 255 in {0, 255}:
        number ^= 1 << 23
    return np.float32(np.array(number, np.uint32).view(np.float32))


def murmur3(data: bytes) -> int:
    """MurmurHash3 for x86, 32 bits, seed 0 (https://github.com/aappleby/smhasher)."""
    mask, first, second = 0xFFFFFFFF, 0xCC9E2D51, 0x1B873593

    def mixed(block: int) -> int:
        block = block * first & mask
        return (block << 15 | block >> 17) * second & mask

    state = 0
    whole = len(data) // 4 * 4
    for place in range(0, whole, 4):
        state ^= mixed(int.from_bytes(data[place : place + 4], "little"))
        state = ((state << 13 | state >> 19) & mask) * 5 + 0xE6546B64 & mask
    if whole < len(data):
        state ^= mixed(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = (state ^ state >> shift) * factor & mask
    return state ^ state >> 16


class _Ranked:
    """The objects that cover each pixel most, as they come; [ranks, H, W] of ids and shares."""

    def __init__(self, size_hw: tuple[int, int], ranks: int) -> None:
        self._ids: Id = np.zeros((ranks, *size_hw), np.float32)
        self._shares: FloatArray = np.zeros((ranks, *size_hw), np.float32)
        self._sum: FloatArray = np.zeros(size_hw, np.float32)

    def add(self, number: np.float32, matte: FloatArray) -> None:
        """Put an object where it belongs, before those that cover less."""
        rows, columns = (np.flatnonzero(matte.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        share = matte[box].copy()
        ids = np.where(share > 0, number, np.float32(0))
        self._sum[box] += share
        for kept_ids, kept in zip(self._ids, self._shares, strict=True):
            is_more = share > kept[box]
            kept_ids[box], ids = (
                np.where(is_more, ids, kept_ids[box]),
                np.where(is_more, kept_ids[box], ids),
            )
            kept[box], share = np.maximum(share, kept[box]), np.minimum(share, kept[box])

    def channels(self, own: FloatArray | np.float32) -> dict[str, Channel]:
        """Two ranks are a layer's R, G and B, A; ``own`` is the alpha of the picture."""
        shares = self._shares / np.maximum(self._sum, 1) * own
        made: dict[str, Channel] = {"A": (np.minimum(self._sum, 1) * own).astype(np.float16)}
        for rank, (ids, share) in enumerate(zip(self._ids, shares, strict=True)):
            layer = f"{LAYER}{rank // 2:02d}"
            id_channel, share_channel = "RG" if rank % 2 == 0 else "BA"
            made[f"{layer}.{id_channel}"] = ids
            made[f"{layer}.{share_channel}"] = share
        return made


def _header(ids: dict[str, np.float32]) -> tuple[tuple[str, str], ...]:
    key = f"cryptomatte/{murmur3(LAYER.encode()):08x}"[:-1]
    manifest = {
        name: f"{int(np.array(number).view(np.uint32)):08x}" for name, number in ids.items()
    }
    return (
        (f"{key}/name", LAYER),
        (f"{key}/hash", "MurmurHash3_32"),
        (f"{key}/conversion", "uint32_to_float32"),
        (f"{key}/manifest", json.dumps(manifest, ensure_ascii=False)),
    )
