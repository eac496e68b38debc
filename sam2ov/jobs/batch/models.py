"""The models of a batch: compiled once per process, and told apart by their weights."""

from collections.abc import Mapping
from pathlib import Path

from sam2ov.engine.devices import choose_precision, openvino_core
from sam2ov.engine.model import SAM2Model
from sam2ov.jobs.clip_job import TrackingSettings
from sam2ov.manifest import Manifest, read_manifest
from sam2ov.progress import CancelCheck
from sam2ov.project.documents import ModelDocument
from sam2ov.zoo.loading import PreparedModel, prepare_model

_OF_MODELS = {"model", "device", "precision", "preset", "memory", "calibrate"}
_OTHERS = {
    name: field.default
    for name, field in TrackingSettings.model_fields.items()
    if name not in _OF_MODELS
}


class Models:
    """Compiled models, the latest one kept: clips of a batch mostly have the same.

    Args:
        threads: that a model computes with; None for all of the machine.
        folders: where this machine has models that are known elsewhere by other names.
    """

    def __init__(
        self, threads: int | None = None, folders: Mapping[str, Path] | None = None
    ) -> None:
        self.threads = threads
        self._folders = folders or {}
        self._latest: tuple[TrackingSettings, SAM2Model, str] | None = None

    def model_for(
        self, settings: TrackingSettings, cancel: CancelCheck | None = None
    ) -> tuple[SAM2Model, str]:
        """The model that settings name, and what tells it and its preset apart.

        Raises:
            ModelError, DeviceError: it cannot be had, or does not run here.
        """
        asked = settings.model_copy(update=_OTHERS)
        if self._latest is None or self._latest[0] != asked:
            self._latest = None  # two would take the memory of two
            prepared = _prepared(settings, self._folders.get(settings.model), cancel)
            model = prepared.compile(settings.device, settings.precision, threads=self.threads)
            self._latest = asked, model, _told(settings, model.manifest, model.precision)
        return self._latest[1:]


class KnownWeights:
    """What tells models apart, without compiling them."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, settings: TrackingSettings) -> str:
        """See ``Models.model_for``.

        Raises:
            ModelError, DeviceError: likewise.
        """
        key = settings.model_copy(update=_OTHERS).model_dump_json()
        if key not in self._known:
            prepared = _prepared(settings)
            manifest = read_manifest(prepared.folder).at(prepared.image_size)
            precision = choose_precision(openvino_core(), settings.device, settings.precision)
            self._known[key] = _told(settings, manifest, precision)
        return self._known[key]


def _prepared(
    settings: TrackingSettings, folder: Path | None = None, cancel: CancelCheck | None = None
) -> PreparedModel:
    return prepare_model(
        settings.model if folder is None else folder,
        device=settings.device,
        precision=settings.precision,
        preset=settings.preset,
        memory=settings.memory,
        calibrate=settings.calibrate,
        cancel=cancel,
    )


def _told(settings: TrackingSettings, manifest: Manifest, precision: str) -> str:
    document = ModelDocument.of(
        settings.model,
        settings.device,
        settings.preset,
        settings.memory or "upstream",
        manifest,
    )
    return f"{document.weights} {precision}"
