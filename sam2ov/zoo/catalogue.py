"""The models users can name, and the whole model folder behind a name."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sam2ov.errors import CheckpointError, DownloadError, ModelFolderError, ModelNotFoundError
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.zoo.cache import cached_folder, checkpoints_folder, is_whole, make_once, verified
from sam2ov.zoo.checkpoints import fetch_checkpoint, kept_checkpoint
from sam2ov.zoo.conversion import Weights, convert_checkpoint
from sam2ov.zoo.presets import preset_sizes
from sam2ov.zoo.published import PUBLISHED, Accuracy, PublishedModel

BUNDLED_NAME: Final = "micro"

_BUNDLED_FOLDER = Path(__file__).parents[1] / "models" / BUNDLED_NAME


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
    parameters=5_600_000,
    image_size=320,
    licence="Apache-2.0",
    accuracy=Accuracy(),
    download_bytes=0,
    path=_BUNDLED_FOLDER,
)


def list_models() -> tuple[ModelEntry, ...]:
    """All models that have a name, the bundled one first; contents are not checked here."""
    return (_BUNDLED, *map(_published_entry, PUBLISHED.values()))


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


def resolve_model(
    model: str | Path,
    *,
    image_sizes: Sequence[int] | None = None,
    weights: Weights | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """Return a whole, verified model folder; published models are fetched and converted once.

    Args:
        model: one of ``MODEL_NAMES``, the hub repository of one or a model folder.
        image_sizes: sides of the square model input in pixels that the folder must have, besides
            others perhaps; None: those that presets ask for, any for folders.
        weights: precision of the stored weights; None: f16 for converted models, any for folders.
        progress: told of downloads (bytes) and conversions (items).
        cancel: asked often; once it returns true the work stops.

    Raises:
        ModelNotFoundError: ``model`` is neither a name nor a folder.
        ModelFolderError: a folder is damaged, or lacks one of the ``image_sizes`` or has other
            ``weights``.
        DownloadError, CheckpointError, ConversionError: fetching or converting failed.
        CancelledError: ``cancel`` returned true.
    """
    published = published_model(os.fspath(model))
    if published is not None:
        return _resolve_published(published, image_sizes, weights, progress, cancel)
    is_bundled = os.fspath(model) == BUNDLED_NAME
    folder = _BUNDLED_FOLDER if is_bundled else Path(model).expanduser()
    if not folder.is_dir():
        raise _not_found(model, folder)
    manifest = verified(folder)
    for image_size in image_sizes or ():
        manifest.at(image_size)
    if weights not in (None, manifest.weights):
        raise ModelFolderError(
            f"{folder} has {manifest.weights} weights, but {weights} was asked for. Convert the "
            f"checkpoint again with --weights {weights}."
        )
    return folder


def _not_found(model: str | Path, folder: Path) -> ModelNotFoundError:
    if folder.is_file():
        return ModelNotFoundError(
            f"{folder} is a file. Convert a checkpoint first and give the folder: "
            f"sam2ov convert {folder} --config CONFIG --out FOLDER"
        )
    return ModelNotFoundError(
        f"There is no model {os.fspath(model)!r}. Give the path of a model folder or one of these "
        f"names: {', '.join(MODEL_NAMES)}."
    )


def _resolve_published(
    model: PublishedModel,
    image_sizes: Sequence[int] | None,
    weights: Weights | None,
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> Path:
    usual = preset_sizes(model.image_size)
    sizes = usual if image_sizes is None or {*image_sizes} <= {*usual} else tuple(image_sizes)
    folder = _variant_folder(model.name, () if sizes == usual else sizes, weights)
    if is_whole(folder):
        return folder

    def convert(out: Path) -> None:
        checkpoint = _checkpoint(model, progress, cancel)
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
            f"{error} A checkpoint elsewhere is converted with: "
            f"sam2ov convert FILE --config {model.config} --out FOLDER"
        ) from error


def _variant_folder(name: str, unusual: Sequence[int], weights: Weights | None) -> Path:
    """Where a conversion is kept; the usual image sizes and precision have no suffix."""
    sizes = "".join(f"-{size}px" for size in unusual)
    precision = "" if weights in (None, "f16") else f"-{weights}"
    return cached_folder(f"{name}{sizes}{precision}")
