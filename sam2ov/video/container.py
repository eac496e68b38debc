"""Opening a file with FFmpeg so that a hostile one can do no harm.

FFmpeg decides by content what a file is, and some "formats" are scripts that make it open other
files or addresses (concat, HLS, DASH, SDP, image patterns, filter graphs). Only the demuxers and
codecs named here are admitted, only the ``file`` protocol, and never anything but a regular file.
The name of the file plays no part.
"""

from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from sam2ov.errors import VideoOpenError
from sam2ov.video.limits import VideoLimits

DEMUXERS = ("mov", "matroska", "avi", "gif", "mpegts", "mpeg", "flv", "ogg", "asf")
"""Containers that are read: mov is also mp4, m4v and 3gp; matroska is also webm; asf is wmv."""

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

_GENERATE_PTS = 0x0001
"""AVFMT_FLAG_GENPTS, which PyAV sets."""


def open_container(path: Path, limits: VideoLimits) -> InputContainer:
    """Open ``path`` for demuxing; nothing is decoded yet but what FFmpeg needs to know the streams.

    Args:
        path: a regular file (or a link to one).
        limits: checked for bytes and streams; the size of pictures is bounded while probing.

    Raises:
        VideoOpenError: missing, not a regular file, of no admitted format, too large, unreadable.
    """
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "does not exist"
        raise VideoOpenError(f"{path} {what}. Give the path of a video file.")
    limits.check_bytes(path, path.stat().st_size)
    options = {
        "format_whitelist": ",".join(DEMUXERS),
        "codec_whitelist": ",".join(sorted(VIDEO_DECODERS | AUDIO_DECODERS)),
        "protocol_whitelist": "file",
        "max_streams": str(limits.max_streams),
        "max_pixels": str(limits.max_pixels),
    }
    try:
        # An absolute path cannot be mistaken for a URL; tags may be in any encoding.
        container = av.open(str(path.resolve()), "r", options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError, OSError) as error:
        raise VideoOpenError(
            f"{path} cannot be opened as a video: {_reason(error)}. Supported are mp4, mov, mkv, "
            "webm, avi, wmv, flv, ogv, gif, ts and mpg files and folders of images; convert other "
            "files first, for example with: ffmpeg -i INPUT OUTPUT.mp4"
        ) from error
    # Made-up presentation times would hide that the container has none.
    container.flags &= ~_GENERATE_PTS
    return container


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, av.FFmpegError) else None
    return (text or str(error) or type(error).__name__).rstrip(".")


def video_stream(container: InputContainer, path: Path, limits: VideoLimits) -> VideoStream:
    """Choose the video stream, make it ready to be decoded, and ignore all other streams.

    Raises:
        VideoOpenError: there is none (cover art does not count), its codec is not admitted, or
            its frames exceed the limits.
    """
    limits.check_streams(path, len(container.streams))
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        raise VideoOpenError(f"{path} has no video stream. Give a file with moving pictures.")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in videos else videos[0]
    context = stream.codec_context
    # Streams of unknown codecs have no context, whatever the annotation says.
    name = context.codec.name if context is not None else "unknown"
    if name not in VIDEO_DECODERS:
        raise VideoOpenError(
            f"{path} is encoded with {name!r}, which is not supported. Convert it first, for "
            "example with: ffmpeg -i INPUT OUTPUT.mp4"
        )
    limits.check_pixels(path, context.width, context.height)
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    context.thread_type = "AUTO"
    context.options = {**context.options, "max_pixels": str(limits.max_pixels)}
    # Every picture then says which packet it came from, whatever its timestamps say.
    context.copy_opaque = True
    return stream


class PacketReader:
    """Iterates over the packets of a stream that hold a picture, up to the end or to damage.

    Left out are empty packets (a container's way to say "nothing new") and those that FFmpeg found
    cut off or inconsistent. What cannot be read any more ends the video: a truncated file gives
    the frames that are there.

    Attributes:
        is_damaged: something was left out because it could not be read.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self.is_damaged = False
        self._container = container
        self._stream = stream

    def __iter__(self) -> Iterator["Packet[VideoStream]"]:
        packets = self._container.demux(self._stream)
        try:
            for packet in packets:
                if packet.is_corrupt:
                    self.is_damaged = True
                elif packet.size:
                    yield packet
        except av.FFmpegError:
            self.is_damaged = True
