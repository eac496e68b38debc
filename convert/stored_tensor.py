"""Tensors that lie in a file, each read when it is asked for and not before."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from sam2ov.errors import CheckpointError

_CHUNK_BYTES: Final = 1 << 20
_MOST_DIMENSIONS: Final = 16

STORED_AS: Final[Mapping[str, np.dtype[Any]]] = {
    "float64": np.dtype("<f8"),
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype("<u2"),  # NumPy has none; widened by _widened
    "int64": np.dtype("<i8"),
    "int32": np.dtype("<i4"),
    "int16": np.dtype("<i2"),
    "int8": np.dtype("i1"),
    "uint8": np.dtype("u1"),
    "bool": np.dtype("u1"),  # other bytes than 0 and 1 make no proper booleans
}
"""The dtypes of tensors that are read, in torch's words, and how their values lie in a file."""


class CheckpointFile:
    """A checkpoint's file. It is opened for each part that is read, and is not to change meanwhile.

    Parts are read, not mapped: a mapping that is cut short by another process would be a crash, and
    its pages would count as memory of this one.
    """

    def __init__(self, path: Path) -> None:
        """Take the file's size.

        Raises:
            CheckpointError: there is no file at ``path``.
        """
        if not path.is_file():
            raise CheckpointError(f"There is no checkpoint at {path}.")
        self.path = path
        status = path.stat()
        self.size = status.st_size
        self._changed_ns = status.st_mtime_ns
        self._verified: set[int] = set()

    def read(self, start: int, size: int) -> bytes:
        """``size`` bytes from ``start``.

        Raises:
            CheckpointError: the file does not have them, or cannot be read.
        """
        with self._open(start, size) as file:
            content = file.read(size)
        if len(content) != size:
            raise self.damaged("it ends early")
        return content

    def read_values(self, start: int, count: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """``count`` numbers from ``start``, in an array of one dimension; errors as in ``read``."""
        values = np.empty(count, dtype)
        with self._open(start, values.nbytes) as file:
            if file.readinto(values.view(np.uint8).data) != values.nbytes:
                raise self.damaged("it ends early")
        return values

    def verify(self, start: int, size: int, crc: int, values: npt.NDArray[Any] | None) -> None:
        """Check a part against its checksum, once.

        Args:
            start: where it begins.
            size: how long it is.
            crc: its CRC-32.
            values: the part, where it has been read already; None reads it.

        Raises:
            CheckpointError: it has another checksum.
        """
        if start in self._verified:
            return
        found = 0
        if values is not None:
            found = zlib.crc32(values.view(np.uint8).data)
        else:
            for begin in range(start, start + size, _CHUNK_BYTES):
                chunk = self.read(begin, min(_CHUNK_BYTES, start + size - begin))
                found = zlib.crc32(chunk, found)
        if found != crc:
            raise self.damaged("its content does not match its checksum")
        self._verified.add(start)

    def damaged(self, why: str) -> CheckpointError:
        """The error for a file that is not as it was written."""
        return CheckpointError(
            f"{self.path} cannot be read: it is truncated, damaged, or no checkpoint "
            f"({self.size:,} bytes): {why}. Download or copy it again."
        )

    @contextmanager
    def _open(self, start: int, size: int) -> Iterator[BufferedReader]:
        if start < 0 or size < 0 or start + size > self.size:
            raise self.damaged("it names bytes that it does not have")
        try:
            with self.path.open("rb") as file:
                status = self.path.stat()
                if (status.st_size, status.st_mtime_ns) != (self.size, self._changed_ns):
                    raise CheckpointError(
                        f"{self.path} was changed while it was read. Start again when it is whole."
                    )
                file.seek(start)
                yield file
        except OSError as error:
            raise CheckpointError(
                f"{self.path} cannot be read: {error.strerror or error}."
            ) from error


class LazyTensor(Protocol):
    """What a checkpoint's tensor is until it is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its values."""
        ...

    def load(self) -> npt.NDArray[Any]:
        """Its values: see ``StoredTensor.load``."""
        ...


@dataclass(frozen=True)
class StoredTensor:
    """A view on numbers that lie in one run in a file.

    Attributes:
        file: where they lie.
        dtype: a key of ``STORED_AS``.
        shape: of the tensor.
        strides: in numbers, none negative.
        offset: of the tensor's first number, in numbers from ``start``.
        start: of the run, in bytes from the file's beginning.
        count: of the run's numbers.
        crc: the run's CRC-32; None where the format has none.
    """

    file: CheckpointFile
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    start: int
    count: int
    crc: int | None = None

    def __post_init__(self) -> None:
        """Raises CheckpointError where the view does not lie inside of its run."""
        small = all(0 <= number <= self.file.size for number in (*self.shape, *self.strides))
        if (
            not small
            or len(self.shape) > _MOST_DIMENSIONS
            or len(self.shape) != len(self.strides)
            or self.offset < 0
            or self.offset + self._span > self.count
        ):
            raise self.file.damaged("a tensor reaches outside of its storage")

    @property
    def _span(self) -> int:
        """Of how many numbers of the run the view is made, those between its own included."""
        if 0 in self.shape:
            return 0
        return 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))

    def load(self) -> npt.NDArray[Any]:
        """Its values, C-contiguous: float32 for floating dtypes, others as stored.

        Raises:
            CheckpointError: the file is damaged here, has changed, or cannot be read.
        """
        stored, whole = STORED_AS[self.dtype], self._span == self.count
        begin = self.start + self.offset * stored.itemsize
        values = self.file.read_values(begin, self._span, stored)
        if self.crc is not None:
            size = self.count * stored.itemsize
            self.file.verify(self.start, size, self.crc, values if whole else None)
        strides = tuple(stride * stored.itemsize for stride in self.strides)
        view = np.lib.stride_tricks.as_strided(values, self.shape, strides)
        return np.ascontiguousarray(_widened(view, self.dtype)).reshape(self.shape)

    def row(self, index: int) -> "StoredTensor":
        """The part [1, ...] of the first dimension."""
        return StoredTensor(
            self.file,
            self.dtype,
            (1, *self.shape[1:]),
            self.strides,
            self.offset + index * self.strides[0],
            self.start,
            self.count,
            self.crc,
        )


@dataclass(frozen=True)
class JoinedTensors:
    """Tensors one after the other, along the first dimension."""

    parts: Sequence[LazyTensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all together."""
        return (sum(part.shape[0] for part in self.parts), *self.parts[0].shape[1:])

    def load(self) -> npt.NDArray[Any]:
        """Its values: see ``StoredTensor.load``."""
        return np.concatenate([part.load() for part in self.parts])


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in numbers, of a tensor whose last dimension runs fastest."""
    return tuple(prod(shape[index + 1 :]) for index in range(len(shape)))


def _widened(values: npt.NDArray[Any], dtype: str) -> npt.NDArray[Any]:
    if dtype == "bfloat16":  # float32's first half
        widened: npt.NDArray[np.uint32] = np.left_shift(values, 16, dtype=np.uint32)
        return widened.view(np.float32)
    if dtype == "bool":
        return values.astype(np.bool_)
    if dtype.startswith("float"):
        with np.errstate(over="ignore"):  # infinite values are named with their key
            return values.astype(np.float32, copy=False)
    return values
