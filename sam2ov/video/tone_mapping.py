"""From HDR to what a BT.709 screen shows.

Light is had back by the transfer functions of ITU-R BT.2100; HLG for a display of 1,000 cd/m²,
whose system gamma is applied to each channel, as FFmpeg's zscale (zimg) does, where BT.2100 applies
it to luminance: the two differ for saturated colours. Its colours become those of BT.709, and
reference white (203 cd/m², ITU-R BT.2408) nearly white: what is darker than three quarters of it
stays as it is, brighter light is rolled off by an extended Reinhard curve that has white at the
brightest light there can be. The result is encoded for a display by ITU-R BT.1886.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.values.masks import FloatArray

Deep = npt.NDArray[np.uint16]

PQ: Final = 16
HLG: Final = 18
"""Codes of ISO/IEC 23091-2 for transfer characteristics."""

_WHITE: Final = 203.0
_KNEE: Final = 0.75
_PEAK: Final = {PQ: 10_000 / _WHITE, HLG: 1000 / _WHITE}
"""The brightest light, in reference whites."""
_HLG_GAMMA: Final = 1.2
_GAMMA: Final = 2.4
_STEPS: Final = 1 << 14
_ROWS: Final = 128
"""At once: floats of a whole 8K picture would take more memory than it is worth."""

# fmt: off
_TO_709: Final = {
    # From BT.2020, and from P3 with D65 (SMPTE EG 432-1).
    9: ((1.660491, -0.587641, -0.072850),
        (-0.124550, 1.132900, -0.008349),
        (-0.018151, -0.100579, 1.118730)),
    12: ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}
# fmt: on


def tone_mapped(rgb: Deep, transfer: int, primaries: int) -> Deep:
    """A picture [H, W, 3] in HDR as it is shown in BT.709; uint16 with all bits in use."""
    shown = np.empty_like(rgb)
    for top in range(0, len(rgb), _ROWS):
        light = _light(transfer)[rgb[top : top + _ROWS]]
        if primaries in _TO_709:
            matrix = np.array(_TO_709[primaries], np.float32)
            light = np.asarray(cv2.transform(light, matrix), np.float32)
        np.clip(light, 0, _PEAK[transfer], out=light)
        place = np.sqrt(light * np.float32(1 / _PEAK[transfer]), out=light)
        place *= np.float32(_STEPS - 1)
        shown[top : top + _ROWS] = _encoded(transfer)[(place + np.float32(0.5)).astype(np.uint16)]
    return shown


@cache
def _light(transfer: int) -> FloatArray:
    """By 16-bit values, float32 [65536] in reference whites."""
    value = np.arange(1 << 16) / 65535
    if transfer == PQ:
        m1, m2 = 2610 / 16384, 2523 / 4096 * 128
        c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
        root = value ** (1 / m2)
        light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * _PEAK[PQ]
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        bright = (np.exp((np.maximum(value, 0.5) - c) / a) + b) / 12
        light = np.where(value <= 0.5, value**2 / 3, bright) ** _HLG_GAMMA * _PEAK[HLG]
    return light.astype(np.float32)


@cache
def _encoded(transfer: int) -> Deep:
    """By the square root of light, [_STEPS] from none to the peak."""
    peak = _PEAK[transfer]
    light = np.linspace(0, 1, _STEPS) ** 2 * peak
    excess = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    most = (peak - _KNEE) / (1 - _KNEE)
    rolled = _KNEE + (1 - _KNEE) * excess * (1 + excess / most**2) / (1 + excess)
    shown = np.where(light <= _KNEE, light, rolled)
    encoded: Deep = np.rint(np.clip(shown, 0, 1) ** (1 / _GAMMA) * 65535).astype(np.uint16)
    return encoded
