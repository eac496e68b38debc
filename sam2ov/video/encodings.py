"""How written videos are encoded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Encoding:
    """A container with a codec.

    Attributes:
        suffix: of the file name.
        muxer: FFmpeg's name of the container.
        encoder: FFmpeg's name of the video encoder.
        pixel_format: of opaque frames.
        alpha_pixel_format: of frames with alpha, or None where the codec has no alpha.
        options: of the encoder.
        muxer_options: of the container.
        copied_audio: codecs of sound that the container takes as they are.
        audio_encoder: what other sound is encoded with.
        pads_to_even: width and height must be even (4:2:0 chroma).
        codec_tag: the container's four-letter name of the codec, where FFmpeg's choice is wrong.
        gop_seconds: distance of keyframes; 0 for encoders that make nothing else.
        short_options: of the encoder, in place of ``options``, for clips of a few frames.
    """

    suffix: str
    muxer: str
    encoder: str
    pixel_format: str
    alpha_pixel_format: str | None = None
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    muxer_options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    copied_audio: frozenset[str] = frozenset()
    audio_encoder: str = "aac"
    pads_to_even: bool = False
    codec_tag: str | None = None
    gop_seconds: float = 2.0
    short_options: Mapping[str, str] | None = None

    @property
    def bits(self) -> int:
        """Of a sample."""
        deep = re.search(r"p(\d\d)le$", self.pixel_format)
        return int(deep[1]) if deep else 8

    def options_for(self, num_frames: int) -> Mapping[str, str]:
        """Options of the encoder for a clip of so many frames."""
        is_short = self.short_options is not None and num_frames < _SHORT_FRAMES
        return self.short_options if is_short and self.short_options else self.options


_SHORT_FRAMES = 16
_MP4_AUDIO = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"})
_MOV_AUDIO = frozenset(
    {"aac", "ac3", "alac", "mp3", "pcm_f32le", "pcm_s16be", "pcm_s16le", "pcm_s24le", "pcm_s32le"}
)
_FAST_START = MappingProxyType({"movflags": "+faststart"})
"""The index comes first, so that a browser plays while it loads."""


def h264(crf: float = 18, preset: str = "medium") -> Encoding:
    """H.264 4:2:0 in mp4, which plays everywhere.

    Args:
        crf: 0 (lossless) … 51; 18 is visually transparent.
        preset: libx264's speed, "ultrafast" … "veryslow".
    """
    return Encoding(
        suffix=".mp4",
        muxer="mp4",
        encoder="libx264",
        pixel_format="yuv420p",
        options=MappingProxyType({"crf": str(crf), "preset": preset}),
        muxer_options=_FAST_START,
        copied_audio=_MP4_AUDIO,
        pads_to_even=True,
    )


def hevc(crf: float = 20, preset: str = "medium", *, ten_bit: bool = False) -> Encoding:
    """H.265 4:2:0 in mp4, tagged so that Apple players take it.

    Args:
        crf: as for ``h264``.
        preset: as for ``h264``.
        ten_bit: 10 bits per sample instead of 8.
    """
    return Encoding(
        suffix=".mp4",
        muxer="mp4",
        encoder="libx265",
        pixel_format="yuv420p10le" if ten_bit else "yuv420p",
        options=MappingProxyType(
            {"crf": str(crf), "preset": preset, "x265-params": "log-level=none"}
        ),
        # x265 gives frames that are fewer than it reorders times that were never set.
        short_options=MappingProxyType(
            {"crf": str(crf), "preset": preset, "x265-params": "log-level=none:bframes=0"}
        ),
        muxer_options=_FAST_START,
        copied_audio=_MP4_AUDIO,
        pads_to_even=True,
        codec_tag="hvc1",
    )


def vp9(crf: float = 24) -> Encoding:
    """VP9 4:2:0 in WebM, with alpha if the frames have it (browsers show it)."""
    return Encoding(
        suffix=".webm",
        muxer="webm",
        encoder="libvpx-vp9",
        pixel_format="yuv420p",
        alpha_pixel_format="yuva420p",
        # Alternate reference frames are not allowed with alpha.
        options=MappingProxyType(
            {"crf": str(crf), "b": "0", "row-mt": "1", "cpu-used": "4", "auto-alt-ref": "0"}
        ),
        copied_audio=frozenset({"opus", "vorbis"}),
        audio_encoder="libopus",
    )


H264 = h264()

PRORES_422_HQ = Encoding(
    suffix=".mov",
    muxer="mov",
    encoder="prores_ks",
    pixel_format="yuv422p10le",
    options=MappingProxyType({"profile": "hq", "vendor": "apl0"}),
    copied_audio=_MOV_AUDIO,
    audio_encoder="pcm_s16le",
    gop_seconds=0,
)
"""ProRes 422 HQ, 10 bit, in mov: for editing."""

PRORES_4444 = Encoding(
    suffix=".mov",
    muxer="mov",
    encoder="prores_ks",
    pixel_format="yuv444p10le",
    alpha_pixel_format="yuva444p10le",
    options=MappingProxyType({"profile": "4444", "vendor": "apl0", "alpha_bits": "16"}),
    copied_audio=_MOV_AUDIO,
    audio_encoder="pcm_s16le",
    gop_seconds=0,
)
"""ProRes 4444, 10 bit with alpha, in mov: for editing and compositing."""


def ffv1(bits: int = 8) -> Encoding:
    """Lossless RGB with alpha in Matroska, of at least so many bits a sample."""
    depth = next((known for known in (8, 10, 12, 16) if known >= bits), 16)
    deep = f"{depth}le"
    return Encoding(
        suffix=".mkv",
        muxer="matroska",
        encoder="ffv1",
        pixel_format="bgr0" if depth == 8 else f"gbrp{deep}",
        alpha_pixel_format="bgra" if depth == 8 else f"gbrap{deep}",
        options=MappingProxyType({"level": "3", "slicecrc": "1"}),
        copied_audio=_MP4_AUDIO | _MOV_AUDIO | {"vorbis"},
        audio_encoder="flac",
        gop_seconds=0,
    )


FFV1 = ffv1()
