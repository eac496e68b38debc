"""The sound of a source, carried over to a written video."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Self, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray

from sam2ov.video.container import AUDIO_DECODERS, open_container
from sam2ov.video.encodings import Encoding
from sam2ov.video.limits import VideoLimits
from sam2ov.video.times import FrameTimes

_PREROLL = Fraction(1, 10)
"""Seconds of sound before the start that are kept, hidden by an edit list: decoders need them."""

_SEEK_MARGIN = Fraction(2)
"""Seconds before the start at which reading begins."""

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
"""Layouts by number of channels that all encoders and players know."""


class AudioTrack(ABC):
    """Feeds packets of sound to a container in step with the picture.

    Use ``audio_track`` to make one. It reads the source as it goes; nothing is held in memory.
    """

    def __init__(self, source: InputContainer, stream: AudioStream, times: FrameTimes) -> None:
        self._source = source
        self._stream = stream
        self._times = times
        self._pending: tuple[Fraction, Packet[AudioStream]] | None = None
        self._packets: Iterator[tuple[Fraction, Packet[AudioStream]]] = iter(())

    def begin(self) -> Self:
        """Start reading, after all streams of the output were added."""
        self._packets = self._timed_packets()
        self._pending = next(self._packets, None)
        return self

    def mux_until(self, output: OutputContainer, seconds: Fraction) -> None:
        """Write the sound that begins before ``seconds`` (on the clock of the output)."""
        while self._pending is not None and self._pending[0] < seconds:
            packet = self._pending[1]
            shift_packet(packet, self._times.shift)
            output.mux(packet)
            self._pending = next(self._packets, None)

    def close(self) -> None:
        """Release the source."""
        self._source.close()

    @abstractmethod
    def _timed_packets(self) -> Iterator[tuple[Fraction, "Packet[AudioStream]"]]:
        """Yield packets for the output with the second at which each begins."""


def shift_packet(packet: "Packet[AudioStream] | Packet[VideoStream]", seconds: Fraction) -> None:
    """Have an encoded packet begin later."""
    ticks = round(seconds / packet.time_base)
    if ticks and packet.pts is not None:
        packet.pts += ticks
        packet.dts = packet.pts if packet.dts is None else packet.dts + ticks


class CopiedAudio(AudioTrack):
    """Copies packets bit by bit; the cut is as fine as packets are (about 20 ms)."""

    def __init__(
        self,
        source: InputContainer,
        stream: AudioStream,
        times: FrameTimes,
        output: OutputContainer,
        *,
        keeps_preroll: bool,
    ) -> None:
        super().__init__(source, stream, times)
        self._output_stream = output.add_stream_from_template(stream)
        self._preroll = _PREROLL if keeps_preroll else Fraction(0)

    def _timed_packets(self) -> Iterator[tuple[Fraction, "Packet[AudioStream]"]]:
        time_base = cast("Fraction", self._stream.time_base)
        shift = round(self._times.source_start / time_base)
        for packet in _packets(self._source, self._stream):
            assert packet.pts is not None
            packet.pts -= shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            begins = packet.pts * time_base
            if begins >= self._times.duration:
                return
            if begins >= -self._preroll:
                packet.stream = self._output_stream
                yield begins, packet


class EncodedAudio(AudioTrack):
    """Decodes and encodes again, cut to the sample."""

    def __init__(
        self,
        source: InputContainer,
        stream: AudioStream,
        times: FrameTimes,
        output: OutputContainer,
        encoder: str,
    ) -> None:
        super().__init__(source, stream, times)
        self._rate = 48000 if encoder == "libopus" else min(stream.codec_context.sample_rate, 48000)
        self._layout = _LAYOUTS.get(stream.codec_context.channels, "stereo")
        self._encoder = cast(
            "AudioStream", output.add_stream(encoder, rate=self._rate, layout=self._layout)
        )

    def _timed_packets(self) -> Iterator[tuple[Fraction, "Packet[AudioStream]"]]:
        for frame in (*self._trimmed_frames(), None):
            for packet in self._encoder.encode(frame):
                yield Fraction(packet.pts or 0) * packet.time_base, packet

    def _trimmed_frames(self) -> Iterator[AudioFrame]:
        """Resampled sound from the first to the last sample that is wanted."""
        sample_format = self._encoder.codec_context.format.name
        resampler = av.AudioResampler(format=sample_format, layout=self._layout, rate=self._rate)
        total = int(self._times.duration * self._rate)
        position: int | None = None
        for decoded in self._decoded_frames():
            if position is None:
                assert decoded.pts is not None
                time_base = cast("Fraction", decoded.time_base)
                begins = decoded.pts * time_base - self._times.source_start
                position = round(begins * self._rate)
            decoded.pts = None
            for frame in resampler.resample(decoded):
                kept = _cut(frame, max(-position, 0), max(total - position, 0))
                if kept is not None:
                    kept.pts = max(position, 0)
                    kept.time_base = Fraction(1, self._rate)
                    yield kept
                position += frame.samples
            if position >= total:
                return

    def _decoded_frames(self) -> Iterator[AudioFrame]:
        for packet in _packets(self._source, self._stream):
            try:
                frames = self._stream.codec_context.decode(packet)
            except av.FFmpegError:
                continue  # A damaged packet is a short silence.
            yield from (frame for frame in frames if frame.pts is not None)


def _cut(frame: AudioFrame, first: int, stop: int) -> AudioFrame | None:
    """Samples ``first`` … ``stop - 1`` of a frame, or None where there are none."""
    if first == 0 and stop >= frame.samples:
        return frame
    if first >= min(stop, frame.samples):
        return None
    samples = frame.to_ndarray()
    if frame.format.is_planar:
        part = samples[:, first:stop]
    else:
        channels = frame.layout.nb_channels
        part = samples[:, first * channels : stop * channels]
    cut = AudioFrame.from_ndarray(
        cast("NDArray[np.float32]", np.ascontiguousarray(part)),  # or what the format says
        format=frame.format.name,
        layout=frame.layout.name,
    )
    cut.sample_rate = frame.sample_rate
    return cut


def audio_track(
    path: Path, times: FrameTimes, output: OutputContainer, encoding: Encoding, limits: VideoLimits
) -> AudioTrack | None:
    """Add the sound of the video at ``path`` to ``output``; None where it is silent meanwhile.

    The best sound track is taken. It is copied without loss where the container takes its codec,
    else encoded again (mono, stereo or 5.1; other layouts become stereo).

    Raises:
        VideoOpenError: the source cannot be opened.
    """
    with open_container(path, limits) as source:
        stream = _sound_of(source)
        if stream is None or not _has_sound(source, stream, times):
            return None
    source = open_container(path, limits)
    try:
        stream = _sound_of(source)
        assert stream is not None
        _seek_near(source, stream, times)
        if stream.codec_context.codec.canonical_name in encoding.copied_audio:
            keeps_preroll = encoding.muxer in {"mp4", "mov"}
            return CopiedAudio(source, stream, times, output, keeps_preroll=keeps_preroll)
        return EncodedAudio(source, stream, times, output, encoding.audio_encoder)
    except BaseException:
        source.close()
        raise


def _has_sound(source: InputContainer, stream: AudioStream, times: FrameTimes) -> bool:
    """Tell whether a packet lies between the first and the last frame."""
    _seek_near(source, stream, times)
    for packet in _packets(source, stream):
        assert packet.pts is not None
        begins = packet.pts * packet.time_base - times.source_start
        if begins >= times.duration:
            return False
        if begins + (packet.duration or 0) * packet.time_base > 0:
            return True
    return False


def _seek_near(source: InputContainer, stream: AudioStream, times: FrameTimes) -> None:
    """Skip most of what comes before the first frame; where seeking fails, all of it is read."""
    target = times.source_start - _SEEK_MARGIN
    if target > _SEEK_MARGIN:
        with suppress(av.FFmpegError):
            source.seek(int(target / cast("Fraction", stream.time_base)), stream=stream)


def _packets(source: InputContainer, stream: AudioStream) -> Iterator["Packet[AudioStream]"]:
    packets = source.demux(stream)
    try:
        yield from (packet for packet in packets if packet.size and packet.pts is not None)
    except av.FFmpegError:
        return  # Cut off, as the picture is.


def _sound_of(source: InputContainer) -> AudioStream | None:
    usable = [
        stream
        for stream in source.streams.audio
        if stream.codec_context is not None
        and stream.codec_context.codec.name in AUDIO_DECODERS
        and not stream.disposition & Disposition.attached_pic
    ]
    if not usable:
        return None
    best = source.streams.best("audio")
    chosen = best if isinstance(best, AudioStream) and best in usable else usable[0]
    for other in source.streams:
        if other.index != chosen.index:
            other.discard = Discard.all
    return chosen
