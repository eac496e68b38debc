"""Tiny synthetic clips with known masks, in every container and codec that the tests need.

``make_scene`` paints textured objects that move over a panning background. Every frame carries its
own number as a bar code that survives lossy compression (``read_frame_number``), so a test can
assert that it got exactly the frame it asked for. ``write_clip`` encodes frames with the FFmpeg
that PyAV bundles; ``CLIP_KINDS`` names the combinations that readers have to cope with.

No torch here: the tests of the runtime use this file too.
"""

from __future__ import annotations

import colorsys
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

Frames = NDArray[np.uint8]
"""``[T, H, W, 3]`` RGB or ``[T, H, W, 4]`` RGBA, display orientation."""
Masks = NDArray[np.bool_]
"""``[T, N, H, W]``, the visible part of each object."""

NUMBER_BITS = 12
CHECK_BITS = 4
BARCODE_ROWS, BARCODE_COLUMNS = 2, 8


class Scene(NamedTuple):
    """Frames and the exact visible mask of every object in them."""

    frames: Frames
    masks: Masks


def make_scene(
    num_frames: int = 24,
    size_hw: tuple[int, int] = (96, 128),
    seed: int = 0,
    *,
    num_objects: int = 2,
    barcode: bool = True,
    first_number: int = 0,
) -> Scene:
    """Paint ``num_objects`` moving ellipses and boxes over a moving background.

    Later objects hide earlier ones, and the bar code hides everything; the masks say what remains
    visible. Objects start side by side and may cross. The same arguments give the same bytes.

    Args:
        num_frames: T.
        size_hw: Height and width in pixels; at least 16 × 32 with the bar code.
        seed: Chooses textures, shapes and paths.
        num_objects: N.
        barcode: Stamp frame numbers ``first_number`` … ``first_number + T - 1``.
        first_number: Number of the first frame.

    Returns:
        ``frames`` uint8 ``[T, H, W, 3]`` and ``masks`` bool ``[T, N, H, W]``.
    """
    rng = np.random.default_rng(seed)
    height, width = size_hw
    background = _texture(rng, (height, width + num_frames), contrast=25, base=rng.uniform(90, 150))
    hue = rng.uniform()
    objects = [
        _MovingObject.random(rng, size_hw, number, num_objects, hue)
        for number in range(num_objects)
    ]
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    masks: Masks = np.zeros((num_frames, num_objects, height, width), np.bool_)
    for t in range(num_frames):
        frames[t] = background[:, t : t + width]
        for number, moving in enumerate(objects):
            mask = moving.paint(frames[t], t / max(num_frames - 1, 1))
            masks[t, :number] &= ~mask
            masks[t, number] = mask
        if barcode:
            rows, columns = stamp_frame_number(frames[t], first_number + t)
            masks[t, :, :rows, :columns] = False
    return Scene(frames, masks)


def make_scene_with_alpha(
    num_frames: int = 12, size_hw: tuple[int, int] = (96, 128), seed: int = 0
) -> Frames:
    """Make RGBA frames ``[T, H, W, 4]``: opaque objects and bar code, transparent elsewhere."""
    frames, masks = make_scene(num_frames, size_hw, seed)
    alpha: NDArray[np.bool_] = np.logical_or.reduce(masks, axis=1)
    rows, columns = _barcode_extent(size_hw)
    alpha[:, :rows, :columns] = True
    return np.concatenate([frames, alpha[..., None].astype(np.uint8) * np.uint8(255)], axis=-1)


@dataclass(frozen=True)
class _MovingObject:
    """A textured ellipse or box on a straight path with a sideways swing."""

    texture: NDArray[np.uint8]
    is_ellipse: bool
    centre_from_xy: NDArray[np.float64]
    centre_to_xy: NDArray[np.float64]
    swing_xy: NDArray[np.float64]
    radii_xy: NDArray[np.float64]

    @staticmethod
    def random(
        rng: np.random.Generator, size_hw: tuple[int, int], number: int, total: int, hue: float
    ) -> _MovingObject:
        height, width = size_hw
        size_xy = np.array([width, height], np.float64)
        # Hues a golden angle apart differ for any number of objects.
        tint = np.array(colorsys.hsv_to_rgb((hue + 0.381966 * number) % 1.0, 0.9, 0.9)) * 255
        slot = (number + 0.5) / total
        start = np.array([slot, rng.uniform(0.4, 0.7)])
        travel = np.array([rng.uniform(-0.6, 0.6) / total, rng.uniform(-0.1, 0.1)])
        return _MovingObject(
            texture=_texture(rng, size_hw, contrast=35, base=tint),
            is_ellipse=number % 2 == 0,
            centre_from_xy=size_xy * start,
            centre_to_xy=size_xy * (start + travel),
            swing_xy=size_xy * rng.uniform(-0.06, 0.06, 2),
            radii_xy=np.maximum(min(size_hw) * rng.uniform(0.16, 0.26, 2), 3.0),
        )

    def paint(self, frame: NDArray[np.uint8], progress: float) -> NDArray[np.bool_]:
        """Draw onto ``frame`` [H, W, 3] at ``progress`` 0…1 and return the mask [H, W]."""
        height, width = frame.shape[:2]
        centre = self.centre_from_xy * (1 - progress) + self.centre_to_xy * progress
        centre = centre + self.swing_xy * np.sin(2 * np.pi * progress)
        y, x = np.mgrid[:height, :width]
        dx = np.abs(x - centre[0]) / self.radii_xy[0]
        dy = np.abs(y - centre[1]) / self.radii_xy[1]
        mask: NDArray[np.bool_] = dx**2 + dy**2 <= 1 if self.is_ellipse else (dx <= 1) & (dy <= 1)
        # The texture travels with the object.
        rows = (y - round(centre[1])) % height
        columns = (x - round(centre[0])) % width
        frame[mask] = self.texture[rows, columns][mask]
        return mask


def _texture(
    rng: np.random.Generator,
    size_hw: tuple[int, int],
    *,
    contrast: float,
    base: float | NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Paint soft colour noise uint8 [H, W, 3] around ``base``: compressible, but not flat."""
    height, width = size_hw
    coarse = rng.uniform(-1, 1, (height // 6 + 2, width // 6 + 2, 3))
    smooth = np.repeat(np.repeat(coarse, 6, axis=0), 6, axis=1)[:height, :width]
    for axis in (0, 0, 1, 1):
        smooth = (np.roll(smooth, 2, axis) + 2 * smooth + np.roll(smooth, -2, axis)) / 4
    return np.clip(np.asarray(base) + contrast * smooth, 0, 255).astype(np.uint8)


# --- frame numbers ------------------------------------------------------------------------------


def _cell_size(size_hw: tuple[int, int]) -> int:
    return 8 if size_hw[1] >= 64 and size_hw[0] >= 16 else 4


def _barcode_extent(size_hw: tuple[int, int]) -> tuple[int, int]:
    cell = _cell_size(size_hw)
    return BARCODE_ROWS * cell, BARCODE_COLUMNS * cell


def _code_bits(number: int) -> NDArray[np.bool_]:
    check = (number ^ (number >> 4) ^ (number >> 8) ^ 0b1010) & 0b1111
    code = (number << CHECK_BITS) | check
    shifts = np.arange(NUMBER_BITS + CHECK_BITS - 1, -1, -1)
    return ((code >> shifts) & 1).astype(np.bool_).reshape(BARCODE_ROWS, BARCODE_COLUMNS)


def stamp_frame_number(frame: NDArray[np.uint8], number: int) -> tuple[int, int]:
    """Draw the bar code of ``number`` (0…4095) at the top left; return its height and width."""
    if not 0 <= number < 1 << NUMBER_BITS:
        raise ValueError(f"frame number {number} does not fit into {NUMBER_BITS} bits")
    cell = _cell_size((frame.shape[0], frame.shape[1]))
    bits = np.kron(_code_bits(number), np.ones((cell, cell), np.bool_))
    rows, columns = bits.shape
    if frame.shape[0] < rows or frame.shape[1] < columns:
        raise ValueError(f"a frame of {frame.shape[1]}×{frame.shape[0]} has no room for a bar code")
    frame[:rows, :columns] = np.where(bits[..., None], np.uint8(235), np.uint8(20))
    return rows, columns


def read_frame_number(frame: NDArray[np.uint8]) -> int:
    """Read the bar code of an RGB(A) frame [H, W, ≥3]; ValueError where there is none."""
    cell = _cell_size((frame.shape[0], frame.shape[1]))
    rows, columns = BARCODE_ROWS * cell, BARCODE_COLUMNS * cell
    code = frame[:rows, :columns, :3].astype(np.float64).mean(axis=2)
    bits = code.reshape(BARCODE_ROWS, cell, BARCODE_COLUMNS, cell).mean(axis=(1, 3)) > 128
    number = int("".join("1" if bit else "0" for bit in bits.ravel()), 2) >> CHECK_BITS
    if not np.array_equal(_code_bits(number), bits):
        raise ValueError("no frame number: the bar code does not match its check bits")
    return number


# --- writing ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Encoding:
    """How ``write_clip`` encodes: everything that makes one test clip different from another.

    ``rotation`` and ``hflip`` describe the display matrix: the stored picture is turned so that a
    player which honours the matrix shows the frames upright. ``times`` are presentation times in
    units of ``time_base``; without them frames are spaced by ``1 / fps``. ``untagged`` leaves the
    colour tags out although the pixels are converted with ``colorspace`` and ``color_range``.
    """

    suffix: str = ".mp4"
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    fps: Fraction = Fraction(24)
    times: tuple[int, ...] | None = None
    time_base: Fraction | None = None
    start: int = 0
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    container_format: str | None = None
    seekable: bool = True
    audio: str | None = None
    rotation: int = 0
    hflip: bool = False
    colorspace: Colorspace = Colorspace.ITU709
    color_range: ColorRange = ColorRange.MPEG
    untagged: bool = False


def write_clip(path: Path, frames: Frames, encoding: Encoding | None = None) -> Path:
    """Encode ``frames`` to ``path`` (its suffix is replaced by that of the encoding)."""
    how = encoding or Encoding()
    path = path.with_suffix(how.suffix)
    target: str | _Unseekable = str(path)
    if not how.seekable:
        target = _Unseekable()
    with av.open(
        target, "w", format=how.container_format, container_options=how.container_options
    ) as container:
        _encode(container, frames, how)
    if isinstance(target, _Unseekable):
        path.write_bytes(bytes(target.written))
    return path


class _Unseekable(io.RawIOBase):
    """A pipe-like sink: the muxer cannot go back and fill in durations or an index."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: Any) -> int:
        self.written += bytes(data)
        return len(data)


def _encode(container: OutputContainer, frames: Frames, how: Encoding) -> None:
    stored = frames
    if how.hflip:
        stored = stored[:, :, ::-1]
    stored = np.rot90(stored, -how.rotation // 90, axes=(1, 2))
    time_base = how.time_base or 1 / how.fps
    video = cast("VideoStream", container.add_stream(how.codec, rate=how.fps, options=how.options))
    video.height, video.width = stored.shape[1:3]
    video.pix_fmt = how.pix_fmt
    video.codec_context.time_base = time_base
    if how.rotation or how.hflip:
        video.set_display_rotation(how.rotation, hflip=how.hflip)
    if not how.untagged:
        video.codec_context.colorspace = _AVCOL_SPC[how.colorspace]
        video.codec_context.color_range = how.color_range
    audio = None
    if how.audio is not None:
        audio = cast("AudioStream", container.add_stream(how.audio, rate=48000, layout="stereo"))
    begin = round(how.start * time_base * 48000)
    tone = _sine(audio, begin) if audio is not None else iter(())
    times = how.times or range(len(frames))
    for pts, picture in zip(times, stored, strict=True):
        frame = _to_video_frame(picture, how)
        frame.pts, frame.time_base = pts + how.start, time_base
        container.mux(video.encode(frame))
        while audio is not None:
            sound = next(tone)
            container.mux(audio.encode(sound))
            if sound.pts is not None and sound.pts / 48000 > float((pts + how.start) * time_base):
                break
    container.mux(video.encode(None))
    if audio is not None:
        container.mux(audio.encode(None))


_AVCOL_SPC = {Colorspace.ITU709: 1, Colorspace.ITU601: 6, Colorspace.BT2020: 9}
"""Matrix coefficients of ISO/IEC 23091-2 for swscale's names of them."""


def _to_video_frame(picture: NDArray[np.uint8], how: Encoding) -> av.VideoFrame:
    source = "rgba" if picture.shape[2] == 4 else "rgb24"
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=source)
    if how.pix_fmt in {"rgb24", "bgr24", "rgba", "bgra", "gbrp"}:
        return frame.reformat(format=how.pix_fmt)
    return frame.reformat(
        format=how.pix_fmt, dst_colorspace=how.colorspace, dst_color_range=how.color_range
    )


def _sine(audio: AudioStream, position: int) -> Iterator[av.AudioFrame]:
    """Endless 440 Hz, 48 kHz stereo, in frames of 960 samples, beginning at sample ``position``."""
    while True:
        phase = np.arange(position, position + 960) * (2 * np.pi * 440 / 48000)
        samples = np.tile(0.3 * np.sin(phase).astype(np.float32), (2, 1))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, position
        frame.time_base = Fraction(1, 48000)
        yield from _resampled(frame, audio)
        position += 960


def _resampled(frame: av.AudioFrame, audio: AudioStream) -> list[av.AudioFrame]:
    wanted = audio.codec_context.format.name
    if wanted == "fltp":
        return [frame]
    return av.AudioResampler(format=wanted, layout="stereo", rate=48000).resample(frame)


def write_gif(path: Path, frames: Frames, duration_ms: int | Sequence[int] = 50) -> Path:
    """Write an animated GIF with one palette per frame; durations are rounded to 10 ms by GIF."""
    path = path.with_suffix(".gif")
    images = [Image.fromarray(frame).quantize(128) for frame in frames]
    durations = duration_ms if isinstance(duration_ms, int) else list(duration_ms)
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=0)
    return path


def write_image_folder(
    folder: Path, frames: Frames, suffix: str = ".jpg", *, name: str = "{:05d}", first: int = 0
) -> Path:
    """Write one image per frame, numbered from ``first``; RGBA frames want a format with alpha."""
    folder.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"quality": 95} if suffix in {".jpg", ".jpeg"} else {}
    if suffix == ".webp":
        options = {"lossless": True}
    for number, frame in enumerate(frames, first):
        Image.fromarray(frame).save(folder / (name.format(number) + suffix), **options)
    return folder


def truncate(path: Path, keep: float) -> Path:
    """Cut a file after the fraction ``keep`` of its bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def corrupt(path: Path, seed: int = 0, *, count: int = 40, skip: int = 2000) -> Path:
    """Overwrite ``count`` random bytes behind the first ``skip``."""
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    rng = np.random.default_rng(seed)
    where = rng.integers(min(skip, len(data) - 1), len(data), count)
    data[where] = rng.integers(0, 256, count)
    path.write_bytes(data.tobytes())
    return path


def cut_with_edit_list(source: Path, target: Path, skip: Fraction) -> Path:
    """Copy an mp4 without re-encoding so that an edit list hides the first ``skip`` seconds.

    The hidden frames stay in the file (they are needed to decode the others), as after a cut in a
    phone's gallery. Times of the visible frames start at 0.
    """
    with (
        av.open(str(source)) as reader,
        av.open(str(target), "w", container_options={"avoid_negative_ts": "disabled"}) as writer,
    ):
        original = reader.streams.video[0]
        copy = writer.add_stream_from_template(original)
        for packet in reader.demux(original):
            if packet.dts is None or packet.pts is None:
                continue
            shift = round(skip / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = copy
            writer.mux(packet)
    return target


# --- the collection -----------------------------------------------------------------------------

_LONG_GOP = {"g": "250", "bf": "3", "preset": "veryfast"}
_VFR_TIMES = (0, 41, 83, 166, 167, 250, 400, 401, 402, 600, 642, 700)


def vfr_times(num_frames: int) -> tuple[int, ...]:
    """Give uneven presentation times in milliseconds (1 ms to 198 ms apart)."""
    period = _VFR_TIMES[-1] + 42
    return tuple(
        _VFR_TIMES[i % len(_VFR_TIMES)] + period * (i // len(_VFR_TIMES)) for i in range(num_frames)
    )


CLIP_KINDS: dict[str, Encoding] = {
    "h264-mp4": Encoding(options={"g": "8", "bf": "2", "preset": "veryfast"}, audio="aac"),
    "h264-long-gop": Encoding(options=_LONG_GOP),
    "h264-open-gop": Encoding(
        options={"g": "6", "bf": "2", "x264-params": "open-gop=1:scenecut=0", "preset": "medium"}
    ),
    "h264-mkv": Encoding(".mkv", options={"g": "8", "bf": "2"}, audio="libopus"),
    "h264-mov": Encoding(".mov", options={"g": "8"}, audio="aac"),
    "h264-avi": Encoding(".avi", options={"g": "8", "bf": "2"}),
    "h264-flv": Encoding(".flv", options={"g": "8", "bf": "2"}),
    "h264-ts": Encoding(".ts", options={"g": "8", "bf": "2"}),
    "h264-intra-refresh": Encoding(
        options={"g": "8", "bf": "0", "x264-params": "intra-refresh=1", "preset": "veryfast"}
    ),
    "h264-fragmented": Encoding(
        options={"g": "8", "bf": "2"},
        container_options={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    ),
    "h264-pipe-mkv": Encoding(".mkv", seekable=False, container_format="matroska"),
    "h264-10bit": Encoding(pix_fmt="yuv420p10le", options={"g": "8"}),
    "h264-444": Encoding(pix_fmt="yuv444p", options={"g": "8"}),
    "h264-full-range": Encoding(color_range=ColorRange.JPEG, options={"g": "8"}),
    "h264-bt601": Encoding(colorspace=Colorspace.ITU601, options={"g": "8"}),
    "h264-vfr": Encoding(time_base=Fraction(1, 1000), options={"g": "6", "bf": "2"}),
    "h264-ntsc": Encoding(fps=Fraction(30000, 1001), options={"g": "8", "bf": "2"}),
    "h264-late-start": Encoding(".mkv", start=100, options={"g": "8", "bf": "2"}),
    "h264-rotate-90": Encoding(rotation=90, options={"g": "8"}),
    "h264-rotate-180": Encoding(rotation=180, options={"g": "8"}),
    "h264-rotate-270": Encoding(rotation=270, options={"g": "8"}),
    "h264-mirrored": Encoding(hflip=True, options={"g": "8"}),
    "hevc-mp4": Encoding(
        codec="libx265",
        options={"x265-params": "keyint=6:min-keyint=6:bframes=3:open-gop=1:log-level=none"},
    ),
    "hevc-10bit": Encoding(
        ".mkv",
        codec="libx265",
        pix_fmt="yuv420p10le",
        options={"x265-params": "keyint=8:log-level=none"},
    ),
    "vp8-webm": Encoding(".webm", "libvpx", options={"g": "8", "deadline": "realtime"}),
    "vp8-altref": Encoding(
        ".webm", "libvpx", options={"g": "30", "auto-alt-ref": "1", "lag-in-frames": "12"}
    ),
    "vp9-webm": Encoding(
        ".webm", "libvpx-vp9", options={"g": "8", "deadline": "realtime"}, audio="libopus"
    ),
    "vp9-altref": Encoding(
        ".webm",
        "libvpx-vp9",
        options={"g": "10", "auto-alt-ref": "1", "lag-in-frames": "12", "cpu-used": "8"},
    ),
    "vp9-alpha": Encoding(
        ".webm", "libvpx-vp9", "yuva420p", options={"auto-alt-ref": "0", "deadline": "realtime"}
    ),
    "av1-mkv": Encoding(".mkv", "libsvtav1", options={"g": "8", "crf": "20"}),
    "prores-mov": Encoding(".mov", "prores_ks", "yuv422p10le"),
    "prores-4444": Encoding(".mov", "prores_ks", "yuva444p10le", options={"profile": "4444"}),
    "mjpeg-avi": Encoding(".avi", "mjpeg", "yuvj420p", color_range=ColorRange.JPEG),
    "mpeg4-avi": Encoding(".avi", "mpeg4", options={"g": "8", "bf": "2"}),
    "mpeg2-mpg": Encoding(".mpg", "mpeg2video", options={"g": "8", "bf": "2"}),
    "mpeg2-ts": Encoding(".ts", "mpeg2video", options={"g": "8", "bf": "2"}),
    "h264-interlaced-ts": Encoding(
        ".ts", options={"g": "8", "bf": "2", "x264-params": "interlaced=1", "crf": "18"}
    ),
    "wmv2-asf": Encoding(".wmv", "wmv2", options={"g": "8", "q": "3"}),
    "rawvideo-avi": Encoding(".avi", "rawvideo", "bgr24"),
    "ffv1-mkv": Encoding(".mkv", "ffv1", "yuv444p"),
    "png-mov": Encoding(".mov", "png", "rgb24"),
}
"""Encodings by name; ``write_kind`` adds what depends on the number of frames."""


def write_kind(kind: str, path: Path, frames: Frames) -> Path:
    """Write ``frames`` as ``CLIP_KINDS[kind]`` next to ``path`` (the suffix follows the kind)."""
    encoding = CLIP_KINDS[kind]
    if kind == "h264-vfr":
        encoding = replace(encoding, times=vfr_times(len(frames)))
    return write_clip(path, frames, encoding)
