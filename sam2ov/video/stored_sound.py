"""The sound of a video, read and stored by the process of a worker for the one that writes videos.

What is stored is what will be written: the packets in a file of a plain container, and their exact
times, which that container would round, beside it. So the writer reads nothing from outside.
"""

from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final, Literal, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from numpy.typing import NDArray

from sam2ov.video.container import AUDIO_DECODERS, open_container
from sam2ov.video.limits import VideoLimits
from sam2ov.video.times import FrameTimes
from sam2ov.workers.heartbeat import beat

CONTAINER: Final = "matroska"
"""FFmpeg's name of the container: it takes every codec that any of ours takes."""

PACKETS_FILE, TIMES_FILE = "sound-{}.mka", "times-{}.npy"
"""Of a track: the packets; int64 [N, 3], their pts, dts and durations."""

Tracks = Literal["none", "first", "all"]
"""Which sound tracks are taken: the one that players choose, or each."""

_PREROLL = Fraction(1, 10)
"""Seconds of sound before the start that are kept, hidden by an edit list: decoders need them."""

_SEEK_MARGIN = Fraction(2)
"""Seconds before the start at which reading begins."""

_LEAST_GAP = Fraction(1, 20)
"""Seconds that sound may lag behind its times, which are not exact everywhere; more is a gap."""

_MOST_CHARACTERS = 200
"""Of a title or language."""

_NO_TITLES = ("Handler", "Core Media")
"""What mp4 and mov files have where a title would be, because programs put it there."""

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
"""Layouts by number of channels that all encoders and players know."""


@dataclass(frozen=True)
class SoundFormat:
    """What a container takes.

    Attributes:
        copied: codecs that it takes as they are.
        encoder: what other sound is encoded with.
        keeps_preroll: it hides what comes before the start, which decoders need.
    """

    copied: frozenset[str]
    encoder: str
    keeps_preroll: bool


@dataclass(frozen=True)
class StoredTrack:
    """A sound track that has been stored.

    Attributes:
        number: of its files.
        time_base: seconds per tick of its packets' times.
        language: as the source has it, such as "deu"; None where it has none.
        title: likewise.
        is_default: players choose it by themselves.
    """

    number: int
    time_base: Fraction
    language: str | None
    title: str | None
    is_default: bool


def store_sound(
    source: Path,
    times: FrameTimes,
    tracks: Tracks,
    wanted: SoundFormat,
    limits: VideoLimits,
    folder: Path,
) -> list[StoredTrack]:
    """Store the sound between the times of some frames, as the video that is written takes it.

    It is copied without loss where the container takes its codec, else encoded again (mono, stereo
    or 5.1; other layouts become stereo).

    Args:
        source: the video.
        times: of the frames.
        tracks: which of its sound tracks.
        wanted: what the container takes.
        limits: for opening the source.
        folder: where ``PACKETS_FILE`` and ``TIMES_FILE`` of each track are made.

    Returns:
        Those that are not silent meanwhile, in the order of the source.

    Raises:
        VideoOpenError: the source cannot be opened.
    """
    with open_container(source, limits) as container:
        told = [
            StoredTrack(
                stream.index,
                Fraction(1),
                _told(stream, "language"),
                _told(stream, "title") or _told(stream, "handler_name"),
                bool(stream.disposition & Disposition.default),
            )
            for stream in _sounds_of(container, tracks)
        ]
    stored = []
    for track in told:
        time_base = _stored(source, track.number, times, wanted, limits, folder)
        if time_base is not None:
            stored.append(replace(track, time_base=time_base))
    return stored


def _told(stream: AudioStream, name: str) -> str | None:
    """What a source says of a track: short, and without what no player shows."""
    text = "".join(each for each in stream.metadata.get(name, "") if each.isprintable())
    is_told = text not in {"", "und"} and not any(word in text for word in _NO_TITLES)
    return text[:_MOST_CHARACTERS] if is_told else None


def _stored(
    source: Path,
    index: int,
    times: FrameTimes,
    wanted: SoundFormat,
    limits: VideoLimits,
    folder: Path,
) -> Fraction | None:
    """Store a track; None, and no files, where it is silent meanwhile."""
    with open_container(source, limits) as container:
        if not _has_sound(container, _only(container, index), times):
            return None
    ticks = array("q")
    time_base = Fraction(1)
    with (
        open_container(source, limits) as container,
        av.open(str(folder / PACKETS_FILE.format(index)), "w", format=CONTAINER) as stored,
    ):
        stream = _only(container, index)
        _seek_near(container, stream, times)
        if stream.codec_context.codec.canonical_name in wanted.copied:
            preroll = _PREROLL if wanted.keeps_preroll else Fraction(0)
            packets = _copied(container, stream, times, stored, preroll)
        else:
            packets = _Encoder(stream, times, stored, wanted.encoder).packets(container)
        for number, packet in enumerate(packets):
            time_base = packet.time_base
            pts = 0 if packet.pts is None else packet.pts
            ticks.extend((pts, pts if packet.dts is None else packet.dts, packet.duration or 0))
            # In the container they only have to follow each other.
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = number
            stored.mux(packet)
    if not ticks:
        return None
    np.save(folder / TIMES_FILE.format(index), np.array(ticks, np.int64).reshape(-1, 3))
    return time_base


def _copied(
    container: InputContainer,
    stream: AudioStream,
    times: FrameTimes,
    stored: OutputContainer,
    preroll: Fraction,
) -> Iterator["Packet[AudioStream]"]:
    """The packets bit by bit; the cut is as fine as packets are (about 20 ms)."""
    copy = stored.add_stream_from_template(stream)
    time_base = cast("Fraction", stream.time_base)
    shift = round(times.source_start / time_base)
    for packet in _packets(container, stream):
        assert packet.pts is not None
        packet.pts -= shift
        packet.dts = packet.pts if packet.dts is None else packet.dts - shift
        begins = packet.pts * time_base
        if begins >= times.duration:
            return
        if begins >= -preroll:
            packet.stream = copy
            yield packet


class _Encoder:
    """Decodes and encodes again, cut to the sample."""

    def __init__(
        self, stream: AudioStream, times: FrameTimes, stored: OutputContainer, encoder: str
    ) -> None:
        self._stream = stream
        self._times = times
        self._rate = 48000 if encoder == "libopus" else _rate_for(encoder, stream)
        self._layout = _LAYOUTS.get(stream.codec_context.channels, "stereo")
        self._encoder = cast(
            "AudioStream", stored.add_stream(encoder, rate=self._rate, layout=self._layout)
        )

    def packets(self, container: InputContainer) -> Iterator["Packet[AudioStream]"]:
        """What is encoded, from the first to the last sample that is wanted."""
        for frame in chain(self._trimmed_frames(container), (None,)):
            yield from self._encoder.encode(frame)

    def _trimmed_frames(self, container: InputContainer) -> Iterator[AudioFrame]:
        sample_format = self._encoder.codec_context.format.name
        resampler = av.AudioResampler(format=sample_format, layout=self._layout, rate=self._rate)
        total = int(self._times.duration * self._rate)
        position: int | None = None
        for decoded in self._decoded_frames(container):
            assert decoded.pts is not None
            time_base = cast("Fraction", decoded.time_base)
            begins = decoded.pts * time_base - self._times.source_start
            expected = round(begins * self._rate)
            if position is None:
                position = expected
            elif expected - position > _LEAST_GAP * self._rate:
                yield from self._silence(sample_format, max(position, 0), min(expected, total))
                position = expected
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

    def _silence(self, sample_format: str, first: int, stop: int) -> Iterator[AudioFrame]:
        """Samples ``first`` … ``stop - 1``, a second at a time."""
        for begin in range(first, stop, self._rate):
            beat()
            samples = min(stop - begin, self._rate)
            frame = AudioFrame(format=sample_format, layout=self._layout, samples=samples)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.sample_rate = self._rate
            frame.pts, frame.time_base = begin, Fraction(1, self._rate)
            yield frame

    def _decoded_frames(self, container: InputContainer) -> Iterator[AudioFrame]:
        for packet in _packets(container, self._stream):
            try:
                frames = self._stream.codec_context.decode(packet)
            except av.FFmpegError:
                continue  # silence is put in its place
            yield from (frame for frame in frames if frame.pts is not None)


def _rate_for(encoder: str, stream: AudioStream) -> int:
    """The source's rate, at most 48 kHz; the next one up that an encoder knows."""
    wanted = min(stream.codec_context.sample_rate, 48000)
    known = av.Codec(encoder, "w").audio_rates
    return min((rate for rate in known if rate >= wanted), default=max(known)) if known else wanted


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
        for packet in packets:
            beat()
            if packet.size and packet.pts is not None:
                yield packet
    except av.FFmpegError:
        return  # Cut off, as the picture is.


def _sounds_of(source: InputContainer, tracks: Tracks) -> list[AudioStream]:
    usable = [
        stream
        for stream in source.streams.audio
        if stream.codec_context is not None
        and stream.codec_context.codec.name in AUDIO_DECODERS
        and not stream.disposition & Disposition.attached_pic
    ]
    if tracks == "first" and usable:
        best = source.streams.best("audio")
        return [best if isinstance(best, AudioStream) and best in usable else usable[0]]
    return [] if tracks == "none" else usable


def _only(source: InputContainer, index: int) -> AudioStream:
    """A track, with all other streams of the source left aside."""
    for other in source.streams:
        if other.index != index:
            other.discard = Discard.all
    return cast("AudioStream", source.streams[index])
