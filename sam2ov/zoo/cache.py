"""The cache of model folders, each made once: by one process at a time, whole or not at all.

Below the cache folder (``SAM2OV_CACHE``, else the user's cache folder of the operating system):
``checkpoints/`` holds what was downloaded or put there by hand, ``models/`` the folders that were
converted, unpacked or quantised, ``locks/`` one lock file per name. Models of one's own lie in
``models/own/``, what was downloaded for them in ``checkpoints/hub/``.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from sam2ov.errors import ModelError, ModelFolderError
from sam2ov.locks import Rank, holding, require_order
from sam2ov.manifest import Manifest, read_manifest, verify_files
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.unfinished import sweep_unfinished, unfinished_folder

CACHE_VARIABLE: Final = "SAM2OV_CACHE"

_LOCK_POLL_SECONDS = 0.2

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where checkpoints and made models are kept; it need not exist yet."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else user_cache_path("sam2ov", appauthor=False)


def checkpoints_folder() -> Path:
    """Where checkpoints are downloaded to, or put by hand."""
    return cache_folder() / "checkpoints"


def cached_folder(name: str) -> Path:
    """Where ``make_once`` keeps the model folder of a name."""
    return cache_folder() / "models" / name


def require_space(needed: int, what: str) -> None:
    """Check that the cache's disk has room, before anything is written.

    Args:
        needed: bytes.
        what: needs them, for people.

    Raises:
        ModelError: it has not.
    """
    # The folder may not be there yet; its disk is.
    there = next(path for path in (cache_folder(), *cache_folder().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise ModelError(
            f"{what} needs {needed / 1e6:,.0f} MB in the cache folder {cache_folder()}, where "
            f"{free / 1e6:,.0f} MB are free. Free some space, or choose another folder with the "
            f"environment variable {CACHE_VARIABLE}."
        )


def converted_bytes(checkpoint: int) -> int:
    """What converting a checkpoint of so many bytes takes on the disk, at most and roughly.

    Weights of float32 become half as large, and what is unfinished lies beside them.
    """
    return checkpoint


def make_once(
    name: str,
    make: Callable[[Path], None],
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
    *,
    lock: str | None = None,
) -> Path:
    """The model folder of a name in the cache, made if it is not there or damaged.

    Args:
        name: of the folder.
        make: fills the empty folder that it is given with a whole model; its own errors are passed
            on.
        progress: told of waiting for another process that makes it.
        cancel: asked while waiting.
        lock: one at a time of those with the same; None for ``name``.

    Raises:
        ModelError: the cache cannot be written, or ``make`` raised it.
        CancelledError: ``cancel`` returned true.
    """
    folder = cached_folder(name)
    if is_whole(folder):
        return folder
    with exclusively(lock or name, progress, cancel):
        if is_whole(folder):  # another process made it meanwhile
            return folder
        _make_folder(folder.parent)
        sweep_unfinished(folder)
        # Each attempt has a place of its own: a converter whose parent was killed may still write.
        with unfinished_folder(folder, _cannot_write) as unfinished:
            make(unfinished)
            verified(unfinished)
    return folder


def verified(folder: Path) -> Manifest:
    """The manifest of a model folder whose every file is what it says.

    Raises:
        ModelFolderError: the folder is incomplete or damaged.
    """
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    return manifest


def is_whole(folder: Path) -> bool:
    """Whether a folder of the cache is there and undamaged; damage is logged."""
    if not folder.is_dir():
        return False
    try:
        verified(folder)
    except ModelFolderError as error:
        _log.warning("Making it again, because the cached model cannot be used: %s", error)
        return False
    return True


@contextmanager
def exclusively(
    name: str, progress: ProgressCallback | None, cancel: CancelCheck | None
) -> Iterator[None]:
    """Hold the lock of a model's name; the system releases it when its holder dies.

    Args:
        name: of the folder in the cache, or whatever is locked together with it.
        progress: told of waiting.
        cancel: asked while waiting.

    Raises:
        ModelError: the cache cannot be written.
        CancelledError: ``cancel`` returned true.
    """
    path = cache_folder() / "locks" / f"{name}.lock"
    _make_folder(path.parent)
    shown = path.name.removesuffix(".lock")
    lock = FileLock(path)
    require_order(Rank.MODEL_NAME, path)
    while True:
        try:
            lock.acquire(timeout=_LOCK_POLL_SECONDS)
            break
        except Timeout:
            raise_if_cancelled(cancel, f"Waiting for {shown}")
            if progress is not None:
                progress(Progress(f"Waiting for another process that makes {shown}", 0, 1, "items"))
    try:
        with holding(Rank.MODEL_NAME, path):
            yield
    finally:
        lock.release()


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(_: Path, error: OSError) -> ModelError:
    return ModelError(
        f"Cannot write to the cache folder {cache_folder()}: {error.strerror or error}. "
        f"Free some space, or choose another one with the environment variable {CACHE_VARIABLE}."
    )
