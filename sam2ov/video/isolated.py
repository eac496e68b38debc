"""Frames of a video that another process decodes.

What is wrong with a file is wrong in that process: where it crashes, hangs or eats memory, the
frame is asked for once more, of a new process, and called damaged where that goes the same way. The
readers of a video share one process and its index, each with a decoder and a thread there.

A reader whose frames are read in a row has the next ones made while the last is used.
"""

from collections import deque
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.errors import FrameDecodeError, Sam2ovError, VideoOpenError
from sam2ov.locks import Rank, new_lock
from sam2ov.progress import CancelCheck
from sam2ov.values.field_order import FieldOrder
from sam2ov.video import served
from sam2ov.video.cache import Image
from sam2ov.video.limits import VideoLimits
from sam2ov.video.picture_form import PLAIN, PictureForm
from sam2ov.video.reader import FrameReader
from sam2ov.video.sequences import is_pattern
from sam2ov.workers.confinement import DEFAULT_MEMORY_BYTES, Confinement
from sam2ov.workers.shared_memory import MappedRoom
from sam2ov.workers.worker import BegunCall, Worker, WorkerLostError, WorkerSilentError

MEMORY_BYTES: Final = DEFAULT_MEMORY_BYTES
"""For all readers of a clip, of which the app has four or so; see ``decoder.num_threads``."""


_AHEAD: Final = 2
"""Runs that are asked for before they are wanted: while one is used and while one is told of."""
_RUN_BYTES: Final = 4 << 20
_LONGEST_RUN: Final = 8
"""Frames in a row that are asked for at once, if they are small: each message takes its time."""
_CAREFUL: Final = 16
"""Frames that are asked for one by one after a process was lost: one of them may be why."""


@dataclass(frozen=True)
class _Asked:
    """Frames that a process was asked for, and where they will lie."""

    frames: tuple[int, ...]
    call: BegunCall[None]
    rooms: tuple[MappedRoom, ...]


class _Clip:
    """A video and the process that reads it; shared by its readers.

    Raises:
        VideoOpenError: it cannot be opened.
        CancelledError: ``cancel`` returned true.
    """

    def __init__(
        self,
        path: Path,
        limits: VideoLimits,
        *,
        cache_bytes: int,
        verify: bool,
        name: str | None,
        cancel: CancelCheck | None,
        field_order: FieldOrder,
        holds_gaps: bool,
    ) -> None:
        self.name = name or str(path)
        self._how = (path, limits, cache_bytes, verify, name, field_order, holds_gaps)
        self._lock = new_lock(Rank.CLIP)
        self._numbers = count(served.FIRST + 1)
        self._num_readers = 0
        self._has_moved = False
        self._worker, self.opened = self._open(cancel)

    def _open(self, cancel: CancelCheck | None = None) -> tuple[Worker, served.OpenedVideo]:
        path = self._how[0]
        if not path.exists() and not is_pattern(path):
            raise VideoOpenError(f"{self.name} does not exist. Check the path.")
        reads = path if path.exists() else path.parent
        try:
            worker = Worker(Confinement(reads=(reads.resolve(),), memory_bytes=MEMORY_BYTES))
            try:
                opened = worker.call(
                    served.open_first, *self._how, cancel=cancel, stage="Opening the clip"
                )
            except BaseException:
                worker.close()
                raise
        except WorkerLostError as error:
            raise VideoOpenError(
                f"{self.name} cannot be opened: reading it {error}. It is damaged, or made to do "
                "harm; convert it first: ffmpeg -i INPUT OUTPUT.mp4"
            ) from error
        return worker, opened

    def worker(self) -> Worker:
        """The process; a new one where it has died, or may read another file."""
        with self._lock:
            if self._worker.is_lost or self._has_moved:
                self._worker, opened = self._open()
                self._has_moved = False
                if not np.array_equal(opened.info.frame_pts, self.opened.info.frame_pts):
                    self._worker.close()
                    raise VideoOpenError(
                        f"{self.name} is not the file any more that was opened. Open it again."
                    )
            return self._worker

    def move(self, path: Path) -> None:
        """Go on with a copy. The present process ends when nobody reads by it any more."""
        with self._lock:
            self._how = (path, *self._how[1:])
            self._has_moved = True

    def new_number(self, is_first: bool) -> int:
        """A number for a reader."""
        with self._lock:
            self._num_readers += 1
            return served.FIRST if is_first else next(self._numbers)

    def leave(self, number: int) -> None:
        """A reader is closed; the process ends with the last."""
        with self._lock:
            self._num_readers -= 1
            is_last = self._num_readers == 0
            worker = self._worker
        if is_last:
            worker.close()
        elif number != served.FIRST:
            try:
                worker.call(served.close_reader, number, lane=number)
            except WorkerLostError:
                return  # and the reader with it


class IsolatedReader(FrameReader):
    """Reads a video that ``open_video`` has opened.

    Args:
        clip: the video.
        cache_bytes: memory for frames that were used last, in the other process.
        form: of its frames.
        is_first: the reader that the video was opened with.
    """

    def __init__(
        self, clip: _Clip, cache_bytes: int, form: PictureForm = PLAIN, *, is_first: bool = False
    ) -> None:
        self._clip = clip
        self._cache_bytes = cache_bytes
        self._number = clip.new_number(is_first)
        self._worker: Worker | None = None
        self._latest: int | None = None
        self._ahead: deque[_Asked] = deque()
        self._dropped: list[MappedRoom] = []  # the process may still write there
        self._ready: dict[int, MappedRoom] = {}
        self._is_alone = True  # nothing that was asked for before the frame can hold it up
        self._careful = 0
        super().__init__(clip.opened.info.in_form(form), form)
        try:
            self._attach()
        except BaseException:
            clip.leave(self._number)
            raise

    @classmethod
    def open(
        cls,
        path: Path,
        limits: VideoLimits,
        *,
        cache_bytes: int,
        verify: bool = False,
        name: str | None = None,
        cancel: CancelCheck | None = None,
        field_order: FieldOrder = "auto",
        holds_gaps: bool = False,
    ) -> "IsolatedReader":
        """Open a video; arguments and errors are those of ``open_video``."""
        clip = _Clip(
            path,
            limits,
            cache_bytes=cache_bytes,
            verify=verify,
            name=name,
            cancel=cancel,
            field_order=field_order,
            holds_gaps=holds_gaps,
        )
        return cls(clip, cache_bytes, is_first=True)

    @property
    def keyframes(self) -> npt.NDArray[np.int64]:
        """The frames that are decoded without any other, ascending."""
        return self._clip.opened.keyframes

    def twin(self, *, cache_bytes: int, form: PictureForm = PLAIN) -> "IsolatedReader":
        """Read the same video; see ``FrameReader.twin``."""
        return IsolatedReader(self._clip, cache_bytes, form)

    def move(self, path: Path) -> None:
        """Have this reader, and all that share the video with it, go on with a copy of the file.

        Frames that are being read come from the old one, which may have been deleted.
        """
        self._clip.move(path)

    def _attach(self) -> Worker:
        """The process, which knows this reader."""
        worker = self._clip.worker()
        if worker is self._worker:
            return worker
        if self._number != served.FIRST:
            try:
                worker.call(
                    served.open_twin,
                    self._number,
                    self._cache_bytes,
                    self.form,
                    lane=self._number,
                )
            except WorkerLostError as error:
                raise VideoOpenError(
                    f"{self.info.name} cannot be opened once more: reading it {error}."
                ) from error
        self._ahead.clear()
        self._ready.clear()
        self._dropped.clear()
        self._worker = worker
        return worker

    def _fetch(self, frame_idx: int, step: int) -> Image:
        try:
            return self._fetch_once(frame_idx, step)
        except WorkerLostError as error:
            lost = error
        worker = self._worker
        # What this process had to do besides, for this reader or another, may be what was wrong.
        is_its_own = isinstance(lost, WorkerSilentError) and self._is_alone
        self._careful = _CAREFUL
        if worker is not None and worker.is_lost and not is_its_own:
            try:
                return self._fetch_once(frame_idx, step)
            except WorkerLostError as error:
                lost = error
        raise FrameDecodeError(
            f"frame {frame_idx} of {self.info.name} cannot be decoded: reading it {lost}. "
            "Leave it out, or convert the clip first: ffmpeg -i INPUT OUTPUT.mp4"
        ) from lost

    def _fetch_once(self, frame_idx: int, step: int) -> Image:
        worker = self._attach()
        is_in_a_row = self._latest == frame_idx - step
        if frame_idx not in self._ready:
            self._receive(worker, frame_idx, step, is_in_a_row=is_in_a_row)
        elif is_in_a_row:
            self._ask_ahead(worker, frame_idx, step)
        self._latest = frame_idx
        self._careful = max(self._careful - 1, 0)
        shape = (*self.size_hw, self.form.pixel_bytes)
        frame = worker.shared.array(self._ready.pop(frame_idx), shape)
        return frame.view(np.uint16) if self.form.is_deep else frame

    def _receive(self, worker: Worker, frame_idx: int, step: int, *, is_in_a_row: bool) -> None:
        """Have a frame ready, and perhaps some after it."""
        self._give_ready_back(worker)
        if self._ahead and self._ahead[0].frames[0] != frame_idx:
            self._drop_ahead()
        asked = self._ahead.popleft() if self._ahead else self._ask(worker, (frame_idx,), step)
        if is_in_a_row:
            self._ask_ahead(worker, asked.frames[-1], step)
        self._is_alone = len(asked.frames) == 1 and not self._dropped
        try:
            asked.call.answer()
        except (Sam2ovError, WorkerLostError) as error:
            if isinstance(error, WorkerLostError) and worker.is_lost:
                raise
            for mapped in asked.rooms:
                worker.shared.give_back(mapped)
            if len(asked.frames) == 1:
                raise
            self._drop_ahead()  # one of them is damaged
            self._careful = _CAREFUL
            self._receive(worker, frame_idx, step, is_in_a_row=False)
            return
        # A lane works in order: nothing is written any more for what was dropped before this.
        self._give_dropped_back(worker)
        self._ready.update(zip(asked.frames, asked.rooms, strict=True))

    def _ask(self, worker: Worker, frames: tuple[int, ...], step: int) -> _Asked:
        rooms = tuple(worker.shared.take(self._frame_bytes) for _ in frames)
        places = tuple(mapped.room for mapped in rooms)
        call = worker.begin(served.read, self._number, frames, step, places, lane=self._number)
        return _Asked(frames, call, rooms)

    def _ask_ahead(self, worker: Worker, last: int, step: int) -> None:
        """Have the frames after the last that was asked for read while that is used."""
        if self._careful:
            return
        if self._ready:
            last = list(self._ready)[-1]
        length = max(min(_RUN_BYTES // self._frame_bytes, _LONGEST_RUN), 1)
        while len(self._ahead) < _AHEAD:
            if self._ahead:
                last = self._ahead[-1].frames[-1]
            frames = tuple(
                frame for n in range(1, length + 1) if 0 <= (frame := last + n * step) < len(self)
            )
            if not frames:
                return
            self._ahead.append(self._ask(worker, frames, step))

    def _drop_ahead(self) -> None:
        for asked in self._ahead:
            asked.call.drop()
            self._dropped.extend(asked.rooms)
        self._ahead.clear()

    @property
    def _frame_bytes(self) -> int:
        return self.form.pixel_bytes * self.info.width * self.info.height

    def _give_ready_back(self, worker: Worker) -> None:
        for mapped in self._ready.values():
            worker.shared.give_back(mapped)
        self._ready.clear()

    def _give_dropped_back(self, worker: Worker) -> None:
        for mapped in self._dropped:
            worker.shared.give_back(mapped)
        self._dropped.clear()

    def _release(self) -> None:
        self._drop_ahead()
        self._clip.leave(self._number)  # which waits for its lane, but for that of the first
        if self._worker is None:
            return
        self._give_ready_back(self._worker)
        if self._number != served.FIRST:
            self._give_dropped_back(self._worker)
