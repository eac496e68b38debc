"""Decoding forward from a keyframe, and finding that keyframe in the file."""

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from sam2ov.video.container import PacketReader, decoding_context, open_container, video_stream
from sam2ov.video.index import FrameIndex
from sam2ov.video.limits import VideoLimits

NumberedPackets = Iterator[tuple[int, "Packet[VideoStream]"]]
"""Packets with their numbers in decoding order."""


class DecodingRun:
    """Pictures in presentation order from one starting packet to the end of the stream.

    Iterating yields ``(packet number, picture)``. A packet that cannot be decoded is skipped, as
    players do; its frame then does not come out.

    Attributes:
        next_packet: number of the packet that is sent to the decoder next.
        skip_before: pictures of frames before this one are not wanted; those that no other frame
            depends on are not even decoded.
        has_errors: a packet could not be decoded so far.
    """

    def __init__(
        self,
        context: VideoCodecContext,
        packets: NumberedPackets,
        start: int,
        frame_of_packet: npt.NDArray[np.int32] | None = None,
    ) -> None:
        self.next_packet = start
        self.skip_before = 0
        self.has_errors = False
        self._context = context
        self._frame_of_packet = frame_of_packet
        self._pictures = self._decode(packets, start)

    def __iter__(self) -> Iterator[tuple[int, VideoFrame]]:
        return self._pictures

    def starts_cleanly(self) -> bool:
        """Decode the first picture and tell whether it is the one of the starting packet.

        Where it is not, the keyframe was a mere promise: the picture is refreshed bit by bit over
        the following frames, and these come out approximately right at best.
        """
        assert self._frame_of_packet is not None
        key_frame = int(self._frame_of_packet[self.next_packet])
        for packet, picture in self._pictures:
            frame_idx = int(self._frame_of_packet[packet])
            # Pictures that are shown before the keyframe (open GOP) refer to ones before it.
            if frame_idx >= key_frame:
                self._pictures = chain([(packet, picture)], self._pictures)
                return frame_idx == key_frame
        return False

    def _decode(self, packets: NumberedPackets, start: int) -> Iterator[tuple[int, VideoFrame]]:
        for number, packet in packets:
            if number < start:
                continue
            if self._frame_of_packet is not None and number >= len(self._frame_of_packet):
                break  # The file has grown since it was indexed.
            self.next_packet = number + 1
            is_unwanted = number > start and self._is_unwanted(number)
            self._context.skip_frame = "NONREF" if is_unwanted else "DEFAULT"
            # A picture comes out with the time of its packet; here that is the packet's number.
            # (Objects of Python that travel along instead are let go of by FFmpeg's threads, each
            # waiting for the GIL, while whoever closes the decoder holds it and waits for them.)
            packet.pts = packet.dts = number
            yield from self._pictures_of(packet)
        yield from self._pictures_of(None)

    def _is_unwanted(self, packet_number: int) -> bool:
        if self._frame_of_packet is None:
            return False
        return 0 <= int(self._frame_of_packet[packet_number]) < self.skip_before

    def _pictures_of(
        self, packet: "Packet[VideoStream] | None"
    ) -> Iterator[tuple[int, VideoFrame]]:
        try:
            frames = self._context.decode(packet)
        except (av.FFmpegError, MemoryError):
            self.has_errors = True
            return
        for frame in frames:
            if frame.pts is not None:
                yield frame.pts, frame


_MOST_THREADS: Final = 8
_DECODER_BYTES: Final = 900 << 20
"""Four decoders of a clip have room in what its process may have (``isolated.MEMORY_BYTES``)."""
_BYTES_OF_PIXEL: Final = 20
_BYTES_OF_PIXEL_AND_THREAD: Final = 5.5
"""Measured with 10-bit HEVC of 7680×4320: 0.84 GiB with one thread, 2.0 GiB with eight."""


def num_threads(num_pixels: int) -> int:
    """How many threads may decode frames of so many pixels."""
    room = _DECODER_BYTES - _BYTES_OF_PIXEL * num_pixels
    fitting = int(room / max(_BYTES_OF_PIXEL_AND_THREAD * num_pixels, 1))
    return max(min(fitting, os.cpu_count() or 1, _MOST_THREADS), 1)


class StreamDecoder:
    """An open video stream that can be decoded from any of its keyframes.

    Not safe for several threads at once; a decoder belongs to one lock.

    Attributes:
        is_careful: frames are decoded one by one instead of several at once. This is slower, but
            a damaged one does not take its neighbours with it.
    """

    def __init__(self, path: Path, limits: VideoLimits, name: str) -> None:
        self._path = path
        self._limits = limits
        self._name = name
        self._was_read = False
        self.is_careful = False
        self.container, self.stream, self._context = self._open()

    def _open(self) -> tuple[InputContainer, VideoStream, VideoCodecContext]:
        container = open_container(self._path, self._limits, self._name)
        try:
            stream = video_stream(container, self._name, self._limits)
            context = decoding_context(stream, self._limits)
        except BaseException:
            container.close()
            raise
        context.thread_type = "SLICE" if self.is_careful else "AUTO"
        # Each thread delays the first picture after a seek by one, and holds one in memory.
        context.thread_count = num_threads(stream.codec_context.width * stream.codec_context.height)
        return container, stream, context

    def _reopen(self) -> None:
        """Open the file again. Runs that were begun must not be used any more."""
        opened = self._open()
        self.container.close()
        self.container, self.stream, self._context = opened
        self._was_read = False

    def be_careful(self) -> None:
        """Decode frames one by one from now on. Runs that were begun must not be used any more."""
        self.is_careful = True
        self._reopen()

    def close(self) -> None:
        """Release the file."""
        self.container.close()

    def run_all(self, frame_of_packet: npt.NDArray[np.int32] | None = None) -> DecodingRun:
        """Decode everything, from the first packet."""
        packets = enumerate(self.packets_from_start())
        return DecodingRun(self._context, packets, 0, frame_of_packet)

    def packets_from_start(self) -> PacketReader:
        """Open the file again if needed, and read the stream from its first packet."""
        if self._was_read:
            self._reopen()
        self._was_read = True
        return PacketReader(self.container, self.stream)

    def run_from(self, index: FrameIndex, key: int) -> DecodingRun:
        """Decode from keyframe number ``key`` of the index.

        Containers differ in which timestamp they seek by, and land a little early or late. The
        packet that was reached is recognised by its own timestamp; too late a landing is tried
        again, in the end by reading the file from its start.
        """
        start = int(index.key_packets[key])
        for timestamp in index.seek_targets(key):
            try:
                self.container.seek(timestamp, stream=self.stream)
            except av.FFmpegError:
                continue
            self._was_read = True
            if self._context.is_open:  # which seeking does to the stream's own context alone
                self._context.flush_buffers()
            packets = self._recognised(index)
            first = next(packets, None)
            if first is not None and first[0] <= start:
                return DecodingRun(
                    self._context, chain([first], packets), start, index.frame_of_packet
                )
        numbered = enumerate(self.packets_from_start())  # may open the file, and the stream, anew
        return DecodingRun(self._context, numbered, start, index.frame_of_packet)

    def _recognised(self, index: FrameIndex) -> NumberedPackets:
        """Number the packets, beginning with the first keyframe that is in the index."""
        number: int | None = None
        for packet in PacketReader(self.container, self.stream):
            if number is None:
                number = index.number_of_key_packet(packet) if packet.is_keyframe else None
            if number is not None:
                yield number, packet
                number += 1
