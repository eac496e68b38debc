"""Small pictures of a clip's frames on disk: one file of JPEGs, and an index to find them."""

import hashlib
import json
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from sam2ov.locks import Rank, new_lock
from sam2ov.video import VideoInfo, fitting_size

MAX_SIDE = 640
"""Pixels of the longer side: enough to find one's way, and quick to fetch and to decode."""

BUDGET_BYTES = 768 << 20
"""Of one clip's pictures. 25 minutes of most footage fit; of longer clips every n-th frame does."""

_HEADER_BYTES = 512
_FORMAT = 2


class ProxyFile:
    """The stored pictures of one clip. They outlive the process, and fit the clip or go.

    A picture that was cut off (no space left, power gone) counts as missing. Methods may be called
    from any thread.

    Args:
        folder: where the two files lie; created. One ``ProxyFile`` at a time has it.
        info: the clip.

    Raises:
        OSError: the folder cannot be written to, or belongs to another ``ProxyFile``.
    """

    def __init__(self, folder: Path, info: VideoInfo) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.size_wh = fitting_size(info.width, info.height, MAX_SIDE)
        self._num_frames = info.num_frames
        self._lock = new_lock(Rank.LEAF)
        # Whoever closes it may be another thread than the one that opened it.
        self._owner = FileLock(folder / "proxy.lock", thread_local=False)
        try:
            self._owner.acquire(timeout=0)
        except Timeout as error:
            raise OSError(f"{folder} is in use by another window of the same project") from error
        header = _header(info, self.size_wh)
        self._index_path = folder / "proxy.index"
        self._pictures_path = folder / "proxy.jpegs"
        if not self._is_of(header):
            self._pictures_path.unlink(missing_ok=True)
            records = bytes(16 * self._num_frames)  # written out: a full disk is noticed here
            self._index_path.write_bytes(header + records)
            self._pictures_path.write_bytes(b"")
        # Unbuffered: what is written can be read at once, and a full disk is noticed at once.
        self._index = self._index_path.open("r+b", buffering=0)
        self._pictures = self._pictures_path.open("r+b", buffering=0)
        self._end = self._pictures_path.stat().st_size
        self._places = self._read_places()  # int64 [N, 2], offset and length; 0: not stored

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """How many frames are stored."""
        return int(np.count_nonzero(self._places[:, 1]))

    def __contains__(self, frame_idx: int) -> bool:
        return bool(self._places[frame_idx, 1])

    @property
    def num_bytes(self) -> int:
        """Size of the pictures."""
        return self._end

    def put(self, frame_idx: int, jpeg: bytes) -> None:
        """Store a frame's picture; one that is there is kept.

        Raises:
            OSError: no space is left.
        """
        with self._lock:
            if self._index.closed or frame_idx in self:
                return
            # The index comes last: what it names is complete.
            self._pictures.seek(self._end)
            if self._pictures.write(jpeg) < len(jpeg):
                raise OSError(f"{self._pictures_path}: no space left for a picture")
            place = np.array([self._end, len(jpeg)], np.int64)
            self._index.seek(_HEADER_BYTES + 16 * frame_idx)
            self._index.write(place.tobytes())
            self._places[frame_idx] = place
            self._end += len(jpeg)

    def get(self, frame_idx: int) -> bytes | None:
        """A frame's picture, a JPEG file, or None."""
        with self._lock:
            offset, length = self._places[frame_idx].tolist()
            if self._pictures.closed or not length:
                return None
            self._pictures.seek(offset)
            jpeg = self._pictures.read(length)
            if jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9":
                return jpeg
            self._places[frame_idx] = 0
            return None

    def nearest(self, frame_idx: int) -> int | None:
        """The stored frame nearest to ``frame_idx``, or None while there are none."""
        stored = np.flatnonzero(self._places[:, 1])
        if not len(stored):
            return None
        after = int(np.searchsorted(stored, frame_idx))
        around = stored[max(after - 1, 0) : after + 1]
        return int(around[np.abs(around - frame_idx).argmin()])

    def close(self) -> None:
        """Release the files; they stay on the disk. Safe to call twice."""
        with self._lock:
            self._index.close()
            self._pictures.close()
            self._owner.release()

    def _is_of(self, header: bytes) -> bool:
        try:
            with self._index_path.open("rb") as file:
                same = file.read(_HEADER_BYTES) == header
        except FileNotFoundError:
            return False
        size = _HEADER_BYTES + 16 * self._num_frames
        return same and self._index_path.stat().st_size == size and self._pictures_path.exists()

    def _read_places(self) -> npt.NDArray[np.int64]:
        self._index.seek(_HEADER_BYTES)
        records = self._index.read(16 * self._num_frames)
        places = np.frombuffer(records, np.int64).reshape(-1, 2).copy()
        offsets, lengths = places.T
        places[(offsets < 0) | (lengths <= 0) | (offsets + lengths > self._end)] = 0
        return places


def _header(info: VideoInfo, size_wh: tuple[int, int]) -> bytes:
    """What the pictures were made from; equal for a moved copy of the same clip."""
    facts = {
        "format": _FORMAT,
        "bytes": info.num_bytes,
        "frames": info.num_frames,
        "size": size_wh,
        "treatment": info.treatment,
        "times": hashlib.sha256(info.frame_pts.tobytes()).hexdigest(),
    }
    return json.dumps(facts).encode().ljust(_HEADER_BYTES)
