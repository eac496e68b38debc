"""Masks as COCO run-length encoding: text that fits into JSON.

Runs of background and object pixels alternate, column by column, background first. COCO packs the
run lengths into text, 5 bits a character, each length as the difference to the one two before
(pycocotools, ``common/maskApi.c``, ``rleToString`` and ``rleFrString``). Decoding is done here
because files come from anywhere and pycocotools reads past the end of malformed counts.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sam2ov.errors import PromptError
from sam2ov.values.masks import BoolArray

_FIRST_CHARACTER = 48
_BITS = 5
_MORE = 1 << _BITS
_SIGN = 1 << (_BITS - 1)
_MAX_CHARACTERS_PER_RUN = 13  # 64 bits


@dataclass(frozen=True)
class Rle:
    """An encoded mask: ``size_hw`` and COCO's compressed ``counts``."""

    size_hw: tuple[int, int]
    counts: str


def encode_rle(mask: BoolArray) -> Rle:
    """Encode a mask [H, W]."""
    height, width = mask.shape
    pixels = np.concatenate([[False], mask.ravel(order="F")])
    borders = np.flatnonzero(pixels[1:] != pixels[:-1])
    runs = np.diff(np.concatenate([[0], borders, [height * width]]))
    return Rle((height, width), pack_counts(runs))


def decode_rle(rle: Rle) -> BoolArray:
    """Decode to a mask [H, W].

    Raises:
        PromptError: the counts are malformed or do not add up to the size.
    """
    runs = unpack_counts(rle.counts)
    height, width = rle.size_hw
    if (runs < 0).any() or runs.sum() != height * width:
        raise PromptError(
            f"a run-length encoded mask of {width}×{height} must describe {height * width} pixels, "
            f"its counts describe {runs.sum()}."
        )
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def pack_counts(runs: npt.NDArray[np.int64]) -> str:
    """Run lengths as COCO's text."""
    deltas = runs.copy()
    deltas[3:] -= runs[1:-2]
    characters: list[int] = []
    for delta in deltas.tolist():
        more = True
        while more:
            bits = delta & (_MORE - 1)
            delta >>= _BITS
            more = delta != (-1 if bits & _SIGN else 0)
            characters.append(_FIRST_CHARACTER + (bits | _MORE if more else bits))
    return bytes(characters).decode("ascii")


def unpack_counts(counts: str) -> npt.NDArray[np.int64]:
    """Run lengths of COCO's text.

    Raises:
        PromptError: a character or a length is out of range, or the text ends within a length.
    """
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        code = ord(character) - _FIRST_CHARACTER
        if not 0 <= code < 2 * _MORE or shift == _BITS * _MAX_CHARACTERS_PER_RUN:
            raise PromptError(f"run-length counts are malformed near {character!r}.")
        value |= (code & (_MORE - 1)) << shift
        shift += _BITS
        if code & _MORE:
            continue
        if code & _SIGN:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        if abs(runs[-1]) >= 1 << 31:
            raise PromptError(f"a run of {runs[-1]} pixels is too long for a mask.")
        value = shift = 0
    if shift:
        raise PromptError("run-length counts end in the middle of a number.")
    return np.array(runs, np.int64)
