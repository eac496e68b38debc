"""The sound of a source, carried over to a written video."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from sam2ov.errors import VideoOpenError
from sam2ov.video.encodings import Encoding
from sam2ov.video.limits import VideoLimits
from sam2ov.video.stored_sound import (
    CONTAINER,
    PACKETS_FILE,
    TIMES_FILE,
    SoundFormat,
    store_sound,
)
from sam2ov.video.times import FrameTimes
from sam2ov.workers.confinement import Confinement
from sam2ov.workers.worker import call_in_worker


class AudioTrack:
    """Feeds packets of sound to a container in step with the picture.

    Use ``audio_track`` to make one. It reads what was stored as it goes; nothing is held in memory.
    """

    def __init__(
        self,
        folder: "TemporaryDirectory[str]",
        stored: InputContainer,
        time_base: Fraction,
        times: FrameTimes,
        output: OutputContainer,
    ) -> None:
        self._folder = folder
        self._stored = stored
        self._time_base = time_base
        self._times = times
        self._output = output
        self._stream = stored.streams.audio[0]
        self._output_stream = output.add_stream_from_template(self._stream)
        self._packets = self._timed_packets()
        self._pending: tuple[Fraction, Packet[AudioStream]] | None = None

    def begin(self) -> None:
        """Start reading, after all streams of the output were added."""
        self._pending = next(self._packets, None)

    def mux_until(self, seconds: Fraction) -> None:
        """Write the sound that begins before ``seconds`` (on the clock of the output)."""
        while self._pending is not None and self._pending[0] < seconds:
            packet = self._pending[1]
            shift_packet(packet, self._times.shift)
            self._output.mux(packet)
            self._pending = next(self._packets, None)

    def close(self) -> None:
        """Release what was stored."""
        self._stored.close()
        self._folder.cleanup()

    def _timed_packets(self) -> Iterator[tuple[Fraction, "Packet[AudioStream]"]]:
        """Packets for the output with the second at which each begins."""
        ticks = np.load(Path(self._folder.name, TIMES_FILE), mmap_mode="r")
        packets = (packet for packet in self._stored.demux(self._stream) if packet.size)
        for packet, (pts, dts, duration) in zip(packets, ticks, strict=True):
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


def audio_track(
    path: Path,
    times: FrameTimes,
    output: OutputContainer,
    encoding: Encoding,
    limits: VideoLimits,
    beside: Path,
) -> AudioTrack | None:
    """Add the sound of the video at ``path`` to ``output``; None where it is silent meanwhile.

    Args:
        path: the source, which a worker reads; see ``store_sound``.
        times: of the frames of the output.
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
        sound = call_in_worker(
            store_sound,
            path,
            times,
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
        if sound is None:
            folder.cleanup()
            return None
        stored = av.open(str(place / PACKETS_FILE), format=CONTAINER)
        return AudioTrack(folder, stored, sound.time_base, times, output)
    except BaseException:
        folder.cleanup()
        raise
