"""Interlaced video: found by what pictures show, and made whole.

A picture of two fields shows two moments, line by line. Flags in files say so where it is not so,
and the other way round, so a sample of frames is looked at. Where something moves, the lines of one
field lie between those of the other as in a comb. Which field comes first tells itself by weaving
two pictures anew: the first field of one and the second field of the one before it are neighbours
in time, and comb less than the other two, which are three times as far apart.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.frame import VideoFrame

from sam2ov.errors import FrameDecodeError
from sam2ov.values.field_order import FieldOrder
from sam2ov.video.index import FrameIndex
from sam2ov.video.probe import VideoInfo

if TYPE_CHECKING:
    from sam2ov.video.decoder import StreamDecoder

FoundOrder = Literal["progressive", "tff", "bff"]

_NEVER_INTERLACED: Final = frozenset({"vp8", "vp9", "av1", "gif", "png", "theora", "qtrle", "hap"})
_MOST_LINES: Final = 1088
"""No format of broadcasts or cameras has more lines that are interlaced."""
_LINES: Final = frozenset({480, 486, 512, 576, 608, 1080, 1088})
"""What is not even flagged is looked at only with as many lines as interlaced formats have."""
_PLACES: Final = 4
_AT_A_PLACE: Final = 5
_AT_THE_BEGINNING: Final = 16
"""Pictures that are looked at: behind so many keyframes, or of files that have fewer; a third of
them where nothing says that they have two fields."""
_COLUMNS: Final = 480
"""That are looked at; all of them would tell the same."""
_MOVED: Final = 10.0
_LEAST_MOVED: Final = 0.002
"""Luma levels by which pixels have to differ, and the share of pixels that do."""
_APART: Final = 1.15
_COMBED: Final = 0.6
_LEAST_SHARE: Final = 0.25
"""Of pairs of pictures that show something: fewer are mistakes."""


def with_fields(
    info: VideoInfo,
    decoder: "StreamDecoder",
    index: FrameIndex,
    first: VideoFrame,
    wanted: FieldOrder,
) -> VideoInfo:
    """Find how pictures are stored, and settle what is done to them.

    Args:
        info: of the video.
        decoder: of the video; runs that were begun must not be used any more.
        index: of the video.
        first: a decoded picture of it.
        wanted: see ``FieldOrder``.
    """
    if wanted in {"tff", "bff"}:
        found: FoundOrder = "tff" if wanted == "tff" else "bff"
    else:
        found = _found(decoder, index, first)
    return replace(
        info,
        field_order=found,
        is_flagged_interlaced=first.interlaced_frame,
        is_deinterlaced=found != "progressive" and wanted != "off",
    )


def _found(decoder: "StreamDecoder", index: FrameIndex, first: VideoFrame) -> FoundOrder:
    codec = decoder.stream.codec_context.codec.canonical_name
    if codec in _NEVER_INTERLACED or first.height > _MOST_LINES or first.height < 4:
        return "progressive"
    if not first.interlaced_frame and first.height not in _LINES:
        return "progressive"
    votes: list[FoundOrder] = []
    for lumas in _samples(decoder, index, 1 if first.interlaced_frame else 3):
        pairs = pairwise(lumas)
        here = [vote for pair in pairs if (vote := order_of(*pair)) is not None]
        votes += here
        # What nothing speaks for is not looked for all over the clip.
        if not first.interlaced_frame and len(here) > 1 and set(votes) == {"progressive"}:
            break
    return _settled(votes)


def _settled(votes: list[FoundOrder]) -> FoundOrder:
    """What most pairs of pictures show.

    Fields come in one order: titles of whole pictures that scroll by a line each speak for both.
    """
    tff, bff = votes.count("tff"), votes.count("bff")
    if not votes or abs(tff - bff) < max(_LEAST_SHARE * len(votes), (tff + bff) / 2, 1):
        return "progressive"
    return "tff" if tff > bff else "bff"


def order_of(
    before: npt.NDArray[np.float32], picture: npt.NDArray[np.float32]
) -> FoundOrder | None:
    """What two consecutive pictures show; None where too little moves.

    Args:
        before: luma [H, W], 0 to 255.
        picture: of the frame after it.
    """
    if before.shape != picture.shape:
        return None
    moved = np.abs(picture - before)[1:-1] > _MOVED
    if moved.mean() < _LEAST_MOVED:
        return None
    upper_first, lower_first = before.copy(), picture.copy()
    upper_first[0::2] = picture[0::2]  # of this frame, the other field is the one before it
    lower_first[0::2] = before[0::2]
    own, tff, bff = (_combing(woven, moved) for woven in (picture, upper_first, lower_first))
    low, high = min(tff, bff), max(tff, bff)
    if high < _APART * low or own < _COMBED * low:
        return "progressive"
    return "tff" if tff < bff else "bff"


def _combing(luma: npt.NDArray[np.float32], where: npt.NDArray[np.bool_]) -> float:
    """How much lines differ from those above and below them."""
    return float(np.abs(luma[:-2] + luma[2:] - 2 * luma[1:-1])[where].mean())


def _samples(
    decoder: "StreamDecoder", index: FrameIndex, part: int
) -> Iterator[list[npt.NDArray[np.float32]]]:
    """Luma of consecutive pictures, from several places of the video."""
    keys = len(index.key_packets)
    count = _AT_A_PLACE if keys >= _PLACES else _AT_THE_BEGINNING
    count = max(-(-count // part), 3)
    places = np.unique(np.linspace(0, keys - 1, min(keys, _PLACES + 1)).astype(int)[:_PLACES])
    for key in places.tolist():
        lumas: list[npt.NDArray[np.float32]] = []
        start = int(index.frame_of_packet[index.key_packets[key]])
        for packet, picture in decoder.run_from(index, key):
            if int(index.frame_of_packet[packet]) < start:
                continue
            try:
                lumas.append(_luma(picture))
            except (OSError, ValueError, RuntimeError):
                break  # told to whoever reads that frame
            if len(lumas) == count:
                break
        yield lumas


def _luma(picture: VideoFrame) -> npt.NDArray[np.float32]:
    """Some columns of it, 0 to 255."""
    grey = picture.reformat(format="gray").to_ndarray()
    return grey[:, :: max(picture.width // _COLUMNS, 1)].astype(np.float32)


class Deinterlacer:
    """Makes whole pictures of interlaced ones, as many as there are, with FFmpeg's ``bwdif``.

    A picture is made of the one before it, itself, and the one after it; at the ends, and beside a
    frame that is missing, of its own first field alone.

    Args:
        order: which field comes first.
    """

    def __init__(self, order: FoundOrder) -> None:
        self._order = order
        self._graph: Graph | None = None
        self._frames: deque[int] = deque()

    def applied(
        self, pictures: Iterator[tuple[int, VideoFrame]]
    ) -> Iterator[tuple[int, VideoFrame]]:
        """The same frames, one later each."""
        shape, last = None, -1
        for frame_idx, picture in pictures:
            is_next = frame_idx == last + 1
            found = picture.width, picture.height, picture.format.name
            if self._graph is not None and not (is_next and found == shape):
                yield from self._finish()
            if self._graph is None:
                self._graph = self._new_graph(picture)
            shape, last = found, frame_idx
            yield from self._push(frame_idx, picture)
        yield from self._finish()

    def _new_graph(self, picture: VideoFrame) -> Graph:
        graph = Graph()
        try:
            graph.link_nodes(
                graph.add_buffer(
                    width=picture.width,
                    height=picture.height,
                    format=picture.format,
                    time_base=Fraction(1, 25),
                ),
                graph.add("bwdif", f"mode=send_frame:parity={self._order}:deint=all"),
                graph.add("buffersink"),
            ).configure()
        except (av.FFmpegError, ValueError) as error:
            raise FrameDecodeError(
                f"pictures of {picture.width}×{picture.height} and format {picture.format.name} "
                f"cannot be deinterlaced: {error}. Leave them as they are: --field-order off."
            ) from error
        return graph

    def _push(self, frame_idx: int, picture: VideoFrame) -> Iterator[tuple[int, VideoFrame]]:
        assert self._graph is not None
        self._frames.append(frame_idx)
        picture.pts, picture.time_base = frame_idx, Fraction(1, 25)
        self._graph.vpush(picture)
        yield from self._pulled()

    def _finish(self) -> Iterator[tuple[int, VideoFrame]]:
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._pulled()
        self._graph = None
        self._frames.clear()

    def _pulled(self) -> Iterator[tuple[int, VideoFrame]]:
        assert self._graph is not None
        while self._frames:
            try:
                made = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            yield self._frames.popleft(), made
