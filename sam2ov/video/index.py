"""Which packet holds which frame, and when it is shown.

A frame's number is its place in presentation order. One pass over the packets, without decoding,
yields the presentation times; sorting them gives the order. Where times are missing or contradict
each other (AVI with B-frames, program streams, damaged files), the order is taken from one full
decode instead. Either way a frame is identified by the packet that holds its picture, which stays
valid after any seek.

Everything that grows with the video is in NumPy arrays: 16 bytes per frame, 20 per keyframe.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from av.packet import Packet
from av.video.stream import VideoStream

from sam2ov.errors import VideoOpenError
from sam2ov.video.container import PacketReader
from sam2ov.video.limits import VideoLimits

NO_TIMESTAMP = np.iinfo(np.int64).min
"""Stands for a missing pts or dts, as in FFmpeg."""

_KEY, _HIDDEN = 1, 2
_JUMP_SECONDS = 10


@dataclass(frozen=True, eq=False)
class PacketTable:
    """What the container says about the P packets of a video stream, in decoding order.

    Attributes:
        pts: int64 [P], presentation times in ticks of the stream, or NO_TIMESTAMP; of one clock.
        dts: int64 [P], decoding times, or NO_TIMESTAMP; likewise.
        stored_pts: int64 [P], as the file has them: its clock may jump.
        stored_dts: int64 [P], likewise.
        is_key: bool [P], decoding can start here.
        is_hidden: bool [P], the packet's picture is not shown (cut off by an edit list, or a
            reference that only other frames use).
        end_pts: when the picture with the last pts disappears, or NO_TIMESTAMP.
        is_complete: the file was read to its end without a gap.
    """

    pts: npt.NDArray[np.int64]
    dts: npt.NDArray[np.int64]
    stored_pts: npt.NDArray[np.int64]
    stored_dts: npt.NDArray[np.int64]
    is_key: npt.NDArray[np.bool_]
    is_hidden: npt.NDArray[np.bool_]
    end_pts: int
    is_complete: bool

    def has_trustworthy_order(self) -> bool:
        """Tell whether sorting by pts is certain to give the order of a full decode."""
        shown = self.pts[~self.is_hidden]
        dts = self.dts[self.dts != NO_TIMESTAMP]
        return bool(
            self.is_complete
            and len(shown) > 0
            and self.is_key.any()
            and (shown != NO_TIMESTAMP).all()
            and len(np.unique(shown)) == len(shown)
            and (np.diff(dts) >= 0).all()
        )


def read_packets(
    packets: PacketReader, stream: VideoStream, name: str, limits: VideoLimits
) -> PacketTable:
    """Read all packets of ``stream``, from its first one.

    Raises:
        VideoOpenError: there are none, or more than the limit.
    """
    pts, dts, flags = array("q"), array("q"), bytearray()
    end_pts = last_pts = NO_TIMESTAMP
    hides_frames = stream.codec_context.codec.name == "vp8"
    only_first_is_key = stream.codec_context.codec.name == "gif"
    for packet in packets:
        limits.check_frames(name, len(pts) + 1)
        pts.append(NO_TIMESTAMP if packet.pts is None else packet.pts)
        dts.append(NO_TIMESTAMP if packet.dts is None else packet.dts)
        # GIF frames patch the one before, though the container calls all of them keyframes.
        is_key = packet.is_keyframe and not (only_first_is_key and flags)
        hidden = packet.is_discard or (hides_frames and not _is_shown_vp8(packet))
        flags.append(_KEY * is_key | _HIDDEN * hidden)
        if packet.pts is not None and packet.pts > last_pts and not hidden:
            last_pts = packet.pts
            end_pts = packet.pts + packet.duration if packet.duration else NO_TIMESTAMP
    if not pts:
        raise VideoOpenError(
            f"{name} has no readable video packet: it is empty, encrypted or cut off before the "
            "first picture. Fetch or record it again."
        )
    bits = np.frombuffer(bytes(flags), np.uint8)
    stored_pts, stored_dts = np.array(pts, np.int64), np.array(dts, np.int64)
    shift = np.zeros(len(stored_pts), np.int64)
    if packets.may_jump:
        shift = _after_jumps(stored_dts, stream)
        end_pts = NO_TIMESTAMP if shift.any() else end_pts
    return PacketTable(
        pts=np.where(stored_pts == NO_TIMESTAMP, stored_pts, stored_pts + shift),
        dts=np.where(stored_dts == NO_TIMESTAMP, stored_dts, stored_dts + shift),
        stored_pts=stored_pts,
        stored_dts=stored_dts,
        is_key=(bits & _KEY) > 0,
        is_hidden=(bits & _HIDDEN) > 0,
        end_pts=end_pts,
        is_complete=not packets.is_damaged,
    )


def _after_jumps(dts: npt.NDArray[np.int64], stream: VideoStream) -> npt.NDArray[np.int64]:
    """What to add to each packet's times so that the clock goes on where it jumps.

    As in ffmpeg, a jump is more than ten seconds, either way, in a stream of a broadcast: a cut in
    the recording, or another sender's clock. The packet behind it follows the one before by what
    packets do otherwise.
    """
    shift = np.zeros(len(dts), np.int64)
    known = np.flatnonzero(dts != NO_TIMESTAMP)
    if len(known) < 2 or stream.time_base is None:
        return shift
    steps = np.diff(dts[known])
    jumps = np.flatnonzero(np.abs(steps) > _JUMP_SECONDS / stream.time_base)
    usual = int(np.median(np.delete(steps, jumps))) if len(jumps) < len(steps) else 1
    for jump in jumps:
        shift[known[jump + 1] :] -= int(steps[jump]) - usual
    return shift


def _is_shown_vp8(packet: "Packet[VideoStream]") -> bool:
    """Bit 4 of the frame tag (RFC 6386, 9.1): alternate reference frames are never shown."""
    return bool(memoryview(packet)[0] & 0x10)


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The N frames of a video in presentation order, and the packets to decode them from.

    Attributes:
        pts: int64 [N], strictly increasing presentation times in ticks.
        packets: int32 [N], number (in decoding order) of the packet that holds the frame.
        frame_of_packet: int32 [P], the inverse; -1 for packets that show no frame.
        key_packets: int32 [K], packets at which decoding can start, ascending; the first packet
            is always among them.
        key_pts: int64 [K], their presentation times as the file has them, or NO_TIMESTAMP.
        key_dts: int64 [K], their decoding times, likewise.
        end_pts: when the last frame disappears.
    """

    pts: npt.NDArray[np.int64]
    packets: npt.NDArray[np.int32]
    frame_of_packet: npt.NDArray[np.int32]
    key_packets: npt.NDArray[np.int32]
    key_pts: npt.NDArray[np.int64]
    key_dts: npt.NDArray[np.int64]
    end_pts: int

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def first_key_frame(self) -> int:
        """The frame of the first true keyframe; frames before it may not be decodable."""
        frames = self.frame_of_packet[self.key_packets]
        shown = frames[frames >= 0]
        return int(shown[0]) if len(shown) else 0

    @cached_property
    def _key_times(self) -> tuple[str, npt.NDArray[np.int64]] | None:
        """The timestamp that tells keyframes apart after a seek, and its values."""
        for name, times in (("pts", self.key_pts), ("dts", self.key_dts)):
            if _is_increasing(times):
                return name, times
        return None

    def number_of_key_packet(self, packet: "Packet[VideoStream]") -> int | None:
        """Number (in decoding order) of a keyframe's packet that a seek has led to."""
        if self._key_times is None:
            return None
        name, times = self._key_times
        time = packet.pts if name == "pts" else packet.dts
        if time is None:
            return None
        key = int(np.searchsorted(times, time))
        return int(self.key_packets[key]) if key < len(times) and times[key] == time else None

    def seek_targets(self, key: int) -> Iterator[int]:
        """Timestamps worth seeking to, best first, for landing on keyframe ``key`` or before it."""
        if self._key_times is None:
            return
        times = [
            t[k] for k in (key, key - 1, key - 3) if k >= 0 for t in (self.key_pts, self.key_dts)
        ]
        yield from dict.fromkeys(int(time) for time in times if time != NO_TIMESTAMP)

    def keyframe_before(self, frame_idx: int) -> int:
        """Number (0…K-1) of the last keyframe from which ``frame_idx`` can be decoded.

        A picture that is shown before a keyframe but stored after it (open GOP) needs the
        keyframe before that one.
        """
        key = int(np.searchsorted(self.key_packets, self.packets[frame_idx], side="right")) - 1
        while key > 0 and not 0 <= self.frame_of_packet[self.key_packets[key]] <= frame_idx:
            key -= 1
        return key


def index_by_time(table: PacketTable) -> FrameIndex:
    """Number the frames by their presentation times (see ``has_trustworthy_order``)."""
    shown = np.flatnonzero(~table.is_hidden)
    packets = shown[np.argsort(table.pts[shown], kind="stable")]
    # Where frames are reordered, some containers store the time until the next one is decoded.
    is_reordered = bool((np.diff(packets) < 0).any())
    end_pts = NO_TIMESTAMP if is_reordered else table.end_pts
    return _index(table, packets, table.pts[packets], end_pts)


def index_by_decoding(table: PacketTable, decoded: Sequence[int], frame_ticks: int) -> FrameIndex:
    """Number the frames as a full decode put them out.

    Times are the packets' own where these increase, else their decoding times in order, else
    multiples of ``frame_ticks``; the latter two shifted to agree with what times there are.

    Args:
        table: the packets.
        decoded: [N], the packet of each picture in order of output.
        frame_ticks: the nominal duration of a frame.
    """
    packets = np.asarray(decoded, np.int64)
    shown = table.pts[packets]
    if _is_increasing(shown):
        end = table.end_pts if table.end_pts > shown[-1] else NO_TIMESTAMP
        return _index(table, packets, shown, end)
    times = np.sort(table.dts[packets])
    if not _is_increasing(times):
        times = np.arange(len(packets)) * np.int64(frame_ticks)
    known = shown != NO_TIMESTAMP
    if known.any():
        # Pictures are decoded some time before they are shown; sound goes by the latter.
        times += np.int64(np.median(shown[known] - times[known]))
    return _index(table, packets, times, NO_TIMESTAMP)


def _is_increasing(times: npt.NDArray[np.int64]) -> bool:
    return bool((times != NO_TIMESTAMP).all() and (np.diff(times) > 0).all())


def without_frames(index: FrameIndex, missing: Iterable[int]) -> FrameIndex:
    """Renumber the frames after leaving out those that cannot be decoded."""
    keep = np.setdiff1d(np.arange(len(index)), np.fromiter(missing, np.int64))
    packets = index.packets[keep]
    return FrameIndex(
        pts=index.pts[keep],
        packets=packets,
        frame_of_packet=_inverse(packets, len(index.frame_of_packet)),
        key_packets=index.key_packets,
        key_pts=index.key_pts,
        key_dts=index.key_dts,
        end_pts=index.end_pts,
    )


def _index(
    table: PacketTable,
    packets: npt.NDArray[np.int64],
    pts: npt.NDArray[np.int64],
    end_pts: int,
) -> FrameIndex:
    is_start = table.is_key.copy()
    is_start[0] = True
    key_packets = np.flatnonzero(is_start)
    if end_pts == NO_TIMESTAMP:
        # The last frame stays as long as frames do on average.
        gaps = max(len(pts) - 1, 1)
        end_pts = int(pts[-1]) + max(round((int(pts[-1]) - int(pts[0])) / gaps), 1)
    return FrameIndex(
        pts=pts,
        packets=packets.astype(np.int32),
        frame_of_packet=_inverse(packets, len(table.pts)),
        key_packets=key_packets.astype(np.int32),
        key_pts=table.stored_pts[key_packets],
        key_dts=table.stored_dts[key_packets],
        end_pts=end_pts,
    )


def _inverse(packets: npt.NDArray[np.integer], num_packets: int) -> npt.NDArray[np.int32]:
    frame_of_packet = np.full(num_packets, -1, np.int32)
    frame_of_packet[packets] = np.arange(len(packets), dtype=np.int32)
    return frame_of_packet
