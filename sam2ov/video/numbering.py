"""Deciding which pictures of a file are its frames, and in which order."""

from array import array
from collections.abc import Sequence

from av.video.frame import VideoFrame

from sam2ov.errors import VideoOpenError
from sam2ov.video.decoder import StreamDecoder
from sam2ov.video.index import (
    FrameIndex,
    PacketTable,
    index_by_decoding,
    index_by_time,
    read_packets,
    without_frames,
)
from sam2ov.video.limits import VideoLimits


def number_frames(
    decoder: StreamDecoder, name: str, limits: VideoLimits, *, verify: bool
) -> tuple[FrameIndex, VideoFrame]:
    """Number the frames of a freshly opened video and decode its first picture.

    Args:
        decoder: nothing was read from it yet.
        name: what people know the video by, for messages.
        limits: checked for the number of frames.
        verify: decode everything, and number only what comes out.

    Raises:
        VideoOpenError: no frame can be decoded, or there are too many.
    """
    table = read_packets(decoder.packets_from_start(), decoder.stream, name, limits)
    if verify or not table.is_complete:
        decoder.be_careful()
    if verify or not table.has_trustworthy_order() or _may_store_fields(decoder):
        return _index_by_decoding(decoder, table, name)
    index = index_by_time(table)
    # Pictures before the first keyframe may refer to some that are not in the file.
    first: VideoFrame | None = None
    came_out: set[int] = set()
    for packet, picture in decoder.run_all():
        frame_idx = int(index.frame_of_packet[packet])
        first = first or picture
        came_out.add(frame_idx)
        if frame_idx >= index.first_key_frame:
            missing = set(range(index.first_key_frame + 1)) - came_out
            return without_frames(index, missing) if missing else index, first
    return _index_by_decoding(decoder, table, name)


def _index_by_decoding(
    decoder: StreamDecoder, table: PacketTable, name: str
) -> tuple[FrameIndex, VideoFrame]:
    first, decoded, has_errors = _decode_all(decoder, len(table.pts))
    if has_errors and not decoder.is_careful:
        decoder.be_careful()
        first, decoded, _ = _decode_all(decoder, len(table.pts))
    if first is None and table.is_hidden.all():
        raise VideoOpenError(
            f"{name} shows none of its {len(table.pts)} pictures: its edit list leaves out all of "
            "them. Copy it without: ffmpeg -ignore_editlist 1 -i INPUT -c copy OUTPUT.mp4"
        )
    if first is None:
        raise VideoOpenError(
            f"none of the {len(table.pts)} pictures of {name} can be decoded: the video is damaged "
            "or encrypted. Fetch or record it again."
        )
    rate = decoder.stream.guessed_rate or decoder.stream.average_rate
    assert decoder.stream.time_base is not None
    ticks = round(1 / (rate * decoder.stream.time_base)) if rate else 1
    return index_by_decoding(table, decoded, max(ticks, 1)), first


def _decode_all(
    decoder: StreamDecoder, num_packets: int
) -> tuple[VideoFrame | None, Sequence[int], bool]:
    """Decode everything: the first picture, the packets of all, and whether there were errors."""
    first: VideoFrame | None = None
    decoded = array("q")
    came_out = bytearray(num_packets)
    run = decoder.run_all()
    for packet, picture in run:
        if packet < num_packets and not came_out[packet]:
            came_out[packet] = True
            first = first or picture
            decoded.append(packet)
    return first, decoded, run.has_errors


def _may_store_fields(decoder: StreamDecoder) -> bool:
    """Interlaced H.264 and HEVC may come as two packets (fields) for one frame, but not in mp4."""
    context = decoder.stream.codec_context
    is_interlaced = context.field_order not in _PROGRESSIVE
    codec, container = context.codec.name, decoder.container.format.name
    return is_interlaced and codec in {"h264", "hevc"} and container != "mov"


_PROGRESSIVE = (0, 1)
"""AVFieldOrder: unknown, progressive."""
