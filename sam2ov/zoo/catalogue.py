"""The models users can name, and the whole model folder behind a name."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sam2ov.errors import CheckpointError, DownloadError, ModelFolderError, ModelNotFoundError
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.zoo.cache import cached_folder, checkpoints_folder, is_whole, make_once, verified
from sam2ov.zoo.checkpoints import fetch_checkpoint, kept_checkpoint
from sam2ov.zoo.conversion import Weights, convert_checkpoint
from sam2ov.zoo.presets import preset_sizes

BUNDLED_NAME: Final = "micro"
OFFICIAL_IMAGE_SIZE: Final = 1024

_BUNDLED_FOLDER = Path(__file__).parents[1] / "models" / BUNDLED_NAME
_ORGANISATION = "facebook/"


@dataclass(frozen=True)
class ModelEntry:
    """A model as the app and ``sam2ov models`` list it.

    ``path`` is its folder, or None while it still has to be fetched and converted. ``parameters``
    counts the weights; None where the folder does not say. ``download_bytes`` is roughly what
    fetching would cost, and 0 where nothing has to be fetched.
    """

    name: str
    status: Literal["bundled", "cached", "available"]
    description: str
    parameters: int | None
    download_bytes: int
    path: Path | None


@dataclass(frozen=True)
class _HubModel:
    """An official checkpoint (upstream: ``HF_MODEL_ID_TO_FILENAMES`` in ``sam2/build_sam.py``)."""

    name: str
    checkpoint: str
    config: str
    parameters: int
    description: str

    @property
    def repo_id(self) -> str:
        return _ORGANISATION + self.name

    @property
    def download_bytes(self) -> int:
        """Official checkpoints hold their weights as float32 and little else."""
        return 4 * self.parameters


def _hub_models() -> Iterator[_HubModel]:
    sizes = (
        # name, file, config, millions of parameters, for whom
        ("tiny", "tiny", "t", 38.9, "fastest of the official models"),
        ("small", "small", "s", 46.0, "a little slower and better than tiny"),
        ("base-plus", "base_plus", "b+", 80.8, "good quality for difficult objects"),
        ("large", "large", "l", 224.4, "best quality, slow without a GPU"),
    )
    for version, title in (("sam2.1", "SAM 2.1"), ("sam2", "SAM 2")):
        for size, file, config, millions, description in sizes:
            yield _HubModel(
                name=f"{version}-hiera-{size}",
                checkpoint=f"{version}_hiera_{file}.pt",
                config=f"{version}_hiera_{config}",
                parameters=round(millions * 1e6),
                description=f"{title} {size}: {description}",
            )


_HUB_MODELS: Final = {model.name: model for model in _hub_models()}
MODEL_NAMES: Final = (BUNDLED_NAME, *_HUB_MODELS)


def list_models() -> tuple[ModelEntry, ...]:
    """All models that have a name, the bundled one first; contents are not checked here."""
    bundled = ModelEntry(
        name=BUNDLED_NAME,
        status="bundled",
        description="Comes with sam2ov: small and fast, for trying out and for simple objects",
        parameters=None,
        download_bytes=0,
        path=_BUNDLED_FOLDER,
    )
    return (bundled, *(_hub_entry(model) for model in _HUB_MODELS.values()))


def official_config(name: str) -> str | None:
    """Upstream's name of the configuration of an official model; None for other models."""
    return _HUB_MODELS[name].config if name in _HUB_MODELS else None


def _hub_entry(model: _HubModel) -> ModelEntry:
    folder = cached_folder(model.name)
    cached = folder.is_dir()
    kept = kept_checkpoint(model.repo_id, model.checkpoint, checkpoints_folder())
    return ModelEntry(
        name=model.name,
        status="cached" if cached else "available",
        description=model.description,
        parameters=model.parameters,
        download_bytes=0 if cached or kept else model.download_bytes,
        path=folder if cached else None,
    )


def resolve_model(
    model: str | Path,
    *,
    image_sizes: Sequence[int] | None = None,
    weights: Weights | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """Return a whole, verified model folder; official models are fetched and converted once.

    Args:
        model: one of ``MODEL_NAMES``, a hub repository (``facebook/…``) or a model folder.
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
    name = os.fspath(model).removeprefix(_ORGANISATION)
    if name in _HUB_MODELS:
        return _resolve_hub_model(_HUB_MODELS[name], image_sizes, weights, progress, cancel)
    folder = _BUNDLED_FOLDER if name == BUNDLED_NAME else Path(model).expanduser()
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


def _resolve_hub_model(
    model: _HubModel,
    image_sizes: Sequence[int] | None,
    weights: Weights | None,
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> Path:
    usual = preset_sizes(OFFICIAL_IMAGE_SIZE)
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
    model: _HubModel, progress: ProgressCallback | None, cancel: CancelCheck | None
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
    sizes = "".join(f"-{size}" for size in unusual)
    precision = "" if weights in (None, "f16") else f"-{weights}"
    return cached_folder(f"{name}{sizes}{precision}")
