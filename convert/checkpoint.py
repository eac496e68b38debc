"""Reading checkpoints that may come from anywhere: nothing in them is executed.

A file is read in parts: first what it claims to hold, which is checked against its size, then each
tensor as it is asked for. What is in memory is what the caller keeps.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from convert.safetensors_file import is_safetensors, read_json, read_safetensors
from convert.stored_tensor import CheckpointFile, LazyTensor, StoredTensor
from convert.torch_file import read_torch_file
from convert.transformers_names import has_transformers_names, upstream_names, with_gamma
from convert.wording import shown, some
from convert.zip_directory import MAGIC
from sam2ov.errors import CheckpointError

_INDEX: Final = "model.safetensors.index.json"
_WEIGHTS: Final = "model.safetensors"
_MOST_JSON_BYTES: Final = 4 << 20

_ENCODERS: Final = ("image_encoder.trunk.", "vision_encoder.backbone.")
"""Every checkpoint of the family has one, under upstream's name or transformers'."""

_COUNTER: Final = ".num_batches_tracked"
"""How many batches a normalisation has seen in training: nothing that inference reads."""

_SAVE_AGAIN: Final = (
    "Save it again with a current torch: "
    "torch.save(torch.load(path, map_location='cpu', weights_only=True), new_path)."
)
_TAR_MAGIC: Final = (257, b"ustar")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights under upstream's names.

    Attributes:
        path: of the file or folder that they come from.
        tensors: by upstream's key. A tensor is read each time it is asked for, into an array of
            its own: C-contiguous, float32 for every floating dtype, others as they are stored.
            Raises CheckpointError where the file is damaged there, or values are not finite.
        shapes: of the tensors, for which nothing is read.
        notes: for people: what was left aside.
    """

    path: Path
    tensors: Mapping[str, npt.NDArray[Any]]
    shapes: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what ``torch.save`` or safetensors wrote, under upstream's names or transformers'.

    Args:
        path: a ``.pt`` with the weights under "model", "state_dict" or "model_state_dict", or with
            nothing else; a ``.safetensors``; or a folder as transformers saves it. Content decides,
            not the name.

    Raises:
        CheckpointError: it is missing, damaged, of a format that is not read, holds no weights, or
            would run code if it were unpickled.
    """
    stored, notes = _read_folder(path) if path.is_dir() else _read_file(path)
    if not stored:
        raise CheckpointError(f"{path} holds no weights.")
    if sum(prod(tensor.shape) for tensor in stored.values()) > _bytes_of(stored):
        raise CheckpointError(
            f"{path} was refused: its tensors claim more numbers than its files have bytes."
        )
    weights, more_notes = _without_prefix(path, stored)
    tensors: Mapping[str, LazyTensor] = weights
    if has_transformers_names(weights):
        tensors = upstream_names(path, weights)
    tensors = with_gamma(tensors)
    return Checkpoint(
        path,
        _Tensors(path, tensors),
        {key: tensor.shape for key, tensor in tensors.items()},
        (*notes, *more_notes),
    )


class _Tensors(Mapping[str, npt.NDArray[Any]]):
    def __init__(self, path: Path, tensors: Mapping[str, LazyTensor]) -> None:
        self._path = path
        self._tensors = tensors

    def __getitem__(self, key: str) -> npt.NDArray[Any]:
        values = self._tensors[key].load()
        # The extremes of an array are NaN where one of its values is.
        if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
            raise CheckpointError(
                f"{self._path} is damaged or its training diverged: {shown(key)} has values that "
                "are not finite."
            )
        return values

    def __contains__(self, key: object) -> bool:
        return key in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def _read_file(path: Path) -> tuple[dict[str, StoredTensor], tuple[str, ...]]:
    file = CheckpointFile(path)
    start = file.read(0, min(file.size, 8))
    if start.startswith(MAGIC):
        return read_torch_file(file)
    if start.startswith(b"\x80"):
        raise CheckpointError(
            f"{path} was refused: it is a bare pickle, as torch wrote before version 1.6. "
            f"{_SAVE_AGAIN}"
        )
    where, magic = _TAR_MAGIC
    if file.size > where + len(magic) and file.read(where, len(magic)) == magic:
        raise CheckpointError(
            f"{path} was refused: it is a tar, as torch wrote before version 0.2. {_SAVE_AGAIN}"
        )
    if is_safetensors(file):
        return read_safetensors(file), ()
    raise file.damaged("it begins as neither a .pt nor a .safetensors does")


def _read_folder(path: Path) -> tuple[dict[str, StoredTensor], tuple[str, ...]]:
    """The weights of a folder in one file, or in several with an index."""
    if (path / _WEIGHTS).is_file():
        return read_safetensors(_safetensors(path / _WEIGHTS)), ()
    if not (path / _INDEX).is_file():
        raise CheckpointError(
            f"There is no checkpoint at {path}: the folder has neither {_WEIGHTS} nor {_INDEX}."
        )
    index = CheckpointFile(path / _INDEX)
    files = _json(index).get("weight_map")
    if not isinstance(files, dict) or not all(_is_part(name) for name in files.values()):
        raise index.damaged("its weight_map does not name files of the folder")
    tensors: dict[str, StoredTensor] = {}
    for name in sorted(set(files.values())):
        found = read_safetensors(_safetensors(path / name))
        if {key for key, file in files.items() if file == name} != found.keys():
            raise CheckpointError(
                f"{path / name} holds other tensors than {_INDEX} says. Download both again."
            )
        tensors |= found
    return tensors, ()


def _is_part(name: object) -> bool:
    if not isinstance(name, str) or not name.isprintable():
        return False
    return name == Path(name).name and name.endswith(".safetensors")


def _safetensors(path: Path) -> CheckpointFile:
    file = CheckpointFile(path)
    if not is_safetensors(file):
        raise file.damaged("it does not begin as a .safetensors does")
    return file


def _json(file: CheckpointFile) -> dict[str, Any]:
    if file.size > _MOST_JSON_BYTES:
        raise file.damaged("it is too long for what it should say")
    return read_json(file, 0, file.size)


def _bytes_of(tensors: Mapping[str, StoredTensor]) -> int:
    return sum({tensor.file.path: tensor.file.size for tensor in tensors.values()}.values())


def _without_prefix(
    path: Path, tensors: Mapping[str, StoredTensor]
) -> tuple[dict[str, StoredTensor], tuple[str, ...]]:
    """The weights of the model alone, where a wrapper put "module." or the like before its keys."""
    prefixes = sorted(
        {key[: key.index(name)] for key in tensors for name in _ENCODERS if name in key}
    )
    if len(prefixes) > 1:
        named = [f"'{prefix}'" for prefix in prefixes]
        raise CheckpointError(
            f"{path} holds several models, whose keys begin with "
            f"{some(named)}. Save the weights of one of them."
        )
    prefix = prefixes[0] if prefixes else ""
    outside = [key for key in tensors if not key.startswith(prefix)]
    kept = {
        key.removeprefix(prefix): tensor
        for key, tensor in tensors.items()
        if key.startswith(prefix) and not key.endswith(_COUNTER)
    }
    if not outside:
        return kept, ()
    return kept, (f"Left aside, as no part of the model '{shown(prefix)}': {some(outside)}.",)
