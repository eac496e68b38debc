"""Weights from what ``torch.save`` writes, without torch and without running anything."""

from collections.abc import Mapping
from typing import Any, Final

from convert.stored_tensor import STORED_AS, CheckpointFile, StoredTensor
from convert.torch_pickle import (
    MOST_BYTES,
    LeftAside,
    MalformedPickleError,
    Pickled,
    PickledStorage,
    PickledTensor,
    read_pickle,
)
from convert.wording import some
from convert.zip_directory import Entry, read_directory
from sam2ov.errors import CheckpointError

_PLACES: Final = ("model", "state_dict", "model_state_dict")
"""Where training scripts put the weights: upstream's, Lightning's, and many others'."""
_SAVE_AGAIN: Final = (
    "Save its weights alone, torch.save({'model': model.state_dict()}, path), and convert that."
)


def read_torch_file(file: CheckpointFile) -> tuple[dict[str, StoredTensor], tuple[str, ...]]:
    """The weights of a ``.pt`` by key, and notes about what else it holds.

    The weights stand under "model", "state_dict" or "model_state_dict", or are all there is.

    Raises:
        CheckpointError: the file is damaged, asks for more than tensors and plain values, is of a
            kind that is not read, or holds no weights.
    """
    archive = _Archive(file)
    content = archive.read_pickle().content
    beside = dict(content) if isinstance(content, Mapping) else {}
    places = [name for name in _PLACES if _tensors_of(beside.get(name))]
    weights = beside.pop(places[0]) if places else beside
    tensors = {key: archive.stored(tensor) for key, tensor in _tensors_of(weights).items()}
    if not tensors:
        raise CheckpointError(
            f"{file.path} holds no weights: expected {{'model': state_dict}} as upstream writes "
            f"it, or a state_dict, found {_kind(content)}."
        )
    beside.update((key, value) for key, value in weights.items() if key not in tensors)
    return tensors, _notes({key: value for key, value in beside.items() if key not in tensors})


class _Archive:
    """The entries of torch's zip, below the one folder that it has."""

    def __init__(self, file: CheckpointFile) -> None:
        self._file = file
        self._entries = read_directory(file)
        pickles = [name for name in self._entries if name.endswith("/data.pkl")]
        roots = [name.removesuffix("/data.pkl") for name in pickles]
        if len(roots) != 1 or "/" in roots[0]:
            raise CheckpointError(
                f"{file.path} holds no weights: it is a zip, but none that torch.save wrote."
            )
        self._root = roots[0]
        if f"{self._root}/constants.pkl" in self._entries:
            raise CheckpointError(
                f"{file.path} was refused: it is a program (TorchScript), not weights. "
                f"{_SAVE_AGAIN}"
            )
        # torch can be told to write no checksums; then it writes zeros.
        self._has_checksums = any(entry.crc for entry in self._entries.values())
        order = self._entries.get(f"{self._root}/byteorder")
        if order is not None and self._content(order, 16) != b"little":
            raise CheckpointError(
                f"{file.path} was refused: a machine with another byte order wrote it. "
                f"{_SAVE_AGAIN}"
            )

    def read_pickle(self) -> Pickled:
        """What the archive holds; errors as in ``read_torch_file``."""
        content = self._content(self._entries[f"{self._root}/data.pkl"], MOST_BYTES)
        try:
            pickled = read_pickle(content)
        except MalformedPickleError as error:
            raise self._file.damaged(f"its list of tensors, data.pkl, has {error}") from error
        if pickled.refused:
            raise CheckpointError(
                f"{self._file.path} was refused: loading it would run or build "
                f"{some(pickled.refused)}, which no weights need. Nothing of it was run. "
                f"{_SAVE_AGAIN}"
            )
        return pickled

    def stored(self, tensor: PickledTensor) -> StoredTensor:
        """Where a tensor's values lie; CheckpointError where the archive does not have them."""
        entry = self._storage(tensor.storage)
        return StoredTensor(
            self._file,
            tensor.storage.dtype,
            tensor.shape,
            tensor.strides,
            tensor.offset,
            entry.start,
            tensor.storage.count,
            entry.crc if self._has_checksums else None,
        )

    def _storage(self, storage: PickledStorage) -> Entry:
        entry = self._entries.get(f"{self._root}/data/{storage.entry}")
        size = storage.count * STORED_AS[storage.dtype].itemsize
        if entry is None or entry.size != size:
            raise self._file.damaged(
                f"its storage {storage.entry[:20]!r} is missing or of another size than said"
            )
        return entry

    def _content(self, entry: Entry, most: int) -> bytes:
        if entry.size > most:
            raise self._file.damaged(f"its {entry.name[-20:]} has {entry.size:,} bytes")
        if self._has_checksums:
            self._file.verify(entry.start, entry.size, entry.crc, None)
        return self._file.read(entry.start, entry.size)


def _tensors_of(content: object) -> dict[str, PickledTensor]:
    if not isinstance(content, Mapping):
        return {}
    return {
        key: value
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, PickledTensor)
    }


def _kind(content: object) -> str:
    if isinstance(content, PickledTensor):
        return "a tensor"
    if isinstance(content, LeftAside):
        return "an object of another kind"
    if not isinstance(content, Mapping):
        return type(content).__name__
    return f"a dict with {some([str(key) for key in content])}" if content else "an empty dict"


def _notes(beside: Mapping[Any, object]) -> tuple[str, ...]:
    """What was left aside, the largest first."""
    sizes = {str(key): _bytes_of(value) for key, value in beside.items()}
    names = [
        f"{key} ({size / 1e6:,.0f} MB)" if size >= 500_000 else key
        for key, size in sorted(sizes.items(), key=lambda item: -item[1])
    ]
    return (f"Left aside, because only weights are needed: {some(names)}.",) if names else ()


def _bytes_of(content: object) -> int:
    """The size of all storages within something, each counted once."""
    storages: dict[str, int] = {}
    seen: set[int] = set()
    left = [content]
    while left:
        value = left.pop()
        if isinstance(value, PickledTensor):
            size = value.storage.count * STORED_AS[value.storage.dtype].itemsize
            storages[value.storage.entry] = size
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            left.extend(value.values() if isinstance(value, dict) else value)
    return sum(storages.values())
