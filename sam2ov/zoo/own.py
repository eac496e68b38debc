"""Models of one's own: a checkpoint from a disk or the hub, converted once and kept by name.

They lie in ``models/own/`` of the cache. One that is only used gets a name made of its file's and
of its content; one that is added, the name that is asked for.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sam2ov.errors import CheckpointError, ModelNotFoundError
from sam2ov.manifest import MANIFEST_FILE, sha256_of
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.zoo.cache import (
    cached_folder,
    checkpoints_folder,
    converted_bytes,
    make_once,
    require_space,
    verified,
)
from sam2ov.zoo.calibration import CALIBRATION_FILE
from sam2ov.zoo.checkpoints import fetch_checkpoint, kept_checkpoint
from sam2ov.zoo.conversion import Weights, convert_checkpoint
from sam2ov.zoo.hub_reference import SCHEME, HubReference

OWN: Final = "own"
"""The folder of the cache's ``models/``."""

CheckpointSource = Path | HubReference
"""A file, a folder as transformers saves it, or a file on the hub."""

_NAME: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_MOST_CHARACTERS: Final = 64
_KEY_LENGTH: Final = 12
_INDEX: Final = "model.safetensors.index.json"


def is_name(text: str) -> bool:
    """Whether a model may be called so: lower-case words, joined by one of . _ - each."""
    return len(text) <= _MOST_CHARACTERS and _NAME.fullmatch(text) is not None


def proposed_name(source: CheckpointSource) -> str:
    """What a model from there would be called: its file's name, as far as ``is_name`` allows."""
    if isinstance(source, HubReference):
        stem = source.name
    else:
        path = source.absolute()
        stem = path.name if path.is_dir() else path.stem
    words = re.sub(r"[^a-z0-9._-]+", "-", stem.lower())
    joined = re.sub(r"([._-])[._-]+", r"\1", words)[: _MOST_CHARACTERS // 2].strip("._-")
    return joined or "model"


def automatic_name(source: CheckpointSource) -> str:
    """The name of a model that got none: of other content or another file name, another one.

    The file's name counts because it decides between architectures with the same tensors; a
    reference to the hub stands for its content, so that nothing needs to be fetched to know.
    """
    key = hashlib.sha256(_identity(source).encode()).hexdigest()[:_KEY_LENGTH]
    return f"{proposed_name(source)}-{key}"


def own_folder(name: str) -> Path:
    """Where the model of a name lies, or would."""
    return cached_folder(f"{OWN}/{name}")


def own_names() -> Iterator[str]:
    """Of all models of one's own, in order; contents are not checked."""
    folder = cached_folder(OWN)
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if is_name(path.name) and (path / MANIFEST_FILE).is_file():
                yield path.name


def checkpoint_source(text: str | Path) -> CheckpointSource | None:
    """The checkpoint that a text names; None where it names something else.

    Raises:
        ModelNotFoundError: it is a malformed reference to the hub.
    """
    if os.fspath(text).startswith(SCHEME):
        return HubReference.parse(os.fspath(text))
    path = Path(text).expanduser()
    if path.is_file() or (path / "model.safetensors").is_file() or (path / _INDEX).is_file():
        return None if (path / MANIFEST_FILE).is_file() else path
    return None


def is_at_hand(source: CheckpointSource) -> bool:
    """Whether nothing has to be fetched for it."""
    if isinstance(source, Path):
        return True
    if own_folder(automatic_name(source)).is_dir():
        return True
    return _kept(source) is not None


def local_checkpoint(
    source: CheckpointSource,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """The checkpoint on this machine's disk, fetched if it is elsewhere.

    Raises:
        DownloadError: it cannot be fetched; see ``fetch_checkpoint``.
        CancelledError: ``cancel`` returned true.
    """
    if isinstance(source, Path):
        return source
    return fetch_checkpoint(
        source.repo_id,
        source.file,
        hub_folder(source),
        revision=source.revision,
        progress=progress,
        cancel=cancel,
    )


def hub_folder(source: HubReference) -> Path:
    """Where what is fetched from a repository at a revision is kept."""
    return checkpoints_folder() / "hub" / source.repo_id / source.revision


def make_own(
    source: CheckpointSource,
    name: str,
    *,
    config: str | None = None,
    image_sizes: Sequence[int] | None = None,
    weights: Weights | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """The folder of a model of one's own, made if it is not there.

    Args:
        source: what it is converted from.
        name: its name, by ``is_name``.
        config: upstream's name or a yaml file; None finds it from the checkpoint.
        image_sizes: sides of the input in pixels; None: those that presets ask for.
        weights: precision of the stored weights; None: f16.
        progress: told of downloads (bytes) and conversions (items).
        cancel: asked often.

    Raises:
        DownloadError, CheckpointError, ConversionError: fetching or converting failed.
        ModelError: there is no room.
        CancelledError: ``cancel`` returned true.
    """

    def make(out: Path) -> None:
        checkpoint = local_checkpoint(source, progress, cancel)
        require_space(converted_bytes(_size(checkpoint)), f"Converting {checkpoint.name}")
        try:
            convert_checkpoint(
                checkpoint,
                out,
                config=config,
                name=name,
                image_sizes=image_sizes,
                halved=image_sizes is None,
                weights=weights or "f16",
                progress=progress,
                cancel=cancel,
            )
        except CheckpointError as error:
            if isinstance(source, Path):
                raise
            raise CheckpointError(
                f"{error} The file is at {checkpoint}; delete it to fetch it again."
            ) from error

    return make_once(f"{OWN}/{name}", make, progress, cancel)


def copy_own(folder: Path, name: str) -> Path:
    """Keep a copy of a model folder under a name.

    Raises:
        ModelFolderError: it is incomplete or damaged.
        ModelError: there is no room.
    """
    manifest = verified(folder)
    require_space(_size(folder), f"Copying {folder.name}")

    def make(out: Path) -> None:
        for spec in manifest.files():
            shutil.copy2(folder / spec.file, out)
        if (folder / CALIBRATION_FILE).is_file():  # it is of the weights, whatever their name
            shutil.copy2(folder / CALIBRATION_FILE, out)
        renamed = manifest.model_copy(update={"name": name})
        text = renamed.model_dump_json(indent=1, exclude_none=True)
        (out / MANIFEST_FILE).write_text(text, encoding="utf-8")

    return make_once(f"{OWN}/{name}", make, None, None)


def check_name(name: str) -> None:
    """Refuse what ``is_name`` refuses.

    Raises:
        ModelNotFoundError: saying how names are written.
    """
    if not is_name(name):
        raise ModelNotFoundError(
            f"{name[:_MOST_CHARACTERS]!r} is no name for a model: write lower-case letters and "
            f"digits, with single . _ - between, at most {_MOST_CHARACTERS} of them."
        )


def _kept(source: HubReference) -> Path | None:
    return kept_checkpoint(source.repo_id, source.file, hub_folder(source), source.revision)


def _identity(source: CheckpointSource) -> str:
    if isinstance(source, HubReference):
        return str(source)
    return f"{source.name} {_digest(source)}"


def _digest(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of the names and digests of what is read of it."""
    if path.is_file():
        return sha256_of(path)
    files = [*sorted(path.glob("*.safetensors")), path / _INDEX, path / "config.json"]
    listed = [f"{file.name} {sha256_of(file)}" for file in files if file.is_file()]
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


def _size(path: Path) -> int:
    """Bytes of a file, or of the files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.iterdir() if file.is_file())
