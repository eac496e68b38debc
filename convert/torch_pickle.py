"""The pickle inside of a ``.pt``, read by a machine that can build nothing but plain values.

Python's own ``pickle`` is not involved: also when it may look up no function, its instructions let
a file of some bytes take gigabytes or end the process. This machine knows the instructions that
``torch.save`` writes (protocol 2), does a bounded number of them, and calls nothing: what a file
asks for is a name here, which is known to stand for a tensor, known to be harmless, or refused.
"""

import pickle
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

MOST_BYTES: Final = 16 << 20
"""Of a pickle; that of the largest model of the family, with its optimiser's state, has 1 MB."""
_MOST_INSTRUCTIONS: Final = 1_000_000
"""Each makes an object of at most 100 bytes beside its content; a model needs 40 for a tensor."""
_LONGEST_NAME: Final = 200

_DTYPES: Final = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
_ORDERED_DICT: Final = "collections.OrderedDict"
_TENSOR: Final = "torch._utils._rebuild_tensor_v2"
_PARAMETER: Final = "torch._utils._rebuild_parameter"
_PARAMETER_WITH_ATTRIBUTES: Final = "torch._utils._rebuild_parameter_with_state"

# What training checkpoints hold beside weights. It is left aside as it is read.
_HARMLESS: Final = frozenset(
    {
        "__builtin__.set",
        "__builtin__.frozenset",
        "__builtin__.complex",
        "__builtin__.slice",
        "__builtin__.dict",
        "__builtin__.list",
        "__builtin__.bool",
        "__builtin__.int",
        "__builtin__.long",
        "__builtin__.float",
        "__builtin__.str",
        "_codecs.encode",
        "argparse.Namespace",
        "collections.Counter",
        "collections.defaultdict",
        "collections.deque",
        "datetime.date",
        "datetime.datetime",
        "datetime.timezone",
        "datetime.timedelta",
        # Lightning's hyper-parameters.
        "lightning.fabric.utilities.data.AttributeDict",
        "lightning_fabric.utilities.data.AttributeDict",
        "pytorch_lightning.utilities.parsing.AttributeDict",
        "numpy.dtype",
        "numpy.ndarray",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "torch.Size",
        "torch.device",
        *(f"torch.{name}" for name in ("float64", "float32", "float16", "bfloat16", "int64")),
        *(f"torch.{name}" for name in ("int32", "int16", "int8", "uint8", "bool")),
    }
)


class MalformedPickleError(Exception):
    """A pickle that ``torch.save`` does not write; its message says why, and at which byte."""


@dataclass(frozen=True)
class PickledStorage:
    """Numbers in an entry of the archive."""

    dtype: str
    entry: str
    count: int


@dataclass(frozen=True)
class PickledTensor:
    """A view on a storage, as the file claims it: nothing of it has been checked."""

    storage: PickledStorage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class LeftAside:
    """In place of an object that is neither a plain value nor a tensor."""


@dataclass(frozen=True)
class _Name:
    """What a file asks to be looked up."""

    name: str


@dataclass(frozen=True)
class Pickled:
    """What a pickle holds.

    Attributes:
        content: dictionaries, lists, tuples, plain values, ``PickledTensor`` and ``LeftAside``.
            A dictionary has the items whose keys are strings or small integers.
        refused: the names that it asks to look up and that no list of weights needs, sorted.
    """

    content: object
    refused: tuple[str, ...]


def read_pickle(content: bytes) -> Pickled:
    """Read a pickle of protocol 2. Nothing in it is executed.

    Raises:
        MalformedPickleError: it is none, or one with instructions that ``torch.save`` never writes.
    """
    machine = _Machine(content)
    try:
        found = machine.run()
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise MalformedPickleError(f"malformed at byte {machine.position}") from error
    return Pickled(found, tuple(sorted(machine.refused)))


class _Machine:
    def __init__(self, content: bytes) -> None:
        self.position = 0
        self.refused: set[str] = set()
        self._content = content
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> object:
        for _ in range(_MOST_INSTRUCTIONS):
            opcode = self.take(1)
            if opcode == pickle.STOP:
                return self.pop()
            step = _STEPS.get(opcode)
            if step is None:
                raise MalformedPickleError(f"instruction {opcode!r} at byte {self.position - 1}")
            step(self)
        raise MalformedPickleError(f"more than {_MOST_INSTRUCTIONS:,} instructions")

    def take(self, size: int) -> bytes:
        """The next bytes."""
        end = self.position + size
        if end > len(self._content):
            raise ValueError("the pickle ends early")
        taken = self._content[self.position : end]
        self.position = end
        return taken

    def number(self, layout: str) -> Any:
        """The next number."""
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def line(self) -> str:
        """The rest of the line."""
        end = self._content.index(b"\n", self.position, self.position + _LONGEST_NAME)
        line = self.take(end - self.position).decode("ascii")
        self.take(1)
        return line

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self) -> Any:
        return self._stack.pop()

    def mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def since_mark(self) -> list[Any]:
        """Everything above the last mark, which goes with it."""
        items, self._stack = self._stack, self._below.pop()
        return items

    def last(self, count: int) -> tuple[Any, ...]:
        """The last values, taken from the stack."""
        if count > len(self._stack):
            raise ValueError("fewer values than asked for")
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        return items

    def remember(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def recall(self, index: int) -> None:
        self.push(self._memo[index])

    def set_items(self, items: tuple[Any, ...] | list[Any]) -> None:
        target = self._stack[-1]
        pairs = zip(items[::2], items[1::2], strict=True)
        if isinstance(target, dict):
            target.update((key, value) for key, value in pairs if _is_key(key))
        elif not isinstance(target, LeftAside):
            raise TypeError("items of what has none")

    def append(self, items: tuple[Any, ...] | list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, LeftAside):
            raise TypeError("elements of what has none")

    def look_up(self) -> None:
        module, name = self.line(), self.line()
        full = f"{module}.{name}"
        if full not in _HARMLESS and full not in _KNOWN and full not in _DTYPES:
            self.refused.add(full)
        self.push(_Name(full))

    def call(self) -> None:
        """Of whatever a file asks to be called, only what stands for a tensor has a meaning."""
        function, arguments = self.last(2)
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise TypeError("a call of something else")
        build = _KNOWN.get(function.name)
        self.push(LeftAside() if build is None else build(*arguments))

    def build(self) -> None:
        """Attributes: of a state_dict, or of something that is left aside."""
        self.pop()
        if not isinstance(self._stack[-1], dict | LeftAside):
            raise TypeError("attributes of what has none")

    def storage(self) -> None:
        kind, dtype, entry, _device, count = self.pop()
        if kind != "storage" or not isinstance(dtype, _Name) or not isinstance(entry, str):
            raise TypeError("no storage")
        if dtype.name not in _DTYPES and dtype.name not in self.refused:
            raise TypeError("no storage")
        self.push(PickledStorage(_DTYPES.get(dtype.name, "refused"), entry, _count(count)))


def _is_key(value: object) -> bool:
    # Of larger integers, one can choose many that a dictionary finds hard to tell apart.
    return isinstance(value, str) or (isinstance(value, int) and abs(value) < 1 << 31)


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise TypeError("no count")
    return value


def _counts(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple):
        raise TypeError("no counts")
    return tuple(_count(number) for number in value)


def _tensor(
    storage: object, offset: object, shape: object, strides: object, *_: object
) -> PickledTensor:
    if not isinstance(storage, PickledStorage):
        raise TypeError("a tensor without a storage")
    return PickledTensor(storage, _count(offset), _counts(shape), _counts(strides))


def _ordered_dict() -> dict[str, object]:
    return {}


def _parameter(tensor: object, *_: object) -> object:
    return tensor


_KNOWN: Final[Mapping[str, Callable[..., Any]]] = {
    _ORDERED_DICT: _ordered_dict,
    _TENSOR: _tensor,
    _PARAMETER: _parameter,
    _PARAMETER_WITH_ATTRIBUTES: _parameter,
}


def _protocol(machine: _Machine) -> None:
    protocol = machine.number("B")
    if protocol != 2:
        raise MalformedPickleError(f"protocol {protocol} instead of 2")


def _long(machine: _Machine) -> None:
    machine.push(int.from_bytes(machine.take(machine.number("B")), "little", signed=True))


def _text(machine: _Machine) -> None:
    machine.push(machine.take(machine.number("<I")).decode("utf-8", "surrogatepass"))


_STEPS: Final[Mapping[bytes, Callable[[_Machine], None]]] = {
    pickle.PROTO: _protocol,
    pickle.NONE: lambda m: m.push(None),
    pickle.NEWTRUE: lambda m: m.push(True),
    pickle.NEWFALSE: lambda m: m.push(False),
    pickle.BININT: lambda m: m.push(m.number("<i")),
    pickle.BININT1: lambda m: m.push(m.number("B")),
    pickle.BININT2: lambda m: m.push(m.number("<H")),
    pickle.LONG1: _long,
    pickle.BINFLOAT: lambda m: m.push(m.number(">d")),
    pickle.BINUNICODE: _text,
    pickle.EMPTY_DICT: lambda m: m.push({}),
    pickle.EMPTY_LIST: lambda m: m.push([]),
    pickle.EMPTY_TUPLE: lambda m: m.push(()),
    pickle.MARK: lambda m: m.mark(),
    pickle.TUPLE: lambda m: m.push(tuple(m.since_mark())),
    pickle.TUPLE1: lambda m: m.push(m.last(1)),
    pickle.TUPLE2: lambda m: m.push(m.last(2)),
    pickle.TUPLE3: lambda m: m.push(m.last(3)),
    pickle.APPEND: lambda m: m.append(m.last(1)),
    pickle.APPENDS: lambda m: m.append(m.since_mark()),
    pickle.SETITEM: lambda m: m.set_items(m.last(2)),
    pickle.SETITEMS: lambda m: m.set_items(m.since_mark()),
    pickle.BINPUT: lambda m: m.remember(m.number("B")),
    pickle.LONG_BINPUT: lambda m: m.remember(m.number("<I")),
    pickle.BINGET: lambda m: m.recall(m.number("B")),
    pickle.LONG_BINGET: lambda m: m.recall(m.number("<I")),
    pickle.GLOBAL: lambda m: m.look_up(),
    pickle.REDUCE: lambda m: m.call(),
    pickle.NEWOBJ: lambda m: m.call(),
    pickle.BUILD: lambda m: m.build(),
    pickle.BINPERSID: lambda m: m.storage(),
}
