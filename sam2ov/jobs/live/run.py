"""A live run: frames from a source, objects followed, what was found handed on as it comes."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from sam2ov.errors import ExportError, PromptError
from sam2ov.export.video_options import OverlayOptions
from sam2ov.jobs.live.lines import LineForm, Lines, line_of
from sam2ov.jobs.live.meter import LivePace, Meter
from sam2ov.jobs.live.orders import Orders
from sam2ov.jobs.live.picture import cut_out, matte, painted
from sam2ov.jobs.live.tracker import LiveMasks, LiveTracker
from sam2ov.jobs.live.virtual_camera import VirtualCamera
from sam2ov.mask_files.prompt_file import FramePrompt, PromptFile, to_prompt
from sam2ov.progress import CancelCheck
from sam2ov.values.masks import BoolArray
from sam2ov.video.cache import Image
from sam2ov.video.encodings import FFV1, Encoding, h264
from sam2ov.video.live import LiveFrame, LiveSource
from sam2ov.video.segments import SegmentWriter

Written = Literal["overlay", "matte", "alpha"]

_TELL_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True)
class LiveOutputs:
    """What is done with what is found.

    Attributes:
        video: of which segments are written; None for none.
        written: what they show; "alpha" is lossless, in mkv.
        segment_seconds: that each of them lasts.
        look: of the overlay and the virtual camera.
        lines: where a line of JSON goes for each frame.
        line_form: what it holds.
        camera: the virtual camera: its device, "" for the first one, None for none.
    """

    video: Path | None = None
    written: Written = "overlay"
    segment_seconds: float = 10.0
    look: OverlayOptions = field(default_factory=OverlayOptions)
    lines: Lines | None = None
    line_form: LineForm = "boxes"
    camera: str | None = None

    def check(self) -> None:
        """Raise ExportError for what cannot be written."""
        if self.look.effect == "replace":
            raise ExportError("Live pictures have no effect replace; choose remove for one colour.")
        if self.video is None:
            return
        wanted = (".mkv",) if self.written == "alpha" else (".mp4", ".mkv")
        if self.video.suffix not in wanted:
            raise ExportError(
                f"{self.video} should end in {' or '.join(wanted)} for {self.written}."
            )
        if not self.video.parent.is_dir():
            raise ExportError(f"{self.video.parent} is no folder. Make it first.")

    @property
    def encoding(self) -> Encoding:
        """Of the segments; fast rather than small."""
        if self.written == "alpha":
            return FFV1
        encoding = h264(self.look.crf, "veryfast")
        if self.video is not None and self.video.suffix == ".mkv":
            return replace(encoding, suffix=".mkv", muxer="matroska", muxer_options={})
        return encoding


class LiveRun:
    """Frames of a source through a tracker; closed when the block ends.

    Args:
        source: of the frames.
        tracker: that follows.
        prompts: by the number of the frame that they are for, counting those that are followed.
        outputs: see there.
        orders: what a program says meanwhile.
    """

    def __init__(
        self,
        source: LiveSource,
        tracker: LiveTracker,
        prompts: PromptFile | None,
        outputs: LiveOutputs,
        orders: Orders | None = None,
    ) -> None:
        outputs.check()
        self._source = source
        self._tracker = tracker
        self._outputs = outputs
        self._orders = orders
        self._due = _by_frame(prompts)
        self._meter = Meter()
        self._segments: SegmentWriter | None = None
        self._camera: VirtualCamera | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def pace(self) -> LivePace:
        """How it goes."""
        return self._meter.pace(self._source.behind)

    @property
    def segments(self) -> Sequence[Path]:
        """The last videos that are whole."""
        return () if self._segments is None else self._segments.paths

    def advance(
        self,
        is_over: CancelCheck = lambda: False,
        tell: Callable[[LivePace], None] = lambda _: None,
        most_frames: int | None = None,
    ) -> None:
        """Follow frames until the source ends, ``is_over`` says so, or there were ``most_frames``.

        Args:
            is_over: asked at least five times a second.
            tell: how it goes, once a second.
            most_frames: to be followed.

        Raises:
            Sam2ovError: the source has gone for good, a prompt does not fit, or an output cannot be
                written.
        """
        told = time.monotonic()
        count = 0
        while not is_over() and count != most_frames:
            frame = self._source.take(_LOOK_SECONDS)
            if frame is None:
                if self._source.is_over:
                    self._source.take(0)  # raises what has ended it
                    return
                continue
            self._follow(frame)
            count += 1
            if time.monotonic() - told >= _TELL_SECONDS:
                told = time.monotonic()
                tell(self.pace)

    def _follow(self, frame: LiveFrame) -> None:
        found = self._tracker.step(frame.image, frame.seconds, dropped=frame.dropped)
        size_hw = found.size_hw
        for obj_id, entry in self._due.pop(found.frame, ()):
            try:
                found = self._tracker.prompt(obj_id, to_prompt(entry, size_hw))
            except PromptError as error:
                raise PromptError(f"Object {obj_id}: {error}") from error
        if self._orders is not None and self._orders.obey_all(self._tracker, size_hw):
            found = self._tracker.current()
        self._meter.note(frame.captured, frame.dropped)
        self._hand_on(frame, found, found.masks)

    def _hand_on(self, frame: LiveFrame, found: LiveMasks, masks: BoolArray) -> None:
        outputs = self._outputs
        if outputs.lines is not None:
            outputs.lines.put(line_of(found, masks, outputs.line_form, dropped=frame.dropped))
        is_painted = outputs.video is not None and outputs.written == "overlay"
        if not is_painted and outputs.video is None and outputs.camera is None:
            return
        shown = frame.image
        if is_painted or outputs.camera is not None:
            shown = painted(frame.image, found.obj_ids, masks, outputs.look)
        if outputs.camera is not None:
            self._show(shown, outputs.camera)
        if outputs.video is not None:
            self._write(outputs.video, frame, masks, shown)

    def _show(self, shown: Image, device: str) -> None:
        if self._camera is None:
            self._camera = VirtualCamera(shown.shape[:2], device or None)
            self._stack.callback(self._camera.close)
        self._camera.show(shown)

    def _write(self, path: Path, frame: LiveFrame, masks: BoolArray, shown: Image) -> None:
        outputs = self._outputs
        height, width = frame.image.shape[:2]
        if self._segments is None:
            self._segments = self._stack.enter_context(
                SegmentWriter(
                    path,
                    (height, width),
                    outputs.encoding,
                    seconds=outputs.segment_seconds,
                    has_alpha=outputs.written == "alpha",
                    is_grey=outputs.written == "matte",
                )
            )
        match outputs.written:
            case "overlay":
                self._segments.write(shown, frame.seconds)
            case "matte":
                self._segments.write(matte(masks), frame.seconds)
            case "alpha":
                self._segments.write(cut_out(frame.image, masks), frame.seconds)


def _by_frame(prompts: PromptFile | None) -> dict[int, list[tuple[int, FramePrompt]]]:
    due: dict[int, list[tuple[int, FramePrompt]]] = {}
    for target in () if prompts is None else prompts.objects:
        for entry in target.prompts:
            due.setdefault(entry.frame, []).append((target.id, entry))
    return due
