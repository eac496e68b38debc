"""Weights from ``.safetensors``: a length, a JSON header, and the numbers.

Read here and not by the package of that name, whose NumPy reader does not know bfloat16, and whose
files would all be in memory at once: the format takes fewer lines than its exceptions would.
"""

import json
from math import prod
from typing import Any, Final

from convert.stored_tensor import STORED_AS, CheckpointFile, StoredTensor, contiguous_strides
from convert.wording import shown
from sam2ov.errors import CheckpointError

_LENGTH_BYTES: Final = 8
_MOST_HEADER_BYTES: Final = 4 << 20
"""Of a header; that of the largest model of the family has 0.1 MB."""

_DTYPES: Final = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


def is_safetensors(file: CheckpointFile) -> bool:
    """Whether a file begins as one of this format does."""
    return file.size > _LENGTH_BYTES and file.read(_LENGTH_BYTES, 1) == b"{"


def read_safetensors(file: CheckpointFile) -> dict[str, StoredTensor]:
    """The tensors of a file by key.

    Raises:
        CheckpointError: the file is damaged, or has a dtype that is not read.
    """
    size = int.from_bytes(file.read(0, _LENGTH_BYTES), "little")
    if size > _MOST_HEADER_BYTES:
        raise file.damaged(f"its header claims {size:,} bytes")
    header = read_json(file, _LENGTH_BYTES, size)
    header.pop("__metadata__", None)
    data = _LENGTH_BYTES + size
    tensors = {key: _tensor(file, key, entry, data) for key, entry in header.items()}
    end = data
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.count)):
        if tensor.start != end:
            raise file.damaged("its tensors overlap, or there are gaps between them")
        end += tensor.count * STORED_AS[tensor.dtype].itemsize
    if end != file.size:
        raise file.damaged("it is longer or shorter than its tensors")
    return tensors


def _tensor(file: CheckpointFile, key: str, entry: object, data: int) -> StoredTensor:
    where = f"the header's entry {shown(key)}"
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise file.damaged(f"{where} is malformed")
    shape, offsets = _counts(entry["shape"]), _counts(entry["data_offsets"])
    if shape is None or offsets is None or len(offsets) != 2:
        raise file.damaged(f"{where} is malformed")
    dtype = entry["dtype"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise CheckpointError(
            f"{file.path} holds {shown(key)} as {shown(str(dtype))}, which is not read. Save its "
            "weights as float32, float16 or bfloat16."
        )
    stored = _DTYPES[dtype]
    count = prod(shape)
    if count * STORED_AS[stored].itemsize != offsets[1] - offsets[0]:
        raise file.damaged(f"{where} has another size than its shape")
    start = data + offsets[0]
    return StoredTensor(file, stored, shape, contiguous_strides(shape), 0, start, count)


def _counts(value: object) -> tuple[int, ...] | None:
    """A few numbers that a file's size can have, or None."""
    if not isinstance(value, list) or len(value) > 16:
        return None
    fine = all(type(number) is int and 0 <= number < 1 << 63 for number in value)
    return tuple(value) if fine else None


def read_json(file: CheckpointFile, start: int, size: int) -> dict[str, Any]:
    """An object in JSON, none of whose keys stands twice.

    Raises:
        CheckpointError: it is none.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands twice")
        return found

    try:
        found = json.loads(file.read(start, size).decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise file.damaged("its JSON is malformed") from error
    if not isinstance(found, dict):
        raise file.damaged("its JSON is no object")
    return found
