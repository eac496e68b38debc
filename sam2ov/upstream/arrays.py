"""NumPy arrays that answer like CPU tensors, so that programs written for torch go on working.

Torch itself is nowhere: ``float()``, ``cpu()`` and the others are NumPy's own operations under the
names that programs use. ``torch.from_numpy(array)``, ``np.asarray(array)``, OpenCV and Pillow take
the arrays as they are. What copies is what copies in NumPy.
"""

from typing import Any, Self, SupportsIndex, cast

import numpy as np
import numpy.typing as npt

from sam2ov.errors import DeviceError, PromptError

_DTYPES: dict[str, type[np.generic]] = {
    "bool": np.bool_,
    "uint8": np.uint8,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int": np.int32,
    "int64": np.int64,
    "long": np.int64,
    "float16": np.float16,
    "half": np.float16,
    "float32": np.float32,
    "float": np.float32,
    "float64": np.float64,
    "double": np.float64,
}
"""NumPy's types by the names that torch has for its own."""


class Device(str):
    """Where arrays or networks are: a string that also has torch's ``type`` and ``index``."""

    __slots__ = ()

    @property
    def type(self) -> str:
        """Without the number: "cpu", "gpu", …"""
        return self.partition(".")[0].partition(":")[0].lower()

    @property
    def index(self) -> int | None:  # type: ignore[override]
        """The number in "GPU.1"; None without one."""
        number = self.partition(".")[2]
        return int(number) if number.isdigit() else None


class Size(int):
    """What ``array.size`` is: NumPy's number of elements, and torch's shape if called."""

    _shape: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Self:
        """The size of an array of that shape."""
        made = cls(int(np.prod(shape, dtype=np.int64)))
        made._shape = shape
        return made

    def __call__(self, dim: int | None = None) -> Any:
        """The shape, or its length along ``dim``."""
        return self._shape if dim is None else self._shape[dim]


class TensorArray(np.ndarray[Any, Any]):
    """A NumPy array with the methods that programs call on CPU tensors.

    Comparisons, indexing and arithmetic keep the class. ``dim`` and ``keepdim`` are understood
    where torch names axes so.
    """

    @classmethod
    def of(cls, array: npt.NDArray[Any]) -> Self:
        """The same memory, seen as this class."""
        return array.view(cls)

    # What moves nothing.

    def cpu(self, *_: Any, **__: Any) -> Self:
        """The array itself: it is on the CPU."""
        return self

    def detach(self) -> Self:
        """The array itself: no gradients are kept."""
        return self

    def contiguous(self, *_: Any, **__: Any) -> Self:
        """The array itself if its elements follow each other in memory, else a copy."""
        return self if self.flags.c_contiguous else self.clone()

    def numpy(self, *_: Any, **__: Any) -> npt.NDArray[Any]:
        """The same memory as a plain ``np.ndarray``."""
        return super().view(np.ndarray)

    def clone(self, *_: Any, **__: Any) -> Self:
        """A copy."""
        return self.copy()

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """The array itself; gradients are refused.

        Raises:
            PromptError: ``requires_grad`` is true.
        """
        if requires_grad:
            raise PromptError("sam2ov computes no gradients: results are NumPy arrays.")
        return self

    @property
    def requires_grad(self) -> bool:
        """False."""
        return False

    @property
    def is_cuda(self) -> bool:
        """False."""
        return False

    @property
    def device(self) -> Device:  # type: ignore[override]
        """Always "cpu"."""
        return Device("cpu")

    def cuda(self, *_: Any, **__: Any) -> Self:
        """Refused: results are in the computer's memory.

        Raises:
            DeviceError: always.
        """
        raise _no_other_device("cuda")

    # Types.

    def to(self, *args: Any, dtype: Any = None, device: Any = None, **_: Any) -> Self:
        """The array in another type; a device must be the CPU.

        Args:
            args: a type, a device, or another array whose type is taken, as in torch.
            dtype: NumPy's or torch's.
            device: "cpu".

        Raises:
            DeviceError: another device.
            PromptError: a type that NumPy lacks (bfloat16).
        """
        for given in (*args, dtype, device):
            if given is None or isinstance(given, bool):
                continue  # torch's non_blocking and copy
            if isinstance(given, np.ndarray):
                return self._as(given.dtype)
            name = str(given).removeprefix("torch.")
            if isinstance(given, np.dtype) or given is bool or given in (int, float):
                return self._as(np.dtype(given))
            if isinstance(given, type) and issubclass(given, np.generic):
                return self._as(np.dtype(given))
            if name in _DTYPES:
                return self._as(np.dtype(_DTYPES[name]))
            if name.split(":")[0].lower() != "cpu":
                raise _no_other_device(name)
        return self

    def type(self, dtype: Any = None) -> Any:
        """The name of the type, or the array in another."""
        return self.dtype.name if dtype is None else self.to(dtype)

    def float(self) -> Self:
        """In float32."""
        return self._as(np.dtype(np.float32))

    def double(self) -> Self:
        """In float64."""
        return self._as(np.dtype(np.float64))

    def half(self) -> Self:
        """In float16."""
        return self._as(np.dtype(np.float16))

    def int(self) -> Self:
        """In int32."""
        return self._as(np.dtype(np.int32))

    def long(self) -> Self:
        """In int64."""
        return self._as(np.dtype(np.int64))

    def byte(self) -> Self:
        """In uint8."""
        return self._as(np.dtype(np.uint8))

    def bool(self) -> Self:
        """True where not 0."""
        return self._as(np.dtype(np.bool_))

    def _as(self, dtype: np.dtype[Any]) -> Self:
        return cast(Self, self.astype(dtype, copy=False))

    # Shapes.

    @property
    def size(self) -> Size:
        """The number of elements; called, the shape, or with ``dim`` one of its lengths."""
        return Size.of(self.shape)

    def dim(self) -> SupportsIndex:
        """The number of axes."""
        return self.ndim

    def numel(self) -> SupportsIndex:
        """The number of elements."""
        return super().size

    def squeeze(self, dim: Any = None, axis: Any = None) -> Self:  # type: ignore[override]
        """Without axes of length 1: all, or ``dim`` if it has that length."""
        which = dim if axis is None else axis
        if which is None:
            return cast(Self, super().squeeze())
        axes = (which,) if isinstance(which, np.integer | _INT) else tuple(which)
        return cast(Self, super().squeeze(tuple(a for a in axes if self.shape[a] == 1)))

    def unsqueeze(self, dim: SupportsIndex) -> Self:
        """With an axis of length 1 at ``dim``."""
        return cast(Self, np.expand_dims(self, dim))

    def permute(self, *dims: Any) -> Self:
        """With the axes in that order."""
        return super().transpose(*dims)

    def transpose(self, *dims: Any) -> Self:
        """Two axes exchanged, as in torch; or all in an order, as in NumPy."""
        if len(dims) == 2 and self.ndim > 2 and all(isinstance(d, _INT) for d in dims):
            return self.swapaxes(*dims)
        return super().transpose(*dims)

    def view(self, *shape: Any, **named: Any) -> Any:
        """Another shape, as in torch; or another type or class, as in NumPy."""
        first = shape[0] if shape else None
        if isinstance(first, _INT | tuple | list):
            return super().reshape(*shape)
        return super().view(*shape, **named)

    def flatten(self, start_dim: Any = None, end_dim: Any = -1, **named: Any) -> Any:  # type: ignore[override]
        """The axes from ``start_dim`` to ``end_dim`` as one; all, copied, as in NumPy without."""
        if start_dim is None or isinstance(start_dim, str):
            order = named if start_dim is None else {"order": start_dim}
            return super().flatten(**order)
        first, last = start_dim % max(self.ndim, 1), end_dim % max(self.ndim, 1)
        return self.reshape(*self.shape[:first], -1, *self.shape[last + 1 :])

    # Reductions.

    def sum(self, dim: Any = None, keepdim: Any = False, **named: Any) -> Any:  # type: ignore[override]
        """The sum, along ``dim`` if given."""
        return super().sum(**_axes(dim, keepdim, named))

    def mean(self, dim: Any = None, keepdim: Any = False, **named: Any) -> Any:  # type: ignore[override]
        """The mean, along ``dim`` if given."""
        return super().mean(**_axes(dim, keepdim, named))

    def any(self, dim: Any = None, keepdim: Any = False, **named: Any) -> Any:  # type: ignore[override]
        """Whether any is true, along ``dim`` if given."""
        return super().any(**_axes(dim, keepdim, named))

    def all(self, dim: Any = None, keepdim: Any = False, **named: Any) -> Any:  # type: ignore[override]
        """Whether all are true, along ``dim`` if given."""
        return super().all(**_axes(dim, keepdim, named))

    def argmax(self, dim: Any = None, keepdim: Any = False, **named: Any) -> Any:  # type: ignore[override]
        """Where the largest is, along ``dim`` if given."""
        return super().argmax(**_axes(dim, keepdim, named))

    def argmin(self, dim: Any = None, keepdim: Any = False, **named: Any) -> Any:  # type: ignore[override]
        """Where the smallest is, along ``dim`` if given."""
        return super().argmin(**_axes(dim, keepdim, named))

    def sigmoid(self) -> Self:
        """1 / (1 + exp(-x))."""
        return cast(Self, 1 / (1 + np.exp(-self)))


_INT = int
"""Within the class ``int`` is a method."""


def _axes(dim: Any, keepdim: Any, named: dict[str, Any]) -> dict[str, Any]:
    """Torch's names of arguments as NumPy's."""
    if dim is not None:
        named["axis"] = tuple(dim) if isinstance(dim, list) else dim
    if keepdim:
        named["keepdims"] = True
    return named


def _no_other_device(name: str) -> DeviceError:
    return DeviceError(
        f"Results of sam2ov are NumPy arrays in the computer's memory, and cannot be on {name!r}. "
        "torch.from_numpy(array) makes a tensor of one, which can."
    )
