"""Masks as COCO run-length encoding: text that fits into JSON, and a small part of the pixels.

Runs of background and object pixels alternate, column by column, background first. COCO packs the
run lengths into text, 5 bits a character, each length as the difference to the one two before
(pycocotools, ``common/maskApi.c``, ``rleToString`` and ``rleFrString``). Decoding is done here
because files come from anywhere and pycocotools reads past the end of malformed counts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.errors import PromptError
from sam2ov.values.masks import BoolArray

_FIRST_CHARACTER: Final = 48
_BITS: Final = 5
_MORE: Final = 1 << _BITS
_SIGN: Final = 1 << (_BITS - 1)
_MAX_CHARACTERS_PER_RUN: Final = 7
"""35 bits: lengths have 31, their differences one more, and a sign."""
_LIMITS: Final = _SIGN << (_BITS * np.arange(_MAX_CHARACTERS_PER_RUN, dtype=np.int64))
"""The first number that 1, 2, … characters cannot hold."""


@dataclass(frozen=True)
class Rle:
    """An encoded mask: ``size_hw`` and COCO's compressed ``counts``."""

    size_hw: tuple[int, int]
    counts: str


def encode_rle(mask: BoolArray) -> Rle:
    """Encode a mask [H, W]."""
    height, width = mask.shape
    pixels = np.ascontiguousarray(mask.T).reshape(-1)
    borders = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    # A mask that begins with the object begins with no pixels of background.
    first = [0, 0] if pixels[:1].any() else [0]
    runs = np.diff(np.concatenate([first, borders, [height * width]]))
    return Rle((height, width), pack_counts(runs))


def encode_box_rle(part: BoolArray, left_top: tuple[int, int], size_hw: tuple[int, int]) -> Rle:
    """Encode a mask of size ``size_hw`` of which only a rectangle has pixels.

    Args:
        part: [h, w], the rectangle.
        left_top: where it lies: column and row of its first pixel.
        size_hw: height and width of the mask.
    """
    (left, top), (height, width) = left_top, size_hw
    columns = np.zeros((part.shape[1], part.shape[0] + 2), np.int8)
    columns[:, 1:-1] = part.T
    # In each column, where the object begins (1) and where it has ended (-1).
    column, row = np.nonzero(np.diff(columns, axis=1))
    borders = (column + left) * height + row + top
    # What reaches from the bottom of a column on to the top of the next one is one run.
    joined = np.flatnonzero(borders[1::2][:-1] == borders[2::2])
    borders = np.delete(borders, np.concatenate([2 * joined + 1, 2 * joined + 2]))
    runs = np.diff(np.concatenate([[0], borders, [height * width]]))
    if len(borders) and borders[-1] == height * width:
        runs = runs[:-1]
    return Rle((height, width), pack_counts(runs))


def decode_rle(rle: Rle) -> BoolArray:
    """Decode to a mask [H, W]; raises as ``require_valid``."""
    runs = _checked_runs(rle)
    height, width = rle.size_hw
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def require_valid(rle: Rle) -> None:
    """Raise PromptError if the counts are malformed or do not add up to the size."""
    _checked_runs(rle)


def is_empty(rle: Rle) -> bool:
    """Whether no pixel is of the object; raises as ``require_valid``."""
    return not _checked_runs(rle)[1::2].any()


def pack_counts(runs: npt.NDArray[np.int64]) -> str:
    """Run lengths below 2³¹ as COCO's text."""
    deltas = runs.copy()
    deltas[3:] -= runs[1:-2]
    sizes = np.searchsorted(_LIMITS, np.where(deltas < 0, ~deltas, deltas), side="right") + 1
    place = np.arange(_MAX_CHARACTERS_PER_RUN)
    bits = deltas[:, None] >> (_BITS * place) & (_MORE - 1)
    bits |= np.where(place < sizes[:, None] - 1, _MORE, 0)
    characters = (bits + _FIRST_CHARACTER)[place < sizes[:, None]]
    return characters.astype(np.uint8).tobytes().decode("ascii")


def unpack_counts(counts: str) -> npt.NDArray[np.int64]:
    """Run lengths of COCO's text; some may be negative.

    Raises:
        PromptError: a character or a length is out of range, or the text ends within a length.
    """
    if not counts:
        return np.zeros(0, np.int64)
    codes = np.frombuffer(counts.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    codes -= _FIRST_CHARACTER
    wrong = np.flatnonzero((codes < 0) | (codes >= 2 * _MORE))
    if len(wrong):
        raise PromptError(f"run-length counts are malformed near {counts[wrong[0]]!r}.")
    ends = np.flatnonzero(codes < _MORE)
    if not len(ends) or ends[-1] != len(codes) - 1:
        raise PromptError("run-length counts end in the middle of a number.")
    starts = np.concatenate([[0], ends[:-1] + 1])
    sizes = ends - starts + 1
    if sizes.max() > _MAX_CHARACTERS_PER_RUN:
        raise PromptError("run-length counts are malformed: a run is too long for a mask.")
    place = np.arange(len(codes)) - np.repeat(starts, sizes)
    deltas = np.add.reduceat((codes & (_MORE - 1)) << (_BITS * place), starts)
    deltas -= np.where(codes[ends] & _SIGN, np.int64(1) << (_BITS * sizes), 0)
    if len(deltas) * int(np.abs(deltas).max()) >= 1 << 62:  # sums might not fit
        raise PromptError("run-length counts are malformed: they are too long for a mask.")
    runs = deltas
    runs[1::2] = np.cumsum(deltas[1::2])
    runs[2::2] = np.cumsum(deltas[2::2])
    return runs


def _checked_runs(rle: Rle) -> npt.NDArray[np.int64]:
    runs = unpack_counts(rle.counts)
    height, width = rle.size_hw
    pixels = height * width
    # Each one is looked at: a sum of long ones could come around to the right number.
    wrong = runs[(runs < 0) | (runs > pixels)]
    if len(wrong) or runs.sum() != pixels:
        found = f"has a run of {wrong[0]}" if len(wrong) else f"its counts describe {runs.sum()}"
        raise PromptError(
            f"a run-length encoded mask of {width}×{height} must describe {pixels} pixels, {found}."
        )
    return runs
