"""What people call a source of live pictures by, and how FFmpeg is to open it.

FFmpeg is told which demuxers and protocols are admitted, so that an address leads to nothing but
that kind of stream: no playlist on the net names a file of this computer.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

from sam2ov.errors import VideoOpenError

Kind = Literal["camera", "stream", "stdin", "file"]

_PLAIN: Final = "mpegts,matroska,flv,live_flv,mov,mjpeg,mpjpeg,h264,hevc,ivf,ogg,yuv4mpegpipe"
_HTTP: Final = "http,https,tls,tcp"
_PROTOCOLS: Final[Mapping[str, tuple[str, str]]] = {
    "http": (_HTTP, f"{_PLAIN},hls"),
    "https": (_HTTP, f"{_PLAIN},hls"),
    "rtsp": ("rtsp,rtp,srtp,udp,tcp,tls,http,https", "rtsp"),
    "rtsps": ("rtsp,rtp,srtp,udp,tcp,tls,http,https", "rtsp"),
    "rtmp": ("rtmp,tcp", "flv,live_flv"),
    "rtmps": ("rtmps,rtmp,tls,tcp", "flv,live_flv"),
    "srt": ("srt", _PLAIN),
    "udp": ("udp", _PLAIN),
    "tcp": ("tcp", _PLAIN),
}
"""By scheme: FFmpeg's protocols and demuxers that are admitted."""

_CAMERA_FORMATS: Final[Mapping[str, str]] = {
    "linux": "v4l2",
    "darwin": "avfoundation",
    "win32": "dshow",
}
_V4L_NAMES: Final = Path("/sys/class/video4linux")


@dataclass(frozen=True)
class LiveInput:
    """A source, and how it is opened.

    Attributes:
        kind: "camera", "stream" (an address), "stdin", or "file", which is shown at its own pace.
        url: what FFmpeg opens; "-" for standard input.
        demuxer: of FFmpeg; None lets it look, among those that are admitted.
        options: of FFmpeg.
        name: for people, without a password.
    """

    kind: Kind
    url: str
    demuxer: str | None = None
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    name: str = ""

    @property
    def comes_back(self) -> bool:
        """Whether it may be there again after it has gone."""
        return self.kind in {"camera", "stream"}


def parse_input(
    source: str,
    *,
    size: tuple[int, int] | None = None,
    rate: float | None = None,
    platform: str = sys.platform,
) -> LiveInput:
    """What a source is by what people call it.

    Args:
        source: a camera's number, "/dev/video0" or its name; an address (rtsp, rtmp, http, srt, udp
            …); "-" for standard input; or a video file.
        size: width and height to ask a camera for.
        rate: frames per second to ask a camera for.
        platform: whose cameras; as ``sys.platform``.

    Raises:
        VideoOpenError: it is none of these.
    """
    if source == "-":
        return LiveInput("stdin", source, None, {"format_whitelist": _PLAIN}, "standard input")
    if "://" in source:
        return _stream(source)
    if Path(source).is_file():
        return LiveInput("file", source, name=source)
    options = {}
    if size is not None:
        options["video_size"] = f"{size[0]}x{size[1]}"
    if rate is not None:
        options["framerate"] = f"{rate:g}"
    demuxer = _CAMERA_FORMATS.get(platform)
    if demuxer is None:
        raise VideoOpenError(
            f"Cameras of {platform} are not known. Give the address of a stream instead."
        )
    if demuxer == "v4l2":
        place = _v4l_place(source)
    elif demuxer == "dshow":
        place = f"video={source}"
    else:
        place = source
        options.setdefault("framerate", "30")  # it has no default that cameras take
    return LiveInput("camera", place, demuxer, options, f"camera {source}")


def _stream(source: str) -> LiveInput:
    try:
        address = urlsplit(source)
        scheme, host, port = address.scheme.lower(), address.hostname, address.port
    except ValueError:
        # Neither it nor what is said of it may be told: its password may be in both.
        raise VideoOpenError(
            "This is no address of a stream: its host or port cannot be read. Write it as "
            "rtsp://USER:PASSWORD@HOST:PORT/PATH, with %2F for / in a password, and so on."
        ) from None
    if scheme not in _PROTOCOLS:
        known = ", ".join(_PROTOCOLS)
        raise VideoOpenError(
            f"Streams with {scheme}:// are not read. Take one of {known}, a camera, or a file."
        )
    protocols, demuxers = _PROTOCOLS[scheme]
    options = {
        "protocol_whitelist": protocols,
        "format_whitelist": demuxers,
        "fflags": "nobuffer",
        "flags": "low_delay",
    }
    if scheme.startswith("rtsp"):
        options["rtsp_transport"] = "tcp"  # over UDP a lost packet leaves a torn picture
    # What a stream is called in messages must not have its password in it.
    name = f"{scheme}://{host or ''}{f':{port}' if port else ''}{address.path}"
    return LiveInput("stream", source, None, options, name)


def _v4l_place(source: str) -> str:
    if source.isdecimal() and len(source) < 4:
        return f"/dev/video{source}"
    if source.startswith("/dev/"):
        return source
    for entry in sorted(_V4L_NAMES.glob("video*/name")):
        if entry.read_text(errors="replace").strip() == source:
            return f"/dev/{entry.parent.name}"
    host = source.rpartition("@")[2]  # before it stands a password, if it was to be an address
    shown = source if host == source else f"…@{host}"
    raise VideoOpenError(
        f"{shown} is no camera, no file and no address. Give a camera's number (0) or name, an "
        'address such as rtsp://HOST/PATH, a video file, or "-" for standard input.'
    )
