"""Makes the small pictures of a clip in the background, so that scrubbing need not decode."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from sam2ov.errors import FrameDecodeError, VideoError
from sam2ov.export.pictures import encode_jpeg
from sam2ov.ui.media.checkerboard import on_checkerboard
from sam2ov.ui.media.proxy_file import BUDGET_BYTES, MAX_SIDE, ProxyFile
from sam2ov.video import FrameReader, PictureForm

QUALITY = 65
KEYFRAMES_FIRST = 240
"""So many pictures, spread over the clip, are made before all others: they take seconds."""

_NICENESS = 10
# Lower still, and a thread that waits for a busy processor would hold Python's lock meanwhile.
_LOOK_AGAIN_SECONDS = 0.1
_ASIDE_SECONDS = 0.5
"""After each picture that somebody looks at: more will follow while the playhead moves."""

_log = logging.getLogger(__name__)


class Proxies:
    """A clip's small pictures, and the thread that makes them.

    First come keyframes all over the clip, then all frames in order; of a clip whose pictures would
    exceed the budget, every n-th. They only make things quicker: without a folder that takes them,
    or with a full disk, they stay away, and the log tells why.

    Args:
        source: the clip; a twin of it does the decoding.
        folder: where the pictures are kept; what lies there from an earlier time is used.
        is_busy: whether somebody waits for the processor; nothing is decoded meanwhile.
        budget_bytes: of all pictures.
    """

    def __init__(
        self,
        source: FrameReader,
        folder: Path,
        is_busy: Callable[[], bool] = lambda: False,
        budget_bytes: int = BUDGET_BYTES,
    ) -> None:
        self._source = source
        self._is_busy = is_busy
        self._budget_bytes = budget_bytes
        self._form = PictureForm(max_side=MAX_SIDE, has_alpha=source.info.has_alpha)
        self._stopped = threading.Event()
        self._aside_until = 0.0
        self._may_go_on = threading.Event()
        self._may_go_on.set()
        self._overview = _spread(source.keyframes)
        self.has_overview = threading.Event()
        """The keyframes are there."""
        self.is_done = threading.Event()
        """Nothing more will come."""
        self._file: ProxyFile | None = None
        try:
            self._file = ProxyFile(folder, source.info)
        except OSError as error:
            _log.warning("Scrubbing will be slower: no small pictures of the clip (%s).", error)
            self.has_overview.set()
            self.is_done.set()
            return
        self._thread = threading.Thread(target=self._run, name="sam2ov-proxies", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop after the present frame; the pictures stay on the disk. Safe to call twice."""
        self._stopped.set()
        if self._file is not None:
            self._thread.join()
            self._file.close()

    @property
    def share(self) -> float:
        """How much of the work is done, 0…1."""
        if self.is_done.is_set() or self._file is None:
            return 1.0
        return len(self._file) / self._source.num_frames

    def stand_aside(self) -> None:
        """Somebody looks around: leave the processor to them for a moment."""
        self._aside_until = time.monotonic() + _ASIDE_SECONDS

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Somebody waits for a keyframe that is decoded inside: nothing else is begun meanwhile."""
        self._may_go_on.clear()
        try:
            yield
        finally:
            self._may_go_on.set()

    @property
    def spacing(self) -> int:
        """How far apart the keyframes are, at most, that are made before all others."""
        ends = [0, *sorted(self._overview), self._source.num_frames]
        return max(after - before for before, after in pairwise(ends))

    def add(self, frame_idx: int, jpeg: bytes) -> None:
        """Keep a picture that was made for somebody, at the size and quality of the others."""
        if self._file is None or self.is_done.is_set():
            return
        try:
            self._file.put(frame_idx, jpeg)
        except OSError as error:
            _log.warning("A small picture of a clip cannot be kept: %s", error)

    def get(self, frame_idx: int) -> bytes | None:
        """The picture of exactly this frame, JPEG, if it is there."""
        return None if self._file is None else self._file.get(frame_idx)

    def nearest(self, frame_idx: int) -> tuple[int, bytes] | None:
        """The frame nearest to ``frame_idx`` that has a picture, and the picture."""
        if self._file is None:
            return None
        nearest = self._file.nearest(frame_idx)
        jpeg = None if nearest is None else self._file.get(nearest)
        return None if nearest is None or jpeg is None else (nearest, jpeg)

    def _run(self) -> None:
        assert self._file is not None
        try:
            # Everybody waits for the overview; it takes a few seconds.
            with self._source.twin(cache_bytes=0, form=self._form) as reader:
                self._make(reader, iter(self._overview), self._is_taken)
            self.has_overview.set()
            _be_nice()
            with self._source.twin(cache_bytes=0, form=self._form) as reader:
                self._make(reader, self._in_order(), self._must_wait)
        except (OSError, VideoError) as error:
            _log.warning("The small pictures of a clip stay incomplete: %s", error)
        finally:
            self.has_overview.set()
            self.is_done.set()

    def _make(
        self, reader: FrameReader, frames: Iterator[int], must_wait: Callable[[], bool]
    ) -> None:
        assert self._file is not None
        for frame_idx in frames:
            while must_wait() and not self._stopped.is_set():
                self._stopped.wait(_LOOK_AGAIN_SECONDS)
            if self._stopped.is_set() or self._file.num_bytes >= self._budget_bytes:
                return
            if frame_idx in self._file:
                continue
            try:
                picture = reader.read(frame_idx)
            except FrameDecodeError:
                continue  # told to whoever asks for this very frame
            if self._form.has_alpha:
                picture = on_checkerboard(picture)
            self._file.put(frame_idx, encode_jpeg(picture, QUALITY))

    def _is_taken(self) -> bool:
        return not self._may_go_on.is_set() or self._is_busy()

    def _must_wait(self) -> bool:
        return time.monotonic() < self._aside_until or self._is_taken()

    def _in_order(self) -> Iterator[int]:
        """All frames, or every n-th with the least n whose pictures fit the budget."""
        assert self._file is not None
        num_frames = self._source.num_frames
        mean_bytes = self._file.num_bytes / max(len(self._file), 1)
        step = max(int(np.ceil(num_frames * mean_bytes / self._budget_bytes)), 1)
        return iter(range(0, num_frames, step))


def _spread(keyframes: npt.NDArray[np.int64]) -> list[int]:
    """At most ``KEYFRAMES_FIRST`` of the keyframes, evenly over the clip, the coarsest first."""
    count = min(len(keyframes), KEYFRAMES_FIRST)
    chosen = np.linspace(0, len(keyframes) - 1, count).round().astype(np.int64)
    places = sorted(range(count), key=_coarseness, reverse=True)
    return [int(frame) for frame in keyframes[chosen[places]]]


def _coarseness(place: int) -> int:
    """The power of two that divides a place in a row: halves come before quarters."""
    return place & -place if place else KEYFRAMES_FIRST


def _be_nice() -> None:
    """Let everybody else go first; threads of the decoder inherit it. A matter of Linux."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
