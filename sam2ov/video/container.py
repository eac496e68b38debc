"""Opening a file with FFmpeg so that a hostile one can do no harm.

Some "formats" of FFmpeg are scripts that make it open other files or addresses (concat, HLS, DASH,
SDP, image patterns, filter graphs), and it partly goes by the name of a file. So the container is
recognised here, by content alone, and FFmpeg is told to use that demuxer. Beyond that only the
demuxers and codecs named here are admitted, only the ``file`` protocol, and never anything but a
regular file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from sam2ov.errors import VideoOpenError
from sam2ov.video.limits import VideoLimits
from sam2ov.workers.heartbeat import beat

_SIGNATURES = (
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (4, b"free", "mov"),
    (4, b"skip", "mov"),
    (4, b"pnot", "mov"),
    (4, b"styp", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (0, b"\x1f\x07\x00\x3f", "dv"),
    (0, b"\x1f\x07\x00\xbf", "dv"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"FLV", "flv"),
    (0, b"OggS", "ogg"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
)
"""Offset, bytes, and FFmpeg's name of the demuxer. mov is also mp4, m4v and 3gp; matroska is also
webm; asf is also wmv."""

_TRANSPORT_SYNC = b"\x47"
_TRANSPORT_SIZES = (188, 192, 204)
"""Of MPEG transport packets, from sync byte to sync byte: plain, timed, with parity."""

_BROADCAST = frozenset({"mpegts", "mpeg"})

# fmt: off
VIDEO_DECODERS = frozenset({
    "av1", "cfhd", "cinepak", "dnxhd", "dvvideo", "ffv1", "ffvhuff", "flv", "gif", "h263",
    "h264", "hap", "hevc", "huffyuv", "jpeg2000", "libdav1d", "magicyuv", "mjpeg", "mpeg1video",
    "mpeg2video", "mpeg4", "msmpeg4", "msmpeg4v2", "msvideo1", "png", "prores", "qtrle",
    "rawvideo", "svq3", "theora", "utvideo", "v210", "vc1", "vp6f", "vp8", "vp9", "wmv1",
    "wmv2", "wmv3",
})
"""FFmpeg's names of the video decoders that are admitted."""

AUDIO_DECODERS = frozenset({
    "aac", "ac3", "alac", "amrnb", "amrwb", "dca", "eac3", "flac", "libopus", "mp2", "mp2float",
    "mp3", "mp3float", "opus", "pcm_alaw", "pcm_f32be", "pcm_f32le", "pcm_mulaw", "pcm_s16be",
    "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_u8", "vorbis",
    "wmav1", "wmav2",
})
"""FFmpeg's names of the audio decoders that are admitted."""
# fmt: on

_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

_GENERATE_PTS = 0x0001
"""AVFMT_FLAG_GENPTS, which PyAV sets."""


def open_container(path: Path, limits: VideoLimits, name: str | None = None) -> InputContainer:
    """Open ``path`` for demuxing; nothing is decoded yet but what FFmpeg needs to know the streams.

    Args:
        path: a regular file (or a link to one).
        limits: checked for bytes and streams; the size of pictures is bounded while probing.
        name: what people know the file by, for messages; None for its path.

    Raises:
        VideoOpenError: missing, not a regular file, of no admitted format, too large, unreadable.
    """
    name = name or str(path)
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "does not exist"
        raise VideoOpenError(f"{name} {what}. Give the path of a video file.")
    limits.check_bytes(name, path.stat().st_size)
    demuxer = _recognise(path, name)
    options = {
        "format_whitelist": demuxer,
        "codec_whitelist": ",".join(sorted(VIDEO_DECODERS | AUDIO_DECODERS)),
        "protocol_whitelist": "file",
        "max_pixels": str(limits.max_pixels),
    }
    try:
        # An absolute path cannot be mistaken for an address; tags may be in any encoding.
        container = av.open(
            str(path.resolve()), "r", format=demuxer, options=options, metadata_errors="replace"
        )
    except (av.FFmpegError, ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, av.FFmpegError) else str(error)
        raise VideoOpenError(
            f"{name} cannot be opened as a video ({demuxer}): {reason}. It is damaged or cut off; "
            "fetch or record it again."
        ) from error
    # Made-up presentation times would hide that the container has none.
    container.flags &= ~_GENERATE_PTS
    return container


def _recognise(path: Path, name: str) -> str:
    """Tell by the first bytes which admitted container a file is."""
    with path.open("rb") as file:
        head = file.read(4096)
    for offset, signature, demuxer in _SIGNATURES:
        if head.startswith(signature, offset):
            return demuxer
    # A recording may begin within a packet.
    for size in _TRANSPORT_SIZES:
        for offset in range(size):
            if head[offset : offset + 5 * size : size] == _TRANSPORT_SYNC * 5:
                return "mpegts"
    raise VideoOpenError(
        f"{name} is not a video file of a supported kind: mp4, mov, mkv, webm, avi, wmv, flv, ogv, "
        "gif, ts, mpg, dv (whatever its name says). Convert other files first, for example with: "
        "ffmpeg -i INPUT OUTPUT.mp4"
    )


def video_stream(container: InputContainer, name: str, limits: VideoLimits) -> VideoStream:
    """Choose the video stream, make it ready to be decoded, and ignore all other streams.

    Raises:
        VideoOpenError: there is none (cover art does not count), its codec is not admitted, or
            its frames exceed the limits.
    """
    limits.check_streams(name, len(container.streams))
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        raise VideoOpenError(f"{name} has no video stream. Give a file with moving pictures.")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in videos else videos[0]
    context = stream.codec_context
    # Streams of unknown codecs have no context, whatever the annotation says.
    codec = context.codec.name if context is not None else "unknown"
    if codec not in VIDEO_DECODERS:
        raise VideoOpenError(
            f"{name} is encoded with {codec!r}, which is not supported. Convert it first, for "
            "example with: ffmpeg -i INPUT OUTPUT.mp4"
        )
    limits.check_pixels(name, context.width, context.height)
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    context.options = {**context.options, "max_pixels": str(limits.max_pixels)}
    return stream


def decoding_context(stream: VideoStream, limits: VideoLimits) -> VideoCodecContext:
    """What decodes a stream: FFmpeg's own decoder, but for VP8 and VP9 with alpha.

    Their alpha is a second picture beside the first, which libvpx alone decodes.
    """
    name = _WITH_ALPHA.get(stream.codec_context.codec.canonical_name)
    if name is None or stream.metadata.get("ALPHA_MODE", stream.metadata.get("alpha_mode")) != "1":
        return stream.codec_context
    context = cast("VideoCodecContext", VideoCodecContext.create(name, "r"))
    context.options = {"max_pixels": str(limits.max_pixels)}
    return context


class PacketReader:
    """Iterates over the packets of a stream that hold a picture, up to the end or to damage.

    Empty packets (a container's way to say "nothing new") are left out. What cannot be read any
    more ends the video: a truncated file gives the frames that are there.

    Attributes:
        is_damaged: a packet was cut off or inconsistent, or the rest could not be read.
        may_jump: the container is a broadcast's, whose clock need not go on evenly.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self.is_damaged = False
        self.may_jump = container.format.name in _BROADCAST
        self._container = container
        self._stream = stream

    def __iter__(self) -> Iterator["Packet[VideoStream]"]:
        packets = self._container.demux(self._stream)
        try:
            for packet in packets:
                beat()
                self.is_damaged |= packet.is_corrupt
                if packet.size:
                    yield packet
        except av.FFmpegError:
            self.is_damaged = True
