"""What a camera and a codec do to pictures, and changes of light: for training only."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.textures import Image

JPEG_SHARE, MOTION_BLUR_SHARE, DEFOCUS_SHARE, NOISE_SHARE = 0.25, 0.12, 0.12, 0.15


def recolour(rng: np.random.Generator, rgb: Image) -> Image:
    """Change light and colour balance of a picture uint8 [h, w, 3]; one in ten becomes grey."""
    gain = np.clip(rng.normal(1, 0.15) + rng.normal(0, 0.06, 3), 0.5, 1.5)
    bias = rng.normal(0, 12)
    out = rgb * gain.astype(np.float32) + np.float32(bias)
    if rng.random() < 0.1:
        out = np.broadcast_to(out.mean(2, keepdims=True), out.shape)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def degrade(rng: np.random.Generator, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sometimes blur, add noise to and compress frames uint8 [T, h, w, 3], all alike."""
    kernel = _blur_kernel(rng, frames.shape[1])
    noise = rng.uniform(2, 12) if rng.random() < NOISE_SHARE else 0.0
    quality = int(rng.integers(15, 90)) if rng.random() < JPEG_SHARE else 0
    if kernel is None and not noise and not quality:
        return frames
    out = np.empty_like(frames)
    for t, frame in enumerate(frames):
        image = frame if kernel is None else np.asarray(cv2.filter2D(frame, -1, kernel), np.uint8)
        if noise:
            grain = noise * rng.standard_normal(image.shape, np.float32)
            image = np.clip(image + grain, 0, 255).astype(np.uint8)
        out[t] = _compressed(image, quality) if quality else image
    return out


def _blur_kernel(rng: np.random.Generator, size: int) -> NDArray[np.float32] | None:
    """A motion blur of up to 4 % of the picture, a defocus, or (mostly) none; sums to 1."""
    kind = rng.random()
    if kind < MOTION_BLUR_SHARE:
        length = max(3, int(rng.uniform(0.008, 0.04) * size))
        kernel = np.zeros((length, length), np.float32)
        angle = rng.uniform(0, np.pi)
        middle = (length - 1) / 2
        reach = middle * np.array([np.cos(angle), np.sin(angle)])
        start, stop = (np.rint(middle + sign * reach).astype(int).tolist() for sign in (-1, 1))
        cv2.line(kernel, start, stop, 1.0)
    elif kind < MOTION_BLUR_SHARE + DEFOCUS_SHARE:
        column = np.asarray(cv2.getGaussianKernel(7, rng.uniform(0.5, 1.6)), np.float32)
        kernel = column @ column.T
    else:
        return None
    return np.asarray(kernel / kernel.sum(), np.float32)


def _compressed(rgb: Image, quality: int) -> Image:
    data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
