"""Frames of a video that another process decodes.

What is wrong with a file is wrong in that process: where it crashes, hangs or eats memory, the
frame that was asked for is damaged, and the next one is read by a new process. The readers of a
video share one process and its index, each with a decoder and a thread there.
"""

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.errors import FrameDecodeError, VideoOpenError
from sam2ov.locks import Rank, new_lock
from sam2ov.progress import CancelCheck
from sam2ov.video import served
from sam2ov.video.cache import Image
from sam2ov.video.limits import VideoLimits
from sam2ov.video.reader import FrameReader
from sam2ov.video.sequences import is_pattern
from sam2ov.workers.confinement import DEFAULT_MEMORY_BYTES, Confinement
from sam2ov.workers.shared_memory import MappedRoom, Room
from sam2ov.workers.worker import Worker, WorkerLostError

MEMORY_BYTES: Final = DEFAULT_MEMORY_BYTES
"""For all readers of a clip. One of 10-bit HEVC with eight threads takes 2.0 GiB at 7680×4320, and
1.0 GiB at 3840×2160."""


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
    ) -> None:
        self.name = name or str(path)
        self._how = (path, limits, cache_bytes, verify, name)
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
        max_side: scale frames down to fit so many pixels.
        is_first: the reader that the video was opened with.
    """

    def __init__(
        self, clip: _Clip, cache_bytes: int, max_side: int | None = None, *, is_first: bool = False
    ) -> None:
        self._clip = clip
        self._cache_bytes = cache_bytes
        self._max_side = max_side
        self._number = clip.new_number(is_first)
        self._worker: Worker | None = None
        self._room: Room | None = None
        self._mapped: MappedRoom | None = None
        super().__init__(clip.opened.info)
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
    ) -> "IsolatedReader":
        """Open a video; arguments and errors are those of ``open_video``."""
        clip = _Clip(path, limits, cache_bytes=cache_bytes, verify=verify, name=name, cancel=cancel)
        return cls(clip, cache_bytes, is_first=True)

    @property
    def keyframes(self) -> npt.NDArray[np.int64]:
        """The frames that are decoded without any other, ascending."""
        return self._clip.opened.keyframes

    def twin(self, *, cache_bytes: int, max_side: int | None = None) -> "IsolatedReader":
        """Read the same video; see ``FrameReader.twin``."""
        return IsolatedReader(self._clip, cache_bytes, max_side)

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
                height, width = worker.call(
                    served.open_twin,
                    self._number,
                    self._cache_bytes,
                    self._max_side,
                    lane=self._number,
                )
            except WorkerLostError as error:
                raise VideoOpenError(
                    f"{self.info.name} cannot be opened once more: reading it {error}."
                ) from error
            self.info = replace(self.info, width=width, height=height)
        self._forget_room()
        self._room = worker.shared.take(3 * self.info.width * self.info.height)
        self._mapped = MappedRoom(worker.shared.fd, self._room)
        self._worker = worker
        return worker

    def _fetch(self, frame_idx: int, step: int) -> Image:
        worker = self._attach()
        assert self._mapped is not None
        try:
            worker.call(served.read, self._number, frame_idx, step, self._room, lane=self._number)
        except WorkerLostError as error:
            raise FrameDecodeError(
                f"frame {frame_idx} of {self.info.name} cannot be decoded: reading it {error}. "
                "Leave it out, or convert the clip first: ffmpeg -i INPUT OUTPUT.mp4"
            ) from error
        frame = self._mapped.read((*self.size_hw, 3))
        frame.setflags(write=False)
        return frame

    def _forget_room(self) -> None:
        if self._mapped is not None:
            self._mapped.close()
        if self._room is not None and self._worker is not None and not self._worker.is_lost:
            self._worker.shared.give_back(self._room)
        self._mapped = self._room = None

    def _release(self) -> None:
        self._clip.leave(self._number)
        self._forget_room()
