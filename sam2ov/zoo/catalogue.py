"""The models users can name, and the whole model folder behind a name."""

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sam2ov.errors import (
    CheckpointError,
    DownloadError,
    ModelError,
    ModelFolderError,
    ModelNotFoundError,
)
from sam2ov.manifest import read_manifest, sha256_of
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.zoo.cache import (
    cached_folder,
    checkpoints_folder,
    converted_bytes,
    is_whole,
    make_once,
    require_space,
    verified,
)
from sam2ov.zoo.checkpoints import fetch_checkpoint, kept_checkpoint
from sam2ov.zoo.conversion import Weights, convert_checkpoint
from sam2ov.zoo.own import (
    automatic_name,
    check_name,
    checkpoint_source,
    copy_own,
    is_at_hand,
    is_name,
    make_own,
    own_folder,
    own_names,
    proposed_name,
)
from sam2ov.zoo.presets import preset_sizes
from sam2ov.zoo.published import PUBLISHED, Accuracy, PublishedModel

BUNDLED_NAME: Final = "micro"

_BUNDLED_FOLDER = Path(__file__).parents[1] / "models" / BUNDLED_NAME

_CONFIG_KEY_LENGTH: Final = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelEntry:
    """A model as the app and ``sam2ov models`` list it.

    Attributes:
        name: what it is asked for by.
        status: whether it comes with sam2ov, was converted already, or has to be.
        family: as in the manifest: "sam2.1", "edgetam", …
        title: for people.
        description: for whom it is.
        parameters: weights; None where it is not known.
        image_size: side of the input in pixels that it was trained at.
        licence: of the weights, an SPDX identifier; None where it is not known.
        accuracy: as its authors publish it.
        download_bytes: roughly what fetching would cost; 0 where nothing has to be fetched.
        path: of its folder; None while it still has to be fetched and converted.
    """

    name: str
    status: Literal["bundled", "cached", "available"]
    family: str
    title: str
    description: str
    parameters: int | None
    image_size: int
    licence: str | None
    accuracy: Accuracy
    download_bytes: int
    path: Path | None


MODEL_NAMES: Final = (BUNDLED_NAME, *PUBLISHED)

_BUNDLED: Final = ModelEntry(
    name=BUNDLED_NAME,
    status="bundled",
    family="sam2.1",
    title="micro",
    description="Comes with sam2ov: small and fast, for trying out and for simple objects",
    parameters=7_900_000,
    image_size=384,
    licence="Apache-2.0",
    accuracy=Accuracy(),
    download_bytes=0,
    path=_BUNDLED_FOLDER,
)


def list_models() -> tuple[ModelEntry, ...]:
    """All models that have a name, the bundled one first; contents are not checked here."""
    own = (entry for name in own_names() if (entry := _own_entry(name)) is not None)
    return (_BUNDLED, *map(_published_entry, PUBLISHED.values()), *own)


def _own_entry(name: str) -> ModelEntry | None:
    """None where the folder cannot be used; using it says why."""
    folder = own_folder(name)
    try:
        manifest = read_manifest(folder)
    except ModelFolderError as error:
        _log.warning("%s is not listed: %s", name, error)
        return None
    return ModelEntry(
        name=name,
        status="cached",
        family=manifest.family,
        title=name,
        description=f"Your own, from {manifest.source.checkpoint} ({manifest.source.config})",
        parameters=None,
        image_size=manifest.image_size,
        licence=None,
        accuracy=Accuracy(),
        download_bytes=0,
        path=folder,
    )


def _published_entry(model: PublishedModel) -> ModelEntry:
    folder = cached_folder(model.name)
    cached = folder.is_dir()
    kept = kept_checkpoint(model.repo_id, model.checkpoint, checkpoints_folder())
    return ModelEntry(
        name=model.name,
        status="cached" if cached else "available",
        family=model.family,
        title=model.title,
        description=model.description,
        parameters=model.parameters,
        image_size=model.image_size,
        licence=model.licence,
        accuracy=model.accuracy,
        download_bytes=0 if cached or kept else model.download_bytes,
        path=folder if cached else None,
    )


def published_model(text: str) -> PublishedModel | None:
    """The published model of a name or a hub repository; None if it is neither.

    Raises:
        ModelNotFoundError: the repository has several.
    """
    if text in PUBLISHED:
        return PUBLISHED[text]
    there = [model for model in PUBLISHED.values() if model.repo_id == text]
    if len(there) > 1:
        names = ", ".join(model.name for model in there)
        raise ModelNotFoundError(f"{text} has several models. Give the name of one: {names}.")
    return there[0] if there else None


def listed_name(model: str | Path) -> str:
    """The name that ``list_models`` has for what ``resolve_model`` takes; folders have none.

    Raises:
        ModelNotFoundError: it is a malformed reference to the hub, or names several models.
    """
    text = os.fspath(model)
    published = published_model(text)
    if published is not None:
        return published.name
    source = None if _is_known(text) else checkpoint_source(model)
    return text if source is None else automatic_name(source)


def must_be_fetched(model: str | Path) -> bool:
    """Whether ``resolve_model`` would download something.

    Raises:
        ModelNotFoundError: it is a malformed reference to the hub, or names several models.
    """
    published = published_model(os.fspath(model))
    if published is not None:
        return _published_entry(published).download_bytes > 0
    if _is_known(os.fspath(model)):
        return False
    source = checkpoint_source(model)
    return source is not None and not is_at_hand(source)


def add_model(
    source: str | Path,
    name: str | None = None,
    *,
    config: str | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> str:
    """Keep a model of one's own under a name, which ``resolve_model`` then takes.

    Args:
        source: a checkpoint file, a folder as transformers saves it, ``hf:ORG/REPO/FILE``, or a
            model folder, which is copied.
        name: lower-case; None takes the file's.
        config: upstream's name or a yaml file; None finds it from the checkpoint.
        progress: told of downloads (bytes) and conversions (items).
        cancel: asked often.

    Returns:
        The name.

    Raises:
        ModelNotFoundError: there is nothing at ``source``, or the name is none.
        ModelError: the name is taken, or ``config`` is given for a model folder.
        DownloadError, CheckpointError, ConversionError: fetching or converting failed.
        CancelledError: ``cancel`` returned true.
    """
    found = checkpoint_source(source)
    folder = Path(source).expanduser()
    if found is None and not folder.is_dir():
        raise ModelNotFoundError(
            f"There is no checkpoint at {os.fspath(source)!r}. Give a file, a folder as "
            "transformers saves it, a model folder, or hf:ORG/REPO/FILE."
        )
    if name is None:
        name = proposed_name(folder if found is None else found)
    check_name(name)
    if _is_known(name):
        raise ModelError(
            f"There is a model {name} already. Choose another one with --name, or remove that one."
        )
    if found is not None:
        make_own(found, name, config=config, progress=progress, cancel=cancel)
    elif config is not None:
        raise ModelError(f"{folder} is a model folder, which needs no configuration.")
    else:
        copy_own(folder, name)
    return name


def resolve_model(
    model: str | Path,
    *,
    image_sizes: Sequence[int] | None = None,
    weights: Weights | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """Return a whole, verified model folder; what is a checkpoint yet is converted once.

    Args:
        model: a name that ``list_models`` gives; a published model's hub repository; a model
            folder; a checkpoint: a file, a folder as transformers saves it, or
            ``hf:ORG/REPO/FILE@REVISION`` on the hub. A name comes before a folder of that name.
        image_sizes: sides of the square model input in pixels that the folder must have, besides
            others perhaps; None: those that presets ask for, any for folders.
        weights: precision of the stored weights; None: f16 for converted models, any for folders.
        progress: told of downloads (bytes) and conversions (items).
        cancel: asked often; once it returns true the work stops.

    Raises:
        ModelNotFoundError: ``model`` is none of these.
        ModelFolderError: a folder is damaged, or lacks one of the ``image_sizes`` or has other
            ``weights``.
        DownloadError, CheckpointError, ConversionError: fetching or converting failed.
        ModelError: there is no room on the disk.
        CancelledError: ``cancel`` returned true.
    """
    text = os.fspath(model)
    published = published_model(text)
    if published is not None:
        return _resolve_published(published, image_sizes, weights, progress, cancel)
    folder = _known_folder(text) if _is_known(text) else Path(model).expanduser()
    source = None if _is_known(text) else checkpoint_source(model)
    if source is not None:
        name = automatic_name(source) + _variant(image_sizes or (), weights)
        return make_own(
            source,
            name,
            image_sizes=image_sizes,
            weights=weights,
            progress=progress,
            cancel=cancel,
        )
    if not folder.is_dir():
        raise ModelNotFoundError(
            f"There is no model {text!r}. Give a checkpoint, a model folder, hf:ORG/REPO/FILE, or "
            f"one of these names: {', '.join((*MODEL_NAMES, *own_names()))}."
        )
    manifest = verified(folder)
    for image_size in image_sizes or ():
        manifest.at(image_size)
    if weights not in (None, manifest.weights):
        raise ModelFolderError(
            f"{folder} has {manifest.weights} weights, but {weights} was asked for. Convert the "
            f"checkpoint again with --weights {weights}."
        )
    return folder


def resolve_configured(checkpoint: Path, config: str, image_size: int | None = None) -> Path:
    """The model folder of a checkpoint with a configuration, converted once for each pair.

    Args:
        checkpoint: a file, or a folder as transformers saves it.
        config: upstream's name, with or without folders and ".yaml", or a yaml file.
        image_size: a side of the input in pixels that the folder must have; None: those that
            presets ask for.

    Raises:
        CheckpointError, ConversionError: there is no such configuration, or it does not fit.
        ModelError: there is no room on the disk.
    """
    path = Path(config).expanduser()
    is_file = path.is_file()
    said = sha256_of(path) if is_file else path.name.removesuffix(".yaml")
    key = hashlib.sha256(said.encode()).hexdigest()[:_CONFIG_KEY_LENGTH]
    sizes = None if image_size is None else (image_size,)
    return make_own(
        checkpoint,
        f"{automatic_name(checkpoint)}-{key}{_variant(sizes or (), None)}",
        config=str(path.absolute()) if is_file else config,
        image_sizes=sizes,
    )


def _is_known(text: str) -> bool:
    return text in MODEL_NAMES or (is_name(text) and text in own_names())


def _known_folder(name: str) -> Path:
    return _BUNDLED_FOLDER if name == BUNDLED_NAME else own_folder(name)


def _resolve_published(
    model: PublishedModel,
    image_sizes: Sequence[int] | None,
    weights: Weights | None,
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> Path:
    usual = preset_sizes(model.image_size)
    sizes = usual if image_sizes is None or {*image_sizes} <= {*usual} else tuple(image_sizes)
    folder = cached_folder(model.name + _variant(() if sizes == usual else sizes, weights))
    if is_whole(folder):
        return folder

    def convert(out: Path) -> None:
        checkpoint = _checkpoint(model, progress, cancel)
        require_space(converted_bytes(checkpoint.stat().st_size), f"Converting {model.name}")
        try:
            convert_checkpoint(
                checkpoint,
                out,
                config=model.config,
                name=model.name,
                image_sizes=sizes,
                weights=weights or "f16",
                progress=progress,
                cancel=cancel,
            )
        except CheckpointError as error:
            raise CheckpointError(f"{error} Delete {checkpoint} to fetch it again.") from error

    return make_once(folder.name, convert, progress, cancel, lock=model.name)


def _checkpoint(
    model: PublishedModel, progress: ProgressCallback | None, cancel: CancelCheck | None
) -> Path:
    try:
        return fetch_checkpoint(
            model.repo_id,
            model.checkpoint,
            checkpoints_folder(),
            progress=progress,
            cancel=cancel,
        )
    except DownloadError as error:
        raise DownloadError(
            f"{error} A file elsewhere is taken by its path, in place of the name."
        ) from error


def _variant(unusual: Sequence[int], weights: Weights | None) -> str:
    """What is put behind a folder's name; nothing for the usual image sizes and precision."""
    sizes = "".join(f"-{size}px" for size in unusual)
    return sizes + ("" if weights in (None, "f16") else f"-{weights}")
