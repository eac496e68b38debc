"""The camera of a page: its pictures are followed as they come, and recorded as a project."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from sam2ov.engine.model import SAM2Model
from sam2ov.errors import PromptError, Sam2ovError
from sam2ov.jobs.live.meter import Meter
from sam2ov.jobs.live.tracker import LiveMasks, LiveTracker
from sam2ov.project.documents import ModelDocument
from sam2ov.project.recording import RecordedMasks
from sam2ov.ui.contract.answers import CameraObject, CameraState
from sam2ov.ui.media.jpegs import JpegReader, labels_png
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.values.masks import BoolArray, label_map, resize_logits
from sam2ov.values.palette import default_colour
from sam2ov.values.prompts import make_point_prompt
from sam2ov.video import VideoWriter, h264
from sam2ov.video.cache import Image
from sam2ov.video.limits import VideoLimits
from sam2ov.video.times import ArrivalTimes

MOST_OBJECTS: Final = 8
MOST_POINTS: Final = 32
"""Of an object on a picture."""
BYTES_HELD: Final = 128 << 20
"""Of pictures: 48 of 1280×720, 12 of 1920×1920."""
_DISK_SECONDS: Final = 5.0
_MASK_SIDE: Final = 640
_LEAST_FRAMES: Final = 2
_RATE: Final = 25


@dataclass(frozen=True)
class Recorded:
    """A recording that is complete.

    Attributes:
        clip: the video.
        journal: of a project, with the masks.
        num_frames: of both.
    """

    clip: Path
    journal: Path
    num_frames: int


@dataclass(frozen=True, eq=False)
class CameraAnswer:
    """What the page is told of a picture: its masks as a PNG, and how things are."""

    png: bytes
    state: CameraState


class Camera:
    """Follows the pictures of one page. Its tab's turn is held while it is used.

    Args:
        model: compiled; shared with others, who take turns.
        turns: on it.
        document: what a project notes of the model.
        folder: for recordings.
        limits: of a clip, which a recording is to become.
        on_close: called once it is closed.
    """

    def __init__(
        self,
        model: SAM2Model,
        turns: ModelTurns,
        document: ModelDocument,
        folder: Path,
        limits: VideoLimits,
        on_close: Callable[[], None],
    ) -> None:
        self._tracker = LiveTracker(model, bytes_held=BYTES_HELD)
        self._turns = turns
        self._document = document
        self._folder = folder
        self._limits = limits
        self._on_close = on_close
        self._looked = time.monotonic()
        self._jpegs = JpegReader()
        self._meter = Meter()
        self._recording: _Recording | None = None
        self._problem = ""
        self._prompted: set[int] = set()
        self.seconds = 0.0
        """Of the model's time."""

    def take(self, jpeg: bytes, dropped: int) -> CameraAnswer:
        """Follow all objects onto the next picture.

        Args:
            jpeg: the picture.
            dropped: pictures that the page has left out since the last one.

        Raises:
            FrameDecodeError: it cannot be read.
            PromptError: it is of another size than those before.
        """
        came = time.monotonic()
        image = np.array(self._jpegs.read(jpeg))
        with self._counted(self._turns.step()):
            found = self._tracker.step(image, came, dropped=dropped)
        self._meter.note(came, dropped)
        logits = resize_logits(found.mask_logits, found.size_hw)
        if self._recording is not None:
            self._record(self._recording, image, found, logits > 0)
        self._prompted.clear()
        labels = label_map(logits, found.size_hw)
        colours = [default_colour(obj_id) for obj_id in found.obj_ids]
        return CameraAnswer(labels_png(labels, colours, _MASK_SIDE), self._state(found))

    def click(self, obj_id: int, frame: int, xy: tuple[float, float], *, positive: bool) -> None:
        """Say what belongs to an object, and what does not, on a picture that was shown.

        Raises:
            PromptError: the place is outside the picture, or there are too many objects or clicks.
        """
        held = self._tracker.frames
        if not held:
            raise PromptError("The camera has sent no picture yet.")
        is_new = obj_id not in self._tracker.obj_ids
        if is_new and len(self._tracker.obj_ids) >= MOST_OBJECTS:
            raise PromptError(f"The camera follows up to {MOST_OBJECTS} objects. Remove one first.")
        if is_new and not positive:
            raise PromptError("Click on the object first, then beside it.")
        number = min(max(frame, held[0]), held[-1])
        if self._tracker.num_points(obj_id, number) >= MOST_POINTS:
            raise PromptError(
                f"The object has {MOST_POINTS} clicks on this picture, as many as it may. Click on "
                "a later one."
            )
        prompt = make_point_prompt([xy], [int(positive)], None, self._tracker.size_hw)
        steps = self._tracker.prompt_stepwise(obj_id, prompt, frame=number, clear_old_points=False)
        turn = self._turns.click
        for _ in range(number, held[-1] + 1):
            with self._counted(turn()):
                next(steps, None)
            turn = self._turns.step  # it is answered; others may go between what follows
        self._prompted.add(obj_id)

    @contextmanager
    def _counted(self, turn: AbstractContextManager[None]) -> Iterator[None]:
        """A turn on the model, whose time counts."""
        with turn:
            began = time.monotonic()
            try:
                yield
            finally:
                self.seconds += time.monotonic() - began

    def remove(self, obj_id: int) -> None:
        """Follow an object no more; one that is not there is fine."""
        with suppress(PromptError):
            self._tracker.remove_object(obj_id)

    def record(self) -> None:
        """Begin a recording, or go on with the one that there is."""
        if self._recording is None:
            self._problem = ""
            self._recording = _Recording(self._folder, self._document, self._limits)

    @property
    def is_disk_due(self) -> bool:
        """Whether to look again if a recording may go on growing; true once every few seconds."""
        now = time.monotonic()
        if self._recording is None or now - self._looked < _DISK_SECONDS:
            return False
        self._looked = now
        return True

    def end_recording(self, reason: str) -> None:
        """Add nothing more to the recording that there is; what it has can be edited."""
        if self._recording is not None:
            self._recording.is_full = True
            self._problem = f"The recording ends here. {reason}"

    def finish(self) -> Recorded:
        """Complete the recording.

        Raises:
            PromptError: there is none, or nothing has come since it began.
            VideoWriteError, StorageError: it cannot be stored.
        """
        recording, self._recording = self._recording, None
        if recording is None:
            raise PromptError("Nothing is being recorded. Press Record first.")
        return recording.finish()

    @property
    def state(self) -> CameraState:
        """How things are."""
        return self._state(self._tracker.current() if self._tracker.frames else None)

    def close(self) -> None:
        """Release everything; a recording that is not complete goes."""
        if self._recording is not None:
            self._recording.discard()
            self._recording = None
        self._tracker.close()
        self._jpegs.close()
        self._on_close()

    def _record(
        self, recording: "_Recording", image: Image, found: LiveMasks, masks: BoolArray
    ) -> None:
        try:
            if recording.is_full:
                return
            if recording.has_room(found.seconds):
                recording.add(image, found, masks, self._tracker, self._prompted)
            else:
                self.end_recording("It is as long as a clip may be here. Edit it, or record anew.")
        except Sam2ovError as error:
            recording.discard()
            self._recording = None
            self._problem = str(error)

    def _state(self, found: LiveMasks | None) -> CameraState:
        pace = self._meter.pace()
        ids = () if found is None else found.obj_ids
        seen = () if found is None else (found.scores > 0).tolist()
        return CameraState(
            frame=-1 if found is None else found.frame,
            objects=tuple(
                CameraObject(id=obj_id, seen=is_seen)
                for obj_id, is_seen in zip(ids, seen, strict=True)
            ),
            fps=round(pace.fps, 1),
            server_ms=round(pace.latency_ms, 1),
            recorded=None if self._recording is None else round(self._recording.seconds, 1),
            problem=self._problem,
        )


class _Recording:
    """A clip and the journal of a project beside it, as they grow."""

    def __init__(self, folder: Path, model: ModelDocument, limits: VideoLimits) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"camera-{secrets.token_hex(8)}"
        self.seconds = 0.0
        self.is_full = False
        self._longest_gap = 0.0
        self._limits = limits
        self._clip = folder / f"{name}.mp4"
        self._masks = RecordedMasks(folder / f"{name}.sqlite", model)
        self._times = ArrivalTimes(Fraction(_RATE))
        self._writer: VideoWriter | None = None
        self._size_hw = (0, 0)
        self._began = 0.0

    def has_room(self, seconds: float) -> bool:
        """Whether a clip with one more picture, which came then, can be opened."""
        if self._writer is None:
            return True
        came = seconds - self._began
        # The last one stays for a while. An encoder that reorders pictures makes the file longer
        # by up to two gaps between them.
        end = came + 2 / _RATE + 2 * max(self._longest_gap, came - self.seconds)
        limits = self._limits
        return end <= limits.max_duration_s and self._writer.num_written < limits.max_frames

    def add(
        self,
        image: Image,
        found: LiveMasks,
        masks: BoolArray,
        tracker: LiveTracker,
        prompted: set[int],
    ) -> None:
        if self._writer is None:
            self._began, self._size_hw = found.seconds, found.size_hw
            self._writer = VideoWriter(
                self._clip, found.size_hw, self._times, encoding=h264(20, "veryfast")
            )
        frame_idx = self._writer.num_written
        came = found.seconds - self._began
        self._longest_gap = max(self._longest_gap, came - self.seconds)
        self.seconds = came
        self._times.arrive(self.seconds)
        self._writer.write(image)
        results = [tracker.result(obj_id) for obj_id in found.obj_ids]
        with self._masks.written():
            for obj_id, mask, result in zip(found.obj_ids, masks, results, strict=True):
                if result is not None:
                    is_prompted = obj_id in prompted
                    self._masks.keep(frame_idx, obj_id, result, mask, is_prompted=is_prompted)

    def finish(self) -> Recorded:
        if self._writer is None or self._writer.num_written < _LEAST_FRAMES:
            self.discard()
            raise PromptError("Nothing has been recorded yet: the camera has sent no pictures.")
        num_frames = self._writer.num_written
        try:
            self._writer.close()
            self._masks.finish(self._size_hw, num_frames)
        except BaseException:
            self.discard()
            raise
        return Recorded(self._clip, self._masks.path, num_frames)

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.abort()
        self._clip.unlink(missing_ok=True)
        self._masks.discard()
