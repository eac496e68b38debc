"""Samples of decoded pictures as they are stored, scaled to 8 or 16 bits without being shifted.

swscale takes 1023 of 10 bits to 65472 of 16, which is no white and not opaque; it goes by way of
YUV between some formats of RGB.
"""

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from sam2ov.video.cache import Picture

_EIGHT, _SIXTEEN = 255, 65535


def alpha_of(frame: VideoFrame, reformatter: VideoReformatter, is_deep: bool) -> Picture:
    """The alpha [H, W] of a picture that has some."""
    alpha = next(part for part in frame.format.components if part.is_alpha)
    if is_float(frame.format.name):
        return _scaled(floats_of(frame)[..., -1], 0, is_deep)
    if frame.format.is_planar:
        return _scaled(_plane(frame, alpha.plane), alpha.bits, is_deep)
    name = "rgba" if alpha.bits <= 8 else "rgba64le"
    packed = reformatter.reformat(frame, format=name).to_ndarray()
    return _scaled(np.ascontiguousarray(packed[..., 3]), 8 if alpha.bits <= 8 else 16, is_deep)


def deep_rgb_of(frame: VideoFrame, reformatter: VideoReformatter) -> npt.NDArray[np.uint16]:
    """The colours [H, W, 3] of a picture that is stored as RGB or in floats, 16 bits."""
    bits = max(part.bits for part in frame.format.components)
    if is_float(frame.format.name):
        floats = floats_of(frame)
        colours = floats[..., :3] if floats.shape[2] > 2 else np.repeat(floats[..., :1], 3, axis=2)
        return np.asarray(_scaled(colours, 0, True), np.uint16)
    if frame.format.is_planar:
        planes = [_scaled(_plane(frame, number), bits, True) for number in (2, 0, 1)]
        return np.asarray(cv2.merge(planes), np.uint16)
    packed = reformatter.reformat(frame, format="rgb24" if bits <= 8 else "rgb48le").to_ndarray()
    return np.asarray(_scaled(packed, 8 if bits <= 8 else 16, True), np.uint16)


def is_float(pixel_format: str) -> bool:
    """Whether samples are floats, of which 1 is white; swscale does not know all of them."""
    return "f16" in pixel_format or "f32" in pixel_format


def floats_of(frame: VideoFrame) -> npt.NDArray[np.generic]:
    """The floats [H, W, C] of a picture of such, colours before alpha, in the order of RGB."""
    if len(frame.planes) == 1:
        return _plane(frame, 0, len(frame.format.components))
    order = (2, 0, 1, 3)[: len(frame.planes)]
    return np.concatenate([_plane(frame, number, 1) for number in order], axis=2)


def full_scale(shifted: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """What swscale makes of YUV in 16 bits, with white at 65535 instead of at 255 · 256."""
    value = np.minimum(shifted, _EIGHT << 8)
    return np.asarray(value + (value >> 8), np.uint16)


def shifted(full: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """The way back, for swscale to make YUV of."""
    return np.asarray(full - full // 257, np.uint16)


def _plane(frame: VideoFrame, number: int, channels: int = 0) -> npt.NDArray[np.generic]:
    """The samples [H, W] of a plane that is as large as the picture; [H, W, C] with channels."""
    plane, name = frame.planes[number], frame.format.name
    bits = max(part.bits for part in frame.format.components)
    order = ">" if name.endswith("be") else "<"
    kind = f"{order}f{bits // 8}" if is_float(name) else "u1" if bits <= 8 else f"{order}u2"
    flat = np.frombuffer(memoryview(plane), kind)
    rows = flat.reshape(-1, plane.line_size // flat.itemsize)[: frame.height]
    if not channels:
        return rows[:, : frame.width]
    return rows[:, : frame.width * channels].reshape(frame.height, frame.width, channels)


def _scaled(samples: npt.NDArray[np.generic], bits: int, is_deep: bool) -> Picture:
    most = _SIXTEEN if is_deep else _EIGHT
    dtype = np.uint16 if is_deep else np.uint8
    if samples.dtype.kind == "f":
        share = np.clip(np.nan_to_num(samples.astype(np.float32)), 0, 1)
        return cast("Picture", (share * most + np.float32(0.5)).astype(dtype))
    if most == (1 << bits) - 1:
        return cast("Picture", samples.astype(dtype, copy=False))
    exact = samples.astype(np.uint32) * most + (1 << bits) // 2
    return cast("Picture", (exact // ((1 << bits) - 1)).astype(dtype))
