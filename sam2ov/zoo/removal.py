"""Taking models out of the cache, and nothing else."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sam2ov.errors import ModelError, ModelFolderError, ModelNotFoundError
from sam2ov.manifest import read_manifest, sha256_of
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.unfinished import remove_folder, sweep_unfinished
from sam2ov.zoo.cache import cached_folder, checkpoints_folder, exclusively
from sam2ov.zoo.own import OWN, is_name, own_folder
from sam2ov.zoo.published import PUBLISHED, PublishedModel

_INT8: Final = r"-int8-[0-9a-f]{12}"
_VARIANT: Final = rf"(-\d+px)*(-f32)?|{_INT8}"


def remove_model(
    name: str, progress: ProgressCallback | None = None, cancel: CancelCheck | None = None
) -> int:
    """Delete what the cache holds of a model: its folders, INT8 included, and its checkpoint.

    What was put elsewhere, and the hub library's own cache, stay.

    Args:
        name: of a published model or one of one's own.
        progress: told of waiting for another process that makes it.
        cancel: asked while waiting.

    Returns:
        Bytes that were freed.

    Raises:
        ModelNotFoundError: the cache holds nothing of it.
        ModelError: something cannot be deleted.
        CancelledError: ``cancel`` returned true.
    """
    if name not in PUBLISHED and not is_name(name):
        raise _nothing(name)
    with exclusively(name if name in PUBLISHED else f"{OWN}/{name}", progress, cancel):
        found = [*(_published(PUBLISHED[name]) if name in PUBLISHED else _own(name))]
        if not found:
            raise _nothing(name)
        freed = 0
        for path in found:
            freed += _size(path)
            try:
                _delete(path)
            except OSError as error:
                raise ModelError(
                    f"{path} cannot be deleted: {error.strerror or error}. End what uses it, and "
                    "try again."
                ) from error
    return freed


def _nothing(name: str) -> ModelNotFoundError:
    return ModelNotFoundError(
        f'There is no model {name[:100]!r} in the cache. "sam2ov models" lists what there is.'
    )


def _published(model: PublishedModel) -> Iterator[Path]:
    yield from _named(re.escape(model.name) + f"(?:{_VARIANT})")
    checkpoints = checkpoints_folder()
    if os.path.lexists(checkpoints / model.checkpoint):
        yield checkpoints / model.checkpoint
    yield from checkpoints.glob(f"{model.checkpoint}.{'[0-9a-f]' * 16}.part")


def _own(name: str) -> Iterator[Path]:
    folder = own_folder(name)
    if os.path.lexists(folder):
        yield folder
        yield from _named(re.escape(name) + _INT8)
        yield from _fetched_for(folder)


def _named(pattern: str) -> Iterator[Path]:
    models = cached_folder(OWN).parent
    if models.is_dir():
        yield from (path for path in models.iterdir() if re.fullmatch(pattern, path.name))


def _fetched_for(folder: Path) -> Iterator[Path]:
    """The checkpoint from the hub that a model was converted from, if it was."""
    try:
        source = read_manifest(folder).source
    except ModelFolderError:
        return
    for path in (checkpoints_folder() / "hub").glob("*/*/*/**/*"):
        if path.name == source.checkpoint and path.is_file() and sha256_of(path) == source.sha256:
            yield path


def _size(path: Path) -> int:
    """Bytes on the disk, without following links."""
    if path.is_dir() and not path.is_symlink():
        return sum(_size(each) for each in path.iterdir())
    return path.lstat().st_size


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_folder(path)
        sweep_unfinished(path)
    else:
        path.unlink()
