"""Pictures of a camera or stream, as FFmpeg gives them."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from sam2ov.errors import FrameDecodeError, VideoOpenError
from sam2ov.video.cache import Image
from sam2ov.video.color import RgbConverter
from sam2ov.video.container import VIDEO_DECODERS, open_container, video_stream
from sam2ov.video.limits import VideoLimits
from sam2ov.video.live.inputs import LiveInput

_OPEN_SECONDS: Final = 10.0
_SILENT_SECONDS: Final = 10.0
"""A stream that sends nothing for so long has gone."""


class Capture:
    """Opens a source as often as it comes back; all pictures have the size of the first.

    Each call gives an iterator over uint8 RGB [H, W, 3], which ends where the source does and
    raises ``VideoOpenError`` where it cannot be opened, or has gone. The pictures are decoded in
    this process: what may open cameras and connections cannot be confined as readers of files are.

    Args:
        source: what to open.
        limits: of its pictures.
    """

    def __init__(self, source: LiveInput, limits: VideoLimits | None = None) -> None:
        self._source = source
        self._limits = limits or VideoLimits()
        self._size: tuple[int, int] | None = None

    def __call__(self) -> Iterator[Image]:
        """The pictures of the source, which is opened now; see above."""
        container = self._open()
        try:
            yield from self._pictures(container)
        except av.FFmpegError as error:
            raise VideoOpenError(
                f"{self._source.name} has gone: {error.strerror or error}."
            ) from error
        finally:
            container.close()

    def _open(self) -> InputContainer:
        source = self._source
        if source.kind == "file":
            return open_container(Path(source.url), self._limits, source.name)
        options = {
            **source.options,
            "codec_whitelist": ",".join(sorted(VIDEO_DECODERS)),
            "max_pixels": str(self._limits.max_pixels),
        }
        is_stdin = source.kind == "stdin"
        try:
            return av.open(
                sys.stdin.buffer if is_stdin else source.url,
                "r",
                format=source.demuxer,
                options=options,
                metadata_errors="replace",
                timeout=None if is_stdin else (_OPEN_SECONDS, _SILENT_SECONDS),
            )
        except (av.FFmpegError, ValueError, OSError) as error:
            # The texts of FFmpeg's own errors quote the address, which may have a password.
            reason = type(error).__name__
            if isinstance(error, av.FFmpegError | OSError):
                reason = error.strerror or reason
            raise VideoOpenError(
                f"{source.name} cannot be opened: {reason}. Check that it is there, that nobody "
                "else uses it, and its address or number."
            ) from error

    def _pictures(self, container: InputContainer) -> Iterator[Image]:
        stream = video_stream(container, self._source.name, self._limits)
        context = stream.codec_context
        context.thread_type = "SLICE"  # frames side by side would come later
        if self._size is None:
            self._size = context.width, context.height
        pace = _Pace() if self._source.kind == "file" else None
        converter: RgbConverter | None = None
        stored = (0, 0)
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.InvalidDataError:  # a torn picture; the next ones may be whole
                continue
            for frame in frames:
                if converter is None or stored != (frame.width, frame.height):
                    self._limits.check_pixels(self._source.name, frame.width, frame.height)
                    stored = frame.width, frame.height
                    converter = RgbConverter(*stored, scaled_to=self._size)
                if pace is not None:
                    pace.wait_for(frame)
                try:
                    yield cast(Image, converter.convert(frame))
                except FrameDecodeError as error:
                    raise VideoOpenError(f"{self._source.name}: {error}") from error


class _Pace:
    """Shows a file as a camera would: each picture at its time."""

    def __init__(self) -> None:
        self._began: float | None = None

    def wait_for(self, frame: VideoFrame) -> None:
        seconds = frame.time or 0.0
        now = time.monotonic()
        if self._began is None:
            self._began = now - seconds
        time.sleep(max(self._began + seconds - now, 0))
