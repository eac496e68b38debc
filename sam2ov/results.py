"""Results on disk: what the tracker found on every frame, without growing in memory.

A prompted frame has two rows where tracking had been there first: the answer to the prompt, and
beneath it what was tracked, which comes back when the prompt is undone.

A row holds the low-resolution logits as float16 (relative error 5e-4, bytes shuffled and deflated),
the object pointer and the scores. Spatial memories, 1 MB each at 1024 px, are not kept: the memory
encoder gives them back from the logits when tracking resumes in the middle.
"""

import sqlite3
import tempfile
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from sam2ov.errors import TrackingError
from sam2ov.masks import FloatArray

_SCHEMA = """
CREATE TABLE result (
    obj_id INTEGER NOT NULL, frame_idx INTEGER NOT NULL,
    logits BLOB NOT NULL, pointer BLOB NOT NULL,
    object_score REAL NOT NULL, iou REAL NOT NULL, prompted INTEGER NOT NULL,
    PRIMARY KEY (obj_id, frame_idx, prompted)
)
"""


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What the model says about one object on one frame.

    Attributes:
        mask_logits: float32 [h, w] at a quarter of the image size, before hole filling;
            -1024 everywhere where the object is absent.
        pointer: float32 [C], ``no_obj_ptr`` already mixed in.
        object_score: logit; > 0 where the object is in the picture.
        iou: predicted IoU of the chosen mask, 0 to 1.
        prompted: the frame was segmented from a prompt, not tracked.
    """

    mask_logits: FloatArray
    pointer: FloatArray
    object_score: float
    iou: float
    prompted: bool


class ResultStore:
    """Results of one session by object and frame, in a database file that goes with the session.

    Args:
        low_res_size: height and width of the logits.
        directory: where the temporary file is made; None for the system's temporary folder.
        max_bytes: size at which the store counts as full; None for as much as the disk holds.
    """

    def __init__(
        self, low_res_size: int, directory: Path | None = None, max_bytes: int | None = None
    ) -> None:
        self._size = low_res_size
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="sam2ov-", dir=directory)
        path = Path(self._folder.name) / "results.sqlite"
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # The file dies with the session: a full disk must be survived, a power cut need not.
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-4096"):
            self._database.execute(f"PRAGMA {pragma}")
        if max_bytes is not None:
            (page_size,) = self._database.execute("PRAGMA page_size").fetchone()
            self._database.execute(f"PRAGMA max_page_count={max_bytes // page_size}")
        self._database.execute(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the file; closing twice is fine."""
        with self._lock:
            self._database.close()
            self._folder.cleanup()

    def put(self, obj_id: int, frame_idx: int, result: FrameResult) -> None:
        """Store a result, replacing an earlier one of the same object, frame and kind.

        Raises:
            TrackingError: the disk is full or the folder has gone.
        """
        row = (
            obj_id,
            frame_idx,
            _pack(result.mask_logits),
            result.pointer.tobytes(),
            result.object_score,
            result.iou,
            result.prompted,
        )
        try:
            with self._lock:
                self._database.execute("REPLACE INTO result VALUES (?,?,?,?,?,?,?)", row)
        except sqlite3.OperationalError as error:
            raise TrackingError(
                f"The result of frame {frame_idx} cannot be stored in {self._folder.name}: "
                f"{error}. "
                "Free some disk space, or point TMPDIR to a larger disk."
            ) from error

    def get(self, obj_id: int, frame_idx: int, *, prompted: bool) -> FrameResult | None:
        """The prompted or tracked result of an object on a frame, or None."""
        query = (
            "SELECT logits, pointer, object_score, iou FROM result "
            "WHERE obj_id = ? AND frame_idx = ? AND prompted = ?"
        )
        with self._lock:
            row = self._database.execute(query, (obj_id, frame_idx, prompted)).fetchone()
        if row is None:
            return None
        logits, pointer, object_score, iou = row
        return FrameResult(
            mask_logits=_unpack(logits, self._size),
            pointer=np.frombuffer(pointer, np.float32),
            object_score=object_score,
            iou=iou,
            prompted=prompted,
        )

    def remove_prompted(self, obj_id: int, frame_idx: int) -> None:
        """Drop the prompted result of an object on a frame; a tracked one beneath it stays."""
        query = "DELETE FROM result WHERE obj_id = ? AND frame_idx = ? AND prompted"
        with self._lock:
            self._database.execute(query, (obj_id, frame_idx))

    def remove_object(self, obj_id: int) -> None:
        """Drop all results of an object."""
        with self._lock:
            self._database.execute("DELETE FROM result WHERE obj_id = ?", (obj_id,))

    def clear(self) -> None:
        """Drop all results."""
        with self._lock:
            self._database.execute("DELETE FROM result")


def _pack(mask_logits: FloatArray) -> bytes:
    half = mask_logits.astype(np.float16)  # logits beyond 65504 do not occur; -1024 is exact
    planes = half.view(np.uint8).reshape(-1, 2).T  # exponents beside exponents deflate well
    return zlib.compress(planes.tobytes(), 1)


def _unpack(packed: bytes, size: int) -> FloatArray:
    planes = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(2, -1)
    half = np.ascontiguousarray(planes.T).view(np.float16)
    return half.reshape(size, size).astype(np.float32)
