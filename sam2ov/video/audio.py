"""The sound of a source, carried over to a written video."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from sam2ov.errors import ExportError, SilentClipError, VideoOpenError
from sam2ov.unfinished import unfinished_file
from sam2ov.video.encodings import H264, Encoding
from sam2ov.video.limits import VideoLimits
from sam2ov.video.probe import VideoInfo
from sam2ov.video.stored_sound import (
    CONTAINER,
    PACKETS_FILE,
    TIMES_FILE,
    SoundFormat,
    StoredTrack,
    Tracks,
    store_sound,
)
from sam2ov.video.times import FrameTimes
from sam2ov.workers.confinement import Confinement
from sam2ov.workers.worker import call_in_worker

_MOV_LANGUAGES: Final = {
    "deu": "ger",
    "ell": "gre",
    "isl": "ice",
    "nld": "dut",
    "swe": "sve",
    "zho": "chi",
}
"""By ISO 639-2's own codes, those of QuickTime's languages that FFmpeg writes into mov files."""


_LISTENING: Final = replace(H264, copied_audio=frozenset({"aac", "flac", "mp3", "opus"}))
"""What browsers play without a picture."""


def write_sound(source: Path, info: VideoInfo, path: Path, limits: VideoLimits) -> None:
    """Write the first sound track of a video alone, as browsers play it, from its first frame on.

    Args:
        source: the video, which a worker reads.
        info: of it.
        path: of an mp4 file.
        limits: for opening the source.

    Raises:
        SilentClipError: there is none.
        VideoOpenError: the source cannot be opened.
        ExportError: the file cannot be written.
    """
    times, options = FrameTimes.of(info), dict(_LISTENING.muxer_options)
    try:
        with (
            unfinished_file(path) as unfinished,
            av.open(str(unfinished), "w", format="mp4", options=options) as output,
        ):
            sound = carried_sound(source, times, "first", output, _LISTENING, limits, path.parent)
            if sound is None:
                raise SilentClipError(f"{info.name} has no sound.")
            try:
                output.start_encoding()
                sound.begin()
                sound.mux_until(times.duration + 1)
            finally:
                sound.close()
    except (av.FFmpegError, OSError, ValueError) as error:  # the muxer, or the folder beside it
        raise ExportError(
            f"The sound of {info.name} cannot be written: {error}. Play the clip without it."
        ) from error


class Sound:
    """Feeds the sound of a source to a container in step with the picture.

    Use ``carried_sound`` to make it. It reads what was stored as it goes; nothing is held in
    memory.
    """

    def __init__(
        self,
        folder: "TemporaryDirectory[str]",
        tracks: Sequence[StoredTrack],
        times: FrameTimes,
        output: OutputContainer,
    ) -> None:
        self._folder = folder
        self._tracks: list[_Track] = []
        try:
            for track in tracks:
                self._tracks.append(_Track(Path(folder.name), track, times, output))
        except BaseException:
            self.close()
            raise

    def begin(self) -> None:
        """Start reading, after all streams of the output were added."""
        for track in self._tracks:
            track.begin()

    def mux_until(self, seconds: Fraction) -> None:
        """Write the sound that begins before ``seconds`` (on the clock of the output)."""
        for track in self._tracks:
            track.mux_until(seconds)

    def close(self) -> None:
        """Release what was stored."""
        for track in self._tracks:
            track.close()
        self._folder.cleanup()


class _Track:
    """One of its tracks; the same methods."""

    def __init__(
        self, folder: Path, told: StoredTrack, times: FrameTimes, output: OutputContainer
    ) -> None:
        self._ticks = np.load(folder / TIMES_FILE.format(told.number), mmap_mode="r")
        self._stored = av.open(str(folder / PACKETS_FILE.format(told.number)), format=CONTAINER)
        self._time_base = told.time_base
        self._times = times
        self._output = output
        self._stream = self._stored.streams.audio[0]
        self._output_stream = output.add_stream_from_template(self._stream)
        self._output_stream.disposition = Disposition.default if told.is_default else Disposition(0)
        # mp4 and mov have a track's title in the name of its handler.
        language = told.language
        if output.format.name == "mov" and language is not None:
            language = _MOV_LANGUAGES.get(language, language)
        told_as = {"language": language, "title": told.title, "handler_name": told.title}
        self._output_stream.metadata.update(
            {name: text for name, text in told_as.items() if text is not None}
        )
        self._packets = self._timed_packets()
        self._pending: tuple[Fraction, Packet[AudioStream]] | None = None

    def begin(self) -> None:
        self._pending = next(self._packets, None)

    def mux_until(self, seconds: Fraction) -> None:
        while self._pending is not None and self._pending[0] < seconds:
            packet = self._pending[1]
            shift_packet(packet, self._times.shift)
            self._output.mux(packet)
            self._pending = next(self._packets, None)

    def close(self) -> None:
        self._stored.close()

    def _timed_packets(self) -> Iterator[tuple[Fraction, "Packet[AudioStream]"]]:
        """Packets for the output with the second at which each begins."""
        packets = (packet for packet in self._stored.demux(self._stream) if packet.size)
        for packet, (pts, dts, duration) in zip(packets, self._ticks, strict=True):
            packet.time_base = self._time_base
            packet.pts, packet.dts, packet.duration = int(pts), int(dts), int(duration)
            packet.stream = self._output_stream
            yield packet.pts * self._time_base, packet


def shift_packet(packet: "Packet[AudioStream] | Packet[VideoStream]", seconds: Fraction) -> None:
    """Have an encoded packet begin later."""
    ticks = round(seconds / packet.time_base)
    if ticks and packet.pts is not None:
        packet.pts += ticks
        packet.dts = packet.pts if packet.dts is None else packet.dts + ticks


def carried_sound(
    path: Path,
    times: FrameTimes,
    tracks: Tracks,
    output: OutputContainer,
    encoding: Encoding,
    limits: VideoLimits,
    beside: Path,
) -> Sound | None:
    """Add the sound of the video at ``path`` to ``output``; None where it is silent meanwhile.

    Args:
        path: the source, which a worker reads; see ``store_sound``.
        times: of the frames of the output.
        tracks: which of its sound tracks; their languages, titles and default flags go with them.
        output: the video that is written.
        encoding: of it.
        limits: for opening the source.
        beside: a folder with room for the sound.

    Raises:
        VideoOpenError: the source cannot be opened.
    """
    folder = TemporaryDirectory(prefix="sam2ov-sound-", dir=beside)
    try:
        place = Path(folder.name).resolve()
        stored = call_in_worker(
            store_sound,
            path,
            times,
            tracks,
            SoundFormat(
                encoding.copied_audio, encoding.audio_encoder, encoding.muxer in {"mp4", "mov"}
            ),
            limits,
            place,
            allowed=Confinement((path.resolve(),), (place,), file_bytes=limits.max_bytes),
            lost=lambda how: VideoOpenError(
                f"The sound of {path} cannot be read: reading it {how}. Export without sound."
            ),
        )
        if not stored:
            folder.cleanup()
            return None
        return Sound(folder, stored, times, output)
    except BaseException:
        folder.cleanup()
        raise
