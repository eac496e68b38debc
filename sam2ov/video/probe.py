"""What is known about an opened video."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from pydantic import PlainSerializer, PlainValidator

from sam2ov.values.timecode import Timecode
from sam2ov.video.color import BT709, ColorTags, has_alpha
from sam2ov.video.index import FrameIndex
from sam2ov.video.orientation import Orientation
from sam2ov.video.picture_form import PictureForm, fitting_size

Ticks = Annotated[
    npt.NDArray[np.int64],
    PlainValidator(lambda ticks: np.array(ticks, np.int64)),
    PlainSerializer(lambda ticks: ticks.tolist()),
]
"""int64 [N]; a list in JSON."""

_DURATION = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)$")

_LEAST_ASPECT = Fraction(1, 8)
"""What is narrower or wider is a mistake."""

_LEAST_MISSING_SECONDS = 0.5
"""Containers count a frame or two too many without being cut off."""

_STORED_UPRIGHT = Orientation()
_UNTAGGED = ColorTags()


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a video: a file, or a folder of images.

    Attributes:
        path: the file or folder.
        name: what people know it by, for messages.
        container: FFmpeg's name of the container ("mov" for mp4 too, "matroska" for webm too), or
            "images".
        codec: FFmpeg's name of the video codec, or the image format.
        pixel_format: FFmpeg's name of the stored pixel format; Pillow's mode for images.
        num_frames: frames that can be read.
        width: pixels as displayed, after turning.
        height: pixels as displayed, after turning.
        fps: frames per second: the nominal rate where the frames keep it, else the average.
        time_base: seconds per tick of ``frame_pts``.
        frame_pts: int64 [num_frames], presentation times in ticks, strictly increasing, read-only.
        end_pts: tick at which the last frame disappears.
        is_vfr: frames are not evenly spaced (beyond the rounding of the container).
        orientation: how stored pictures are turned for display; frames come out turned.
        sample_aspect_ratio: width / height of a displayed pixel. Frames are not scaled by it.
        color: colour tags as stored; frames come out as RGB.
        has_alpha: the source has transparency.
        has_audio: there is a sound track.
        audio_codec: FFmpeg's name of its codec, or None.
        num_bytes: size of the file, or of all images.
        timecode: of frame 0; None where the file has none.
        frame_numbers: int64 [num_frames], the numbers in the names of images, ascending, with gaps
            where images are missing; None where frames have no numbers but their own.
        num_held: how many frames show the image before, because theirs is missing.
        bits: of the samples of a stored pixel.
        field_order: what pictures show: one moment, or two, the upper ("tff") or the lower ("bff")
            field first.
        is_flagged_interlaced: the first picture says that it has two fields, true or not.
        is_deinterlaced: frames come out made whole.
        missing_seconds: so much less than the file announces can be read: it is cut off.
    """

    path: Path
    name: str
    container: str
    codec: str
    pixel_format: str
    num_frames: int
    width: int
    height: int
    fps: Fraction
    time_base: Fraction
    frame_pts: Ticks = field(repr=False, compare=False)
    end_pts: int
    is_vfr: bool = False
    orientation: Orientation = _STORED_UPRIGHT
    sample_aspect_ratio: Fraction = Fraction(1)
    color: ColorTags = _UNTAGGED
    has_alpha: bool = False
    has_audio: bool = False
    audio_codec: str | None = None
    num_bytes: int = 0
    timecode: Timecode | None = None
    frame_numbers: Ticks | None = field(default=None, repr=False, compare=False)
    num_held: int = 0
    bits: int = 8
    field_order: Literal["progressive", "tff", "bff"] = "progressive"
    is_flagged_interlaced: bool = False
    is_deinterlaced: bool = False
    missing_seconds: float = 0.0

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width as displayed."""
        return self.height, self.width

    @property
    def pixel_aspect(self) -> float:
        """Width / height of a displayed pixel."""
        return float(self.sample_aspect_ratio)

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height of a picture with square pixels that shows what is to be seen."""
        return max(round(self.width * self.sample_aspect_ratio), 1), self.height

    def in_form(self, form: PictureForm) -> "VideoInfo":
        """What is known about the video where its frames come in a form."""
        width, height = self.display_size if form.is_square else (self.width, self.height)
        aspect = Fraction(1) if form.is_square else self.sample_aspect_ratio
        width, height = fitting_size(width, height, form.max_side)
        return replace(self, width=width, height=height, sample_aspect_ratio=aspect)

    @property
    def treatment(self) -> tuple[str, ...]:
        """What is done to the stored pictures to show them, a line each."""
        lines = []
        if self.missing_seconds:
            lines.append(
                f"the file is cut off: {self.missing_seconds:.1f} s at its end are missing. Fetch "
                "or copy it again if you need them"
            )
        if self.sample_aspect_ratio != 1:
            aspect, (width, height) = self.sample_aspect_ratio, self.display_size
            lines.append(
                f"pixels of {aspect.numerator}:{aspect.denominator}: shown as {width}×{height}"
            )
        if self.field_order != "progressive":
            order = "top" if self.field_order == "tff" else "bottom"
            done = "deinterlaced with bwdif" if self.is_deinterlaced else "left as it is"
            lines.append(f"interlaced ({order} field first): {done}")
        if self.color.hdr is not None:
            lines.append(f"HDR ({self.color.hdr}): shown tone-mapped to BT.709")
        if self.has_alpha:
            lines.append("alpha: kept in cut-outs, on black in other exports")
        if self.num_held:
            lines.append(f"{self.num_held} images are missing: the one before each is shown")
        return tuple(lines)

    @property
    def shown_color(self) -> ColorTags:
        """Of frames as they come out: BT.709 where they are tone-mapped."""
        return self.color if self.color.hdr is None else ColorTags(BT709, BT709, BT709)

    @property
    def rotation(self) -> int:
        """Degrees clockwise by which stored pictures are turned: 0, 90, 180 or 270."""
        return self.orientation.rotation

    @property
    def duration(self) -> Fraction:
        """Seconds from the appearance of the first frame to the disappearance of the last."""
        return (self.end_pts - int(self.frame_pts[0])) * self.time_base

    def number_of(self, frame_idx: int, first_number: int | None = None) -> int:
        """What a frame is called in names and annotations.

        Args:
            frame_idx: the frame.
            first_number: of frame 0, the others follow; None for the frame's own number.
        """
        if first_number is None:
            return frame_idx if self.frame_numbers is None else int(self.frame_numbers[frame_idx])
        return first_number + frame_idx

    def timecode_of(self, frame_idx: int) -> Timecode | None:
        """What editors call a frame; None where the file has no timecode."""
        if self.timecode is None:
            return None
        frames = round(self.time_of(frame_idx) * self.fps) if self.is_vfr else frame_idx
        return self.timecode.after(frames)

    @property
    def missing_numbers(self) -> int:
        """How many images are missing in between."""
        if self.frame_numbers is None:
            return 0
        return int(self.frame_numbers[-1] - self.frame_numbers[0]) + 1 - self.num_frames

    def time_of(self, frame_idx: int) -> Fraction:
        """Seconds from the first frame to frame ``frame_idx``."""
        return (int(self.frame_pts[frame_idx]) - int(self.frame_pts[0])) * self.time_base

    def frame_at(self, seconds: float | Fraction) -> int:
        """The frame on screen ``seconds`` after the first one appeared (clamped to the video)."""
        tick = int(self.frame_pts[0]) + int(Fraction(seconds) / self.time_base)
        shown = int(np.searchsorted(self.frame_pts, tick, side="right")) - 1
        return min(max(shown, 0), self.num_frames - 1)


def describe(
    path: Path,
    name: str,
    container: InputContainer,
    stream: VideoStream,
    index: FrameIndex,
    first: VideoFrame,
) -> VideoInfo:
    """Collect what container, index and the first decoded picture say."""
    assert stream.time_base is not None
    fps, is_vfr = frame_rate(index.pts, index.end_pts, stream.time_base, _nominal_rate(stream))
    turned = orientation_of(first)
    width, height = turned.display_size(first.width, first.height)
    aspect = plausible_aspect(stream.sample_aspect_ratio or Fraction(1))
    # A stream whose codec nobody knows has no context, whatever the annotation says.
    sounds = [
        s
        for s in container.streams.audio
        if s.codec_context and not s.disposition & Disposition.attached_pic
    ]
    index.pts.setflags(write=False)
    return VideoInfo(
        path=path,
        name=name,
        container=container.format.name,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=first.format.name,
        num_frames=len(index),
        width=width,
        height=height,
        fps=fps,
        time_base=stream.time_base,
        frame_pts=index.pts,
        end_pts=index.end_pts,
        is_vfr=is_vfr,
        orientation=turned,
        sample_aspect_ratio=1 / aspect if turned.transpose else aspect,
        color=ColorTags.of(first),
        has_alpha=has_alpha(first.format),
        has_audio=bool(sounds),
        audio_codec=sounds[0].codec_context.codec.canonical_name if sounds else None,
        num_bytes=path.stat().st_size,
        timecode=_timecode(container, stream, fps),
        bits=max(component.bits for component in first.format.components),
        missing_seconds=_missing_seconds(stream, index, fps),
    )


def _missing_seconds(stream: VideoStream, index: FrameIndex, fps: Fraction) -> float:
    """How much less there is than mp4 counts in its header, or Matroska in the stream's tags."""
    assert stream.time_base is not None
    announced = _DURATION.match(stream.metadata.get("DURATION", ""))
    missing = Fraction(0)
    if stream.frames:
        missing = (stream.frames - len(index.frame_of_packet)) / fps
    elif announced:
        hours, minutes, seconds = (Fraction(part) for part in announced.groups())
        found = (index.end_pts - int(index.pts[0])) * stream.time_base
        missing = 3600 * hours + 60 * minutes + seconds - found
    return float(missing) if missing >= _LEAST_MISSING_SECONDS else 0.0


def _timecode(container: InputContainer, stream: VideoStream, fps: Fraction) -> Timecode | None:
    """The timecode that the picture has, a track of its own (mov, mp4, mxf), or the file's tags."""
    for tags in (
        stream.metadata,
        *(s.metadata for s in container.streams.data),
        container.metadata,
    ):
        text = {name.lower(): value for name, value in tags.items()}.get("timecode")
        if text:
            return Timecode.parse(text, fps)
    return None


def plausible_aspect(aspect: Fraction) -> Fraction:
    """Width / height of a pixel as a file has it; 1 for what can only be a mistake."""
    return aspect if _LEAST_ASPECT <= aspect <= 1 / _LEAST_ASPECT else Fraction(1)


def orientation_of(frame: VideoFrame) -> Orientation:
    """Read how a decoded picture is to be turned for display."""
    # PyAV annotates the mapping as if it held nothing but motion vectors.
    matrix = cast("Mapping[str, SideData]", frame.side_data).get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    return Orientation.from_display_matrix(np.frombuffer(bytes(matrix), np.int32).tolist())


def _nominal_rate(stream: VideoStream) -> Fraction | None:
    rate = stream.guessed_rate or stream.average_rate
    return rate if rate else None


def frame_rate(
    pts: npt.NDArray[np.int64], end_pts: int, time_base: Fraction, nominal: Fraction | None
) -> tuple[Fraction, bool]:
    """Find the frame rate and whether the frames keep it.

    Args:
        pts: int64 [N], presentation times in ticks.
        end_pts: when the last frame disappears.
        time_base: seconds per tick.
        nominal: what the container claims, if anything.

    Returns:
        Frames per second, and True where frames are not evenly spaced. Containers with coarse
        ticks (a millisecond in Matroska) round even spacing by up to a tick; that does not count.
    """
    span = int(pts[-1]) - int(pts[0])
    average = (
        Fraction(len(pts) - 1, span) if span else Fraction(1, max(end_pts - int(pts[0]), 1))
    ) / time_base
    for rate in (nominal, average):
        if rate is None:
            continue
        even = int(pts[0]) + np.arange(len(pts)) * float(1 / (rate * time_base))
        if np.abs(pts - even).max() <= 1.5:
            return rate, False
    return average.limit_denominator(100_000), True
