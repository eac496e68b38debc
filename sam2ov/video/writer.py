"""Writing videos frame by frame, with exact times, true colours and the source's sound."""

import errno
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream

from sam2ov.errors import VideoError, VideoWriteError
from sam2ov.unfinished import UnfinishedFile
from sam2ov.values.timecode import Timecode
from sam2ov.video import clean_aperture, matroska
from sam2ov.video.audio import carried_sound, shift_packet
from sam2ov.video.color import EXACT, MATRICES, ColorTags, is_rgb
from sam2ov.video.encodings import H264, Encoding
from sam2ov.video.limits import VideoLimits
from sam2ov.video.probe import VideoInfo
from sam2ov.video.samples import shifted
from sam2ov.video.stored_sound import Tracks
from sam2ov.video.times import FrameTimes
from sam2ov.video.tone_mapping import Deep

_ADVICE = {
    errno.ENOSPC: "The disk is full: free some space, or write elsewhere.",
    errno.EDQUOT: "Your quota is used up: free some space, or write elsewhere.",
    errno.EFBIG: "The file has become larger than allowed: write a shorter or smaller video.",
    errno.EACCES: "You may not write there: choose another folder.",
    errno.EROFS: "That disk is read-only: choose another folder.",
    errno.ENOENT: "The folder does not exist: create it first.",
}


Frame = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_WITH_TIMECODE = frozenset({"mp4", "mov", "matroska"})


class VideoWriter:
    """Writes a video; the file appears under its name when it is complete, or not at all.

    Frames are written to a hidden file beside it, which is renamed by ``close`` and removed by
    ``abort``. As a context manager it is closed on success and aborted on an error.

    Odd widths and heights, where the codec does not take them, are made even by repeating the last
    column or row: nothing is cut off, and no pixel changes its place. An mp4 then says that these
    are not shown (``clap``).

    A thread encodes one frame while the caller makes the next; what goes wrong with it is raised by
    the call after that.

    Args:
        path: the file to write; its suffix should be that of the encoding.
        size_hw: height and width of the frames.
        times: when the frames are shown; as many are expected.
        encoding: container and codec.
        has_alpha: frames are RGBA.
        is_grey: frames are grey, full range.
        color: tags to keep from the source. The pixels are converted with its YUV matrix, in
            limited range; RGB sources get BT.709.
        sample_aspect_ratio: width / height of a pixel.
        audio_from: a video whose sound is carried over, between the times of the frames.
        audio: which of its sound tracks.
        timecode: of the first frame; mp4, mov and mkv hold it.
        limits: for opening ``audio_from``.

    Attributes:
        path: the file to write.
        num_written: frames so far.

    Raises:
        VideoWriteError: the file cannot be created, or the encoder does not take the arguments.
        VideoOpenError: ``audio_from`` cannot be opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size_hw: tuple[int, int],
        times: FrameTimes,
        *,
        encoding: Encoding = H264,
        has_alpha: bool = False,
        is_grey: bool = False,
        color: ColorTags | None = None,
        sample_aspect_ratio: Fraction = Fraction(1),
        audio_from: Path | None = None,
        audio: Tracks = "all",
        timecode: Timecode | None = None,
        limits: VideoLimits | None = None,
    ) -> None:
        self.path = Path(path)
        self.num_written = 0
        self._size_hw = size_hw
        self._times = times
        self._shape = size_hw if is_grey else (*size_hw, 4 if has_alpha else 3)
        self._color = color or ColorTags()
        self._is_cropped = False
        self._display_size: tuple[int, int] | None = None
        self._reformatter = VideoReformatter()
        self._unfinished: UnfinishedFile | None = None
        self._is_done = False
        self._audio = None
        self._container = None
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="sam2ov-encode")
        self._in_work: Future[None] | None = None
        try:
            self._unfinished = UnfinishedFile(self.path)
            self._container = av.open(
                str(self._unfinished.path.absolute()),
                "w",
                format=encoding.muxer,
                container_options=dict(encoding.muxer_options),
            )
            height, width = size_hw
            if encoding.pads_to_even and encoding.muxer in clean_aperture.MUXERS:
                self._is_cropped = bool(height % 2 or width % 2)
            if self._is_cropped:
                self._container.metadata["comment"] = clean_aperture.RESERVED_COMMENT
            if timecode is not None and encoding.muxer in _WITH_TIMECODE:
                self._container.metadata["timecode"] = str(timecode)
            self._stream = self._add_stream(encoding, has_alpha, sample_aspect_ratio)
            if audio_from is not None:
                self._audio = carried_sound(
                    audio_from,
                    times,
                    audio,
                    self._container,
                    encoding,
                    limits or VideoLimits(),
                    self._unfinished.path.parent,
                )
            self._container.start_encoding()
            if self._audio is not None:
                self._audio.begin()
        except BaseException as error:
            self.abort()
            self._explain(error)
            raise

    @staticmethod
    def for_source(
        path: str | os.PathLike[str],
        info: VideoInfo,
        *,
        start: int = 0,
        stop: int | None = None,
        encoding: Encoding = H264,
        has_alpha: bool = False,
        is_grey: bool = False,
        audio: Tracks = "all",
        keep_start: bool = False,
        keeps_hdr: bool = False,
        limits: VideoLimits | None = None,
    ) -> "VideoWriter":
        """Make a writer for frames ``start`` … ``stop - 1`` of a source, as displayed.

        Times, timecode, colours, pixel aspect and sound are those of the source. The first frame
        appears at once or, with ``keep_start``, when it does in the source. Colours are tagged as
        HDR only with ``keeps_hdr``.
        """
        return VideoWriter(
            path,
            info.size_hw,
            FrameTimes.of(info, start, stop, keep_start=keep_start),
            encoding=encoding,
            has_alpha=has_alpha,
            is_grey=is_grey,
            color=info.color if keeps_hdr else info.shown_color,
            sample_aspect_ratio=info.sample_aspect_ratio,
            audio_from=info.path if audio != "none" and info.has_audio else None,
            audio=audio,
            timecode=None if info.is_vfr else info.timecode_of(start),
            limits=limits,
        )

    def _add_stream(
        self, encoding: Encoding, has_alpha: bool, sample_aspect_ratio: Fraction
    ) -> VideoStream:
        pixel_format = encoding.alpha_pixel_format if has_alpha else encoding.pixel_format
        if pixel_format is None:
            raise VideoWriteError(
                f"{encoding.encoder} cannot store alpha. Choose ProRes 4444, VP9 or FFV1."
            )
        assert self._container is not None
        height, width = self._size_hw
        if encoding.pads_to_even:
            height, width = height + height % 2, width + width % 2
        options = dict(encoding.options_for(len(self._times)))
        if encoding.gop_seconds:
            options["g"] = str(max(ceil(encoding.gop_seconds * self._times.fps), 1))
        stream = cast(
            "VideoStream",
            self._container.add_stream(encoding.encoder, rate=self._times.fps, options=options),
        )
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        context = stream.codec_context
        if encoding.codec_tag is not None:
            context.codec_tag = encoding.codec_tag
        context.time_base = self._times.time_base
        context.sample_aspect_ratio = sample_aspect_ratio
        if sample_aspect_ratio != 1 and encoding.muxer in matroska.MUXERS:
            stream.metadata["title"] = matroska.RESERVED_NAME
            self._display_size = round(width * sample_aspect_ratio), height
        self._matrix = self._color.effective_matrix(width, height)
        context.color_primaries = self._color.primaries
        context.color_trc = self._color.transfer
        self._is_yuv = not is_rgb(av.VideoFormat(pixel_format))
        if not self._is_yuv:  # no matrix, and all values are in use
            context.color_range = ColorRange.JPEG
        else:
            context.colorspace = self._matrix
            context.color_range = ColorRange.MPEG
        return stream

    def write(self, frame: Frame) -> None:
        """Append a frame.

        Args:
            frame: uint8 or uint16 RGB [H, W, 3], or RGBA [H, W, 4] (straight alpha) with
                ``has_alpha``, or grey [H, W] with ``is_grey``.

        Raises:
            VideoWriteError: wrong shape or type, one frame too many, or it cannot be stored.
        """
        if self._is_done:
            raise VideoWriteError(f"{self.path} is closed. Open a new writer.")
        try:
            self._check(frame)
            picture = self._to_picture(frame)
            picture.pts = int(self._times.pts[self.num_written])
            picture.time_base = self._times.time_base
            self._wait_for_encoder()
            self._in_work = self._encoder.submit(self._encode, picture)
            self.num_written += 1
        except BaseException as error:
            self.abort()
            self._explain(error)
            raise

    def _check(self, frame: Frame) -> None:
        is_right = frame.dtype in (np.uint8, np.uint16)
        if not is_right or frame.shape != self._shape:
            raise VideoWriteError(
                f"frame {self.num_written} is {frame.dtype} {frame.shape}, expected uint8 "
                f"{self._shape}, or uint16."
            )
        if self.num_written >= len(self._times):
            raise VideoWriteError(
                f"{self.path} was to have {len(self._times)} frames, and there comes another."
            )

    def _to_picture(self, frame: Frame) -> VideoFrame:
        height, width = self._size_hw
        extra = (self._stream.height - height, self._stream.width - width)
        if any(extra):
            channels = ((0, 0),) * (frame.ndim - 2)
            padding = ((0, extra[0]), (0, extra[1]), *channels)
            frame = cast("Frame", np.pad(frame, padding, mode="edge"))
        if frame.dtype == np.uint16 and frame.ndim == 3 and self._is_yuv:
            colours = shifted(cast("Deep", frame[..., :3]))
            frame = cast("Frame", np.dstack([colours, frame[..., 3:]]))
        whole = cast("Frame", np.ascontiguousarray(frame))
        return VideoFrame.from_ndarray(whole, format=_format_of(frame))

    def _encode(self, picture: VideoFrame) -> None:
        converted = self._reformatter.reformat(
            picture,
            format=self._stream.pix_fmt,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=MATRICES[self._matrix],
            dst_color_range=ColorRange.MPEG,
            interpolation=EXACT,
        )
        # Some encoders look at the pictures' tags, others at the stream's.
        converted.color_primaries = self._color.primaries
        converted.color_trc = self._color.transfer
        self._mux(converted)

    def _wait_for_encoder(self) -> None:
        if self._in_work is not None:
            in_work, self._in_work = self._in_work, None
            in_work.result()

    def _mux(self, picture: VideoFrame | None) -> None:
        assert self._container is not None
        for packet in self._stream.encode(picture):
            assert packet.pts is not None
            seconds = packet.pts * packet.time_base
            ticks = self._times.duration_at(round(seconds / self._times.time_base))
            packet.duration = round(ticks * self._times.time_base / packet.time_base)
            if self._audio is not None:
                self._audio.mux_until(seconds)
            shift_packet(packet, self._times.shift)
            self._container.mux(packet)

    def close(self) -> None:
        """Complete the file and give it its name. Nothing happens when called twice.

        Raises:
            VideoWriteError: frames are missing, or the file cannot be completed.
        """
        if self._is_done:
            return
        try:
            if self.num_written < len(self._times):
                raise VideoWriteError(
                    f"{self.path} was to have {len(self._times)} frames, but only "
                    f"{self.num_written} were written. Write all of them, or abort."
                )
            assert self._container is not None
            assert self._unfinished is not None
            self._wait_for_encoder()
            self._encoder.shutdown()
            self._mux(None)
            if self._audio is not None:
                self._audio.mux_until(self._times.duration)
                self._audio.close()
            self._container.close()
            self._say_what_is_shown(self._unfinished.path)
            self._unfinished.complete()
        except BaseException as error:
            self.abort()
            self._explain(error)
            raise
        self._is_done = True

    def _say_what_is_shown(self, path: Path) -> None:
        """What FFmpeg's muxers do not."""
        if self._display_size is not None:
            matroska.set_display(path, self._display_size)
        if self._is_cropped:
            stored = self._stream.width, self._stream.height
            height, width = self._size_hw
            clean_aperture.set_clean_aperture(path, (width, height), stored)

    def abort(self) -> None:
        """Give up: nothing stays behind, a file that was there before is untouched."""
        if self._is_done:
            return
        self._is_done = True
        self._encoder.shutdown()  # what fails in it now is of no interest any more
        if self._audio is not None:
            self._audio.close()
        if self._container is not None:
            # It is thrown away, complete or not.
            with suppress(av.FFmpegError, OSError, ValueError):
                self._container.close()
        if self._unfinished is not None:
            self._unfinished.discard()

    def _explain(self, error: BaseException) -> None:
        """Raise a VideoWriteError for what FFmpeg or the system reports."""
        if isinstance(error, Exception) and not isinstance(error, VideoError):
            advice = _ADVICE.get(getattr(error, "errno", 0) or 0, "Check size and encoding.")
            raise VideoWriteError(f"{self.path} cannot be written: {error}. {advice}") from error

    @property
    def num_bytes(self) -> int:
        """Of the file so far, without what is still in memory; 0 once it is done."""
        return 0 if self._is_done or self._unfinished is None else _size_of(self._unfinished.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _format_of(frame: Frame) -> str:
    """FFmpeg's name of the samples of an array."""
    if frame.ndim == 2:
        return "gray" if frame.dtype == np.uint8 else "gray16le"
    if frame.dtype == np.uint16:
        return "rgba64le" if frame.shape[2] == 4 else "rgb48le"
    return "rgba" if frame.shape[2] == 4 else "rgb24"
