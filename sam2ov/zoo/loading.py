"""From a model's name and a preset to compiled networks: the one loader of everything."""

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from sam2ov.engine.devices import Precision
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.policy import MemorySettings, PolicyName
from sam2ov.manifest import Manifest, read_manifest
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.zoo.cache import cache_folder
from sam2ov.zoo.catalogue import BUNDLED_NAME, resolve_model
from sam2ov.zoo.presets import Preset, PresetName, find_preset
from sam2ov.zoo.quantization import NEEDS_NNCF, is_installed, quantize_model, shortcomings

_log = logging.getLogger(__name__)

_Model = TypeVar("_Model", bound=SAM2Model)


@dataclass(frozen=True)
class PreparedModel:
    """What a model and a preset come down to.

    Attributes:
        folder: to compile.
        image_size: side of the model's input in pixels, as the preset asks for it.
        preset: how to run it.
        memory: what is remembered.
        notes: what came of the preset, for people.
    """

    folder: Path
    image_size: int
    preset: Preset
    memory: MemorySettings
    notes: tuple[str, ...] = ()

    def compile(
        self,
        device: str = "CPU",
        precision: Precision | None = None,
        threads: int | None = None,
    ) -> SAM2Model:
        """Compile the networks as ``SAM2Model`` does, with a cache beside the converted models."""
        return self.compile_as(SAM2Model, device, precision, threads)

    def compile_as(
        self,
        kind: type[_Model],
        device: str = "CPU",
        precision: Precision | None = None,
        threads: int | None = None,
    ) -> _Model:
        """Compile the networks as ``kind``, a class made of ``SAM2Model``."""
        return kind(
            self.folder,
            device,
            precision,
            cache_dir=cache_folder() / "compiled",
            memory=self.memory,
            image_size=self.image_size,
            threads=threads,
        )


def prepare_model(
    model_id: str | Path,
    *,
    device: str = "CPU",
    precision: Precision | None = None,
    preset: PresetName = "quality",
    memory: PolicyName | None = None,
    calibrate: Path | None = None,
    image_size: int | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> PreparedModel:
    """Get everything that takes a network or minutes, without compiling.

    Args:
        model_id: as ``resolve_model`` takes it: "micro", "sam2.1-hiera-tiny", …, a model folder,
            a checkpoint, or ``hf:ORG/REPO/FILE``.
        device: of ``SAM2Model``; INT8 is used where it is faster there.
        precision: of ``SAM2Model``, for what is not INT8.
        preset: what may be given up for speed.
        memory: which frames are remembered; None as the model was made for.
        calibrate: a clip to calibrate INT8 on; None for the sample.
        image_size: side of the model's input in pixels; None for the one that the preset asks for.
        progress: told of downloads (bytes) and conversions (items).
        cancel: asked often; once it returns true the work stops.

    Raises:
        ModelError: the model cannot be found, fetched, converted, quantised or read, or was not
            converted for the input size that the preset asks for.
        VideoError: ``calibrate`` cannot be read.
        CancelledError: ``cancel`` returned true.
    """
    chosen = find_preset(preset)
    sizes = None if image_size is None else (image_size,)
    folder = resolve_model(model_id, image_sizes=sizes, progress=progress, cancel=cancel)
    if image_size is None:
        image_size = size_for(chosen, read_manifest(folder))
    kept = replace(chosen.memory, policy=memory)
    if not chosen.int8:
        return PreparedModel(folder, image_size, chosen, kept)
    if os.fspath(model_id) == BUNDLED_NAME:
        note = f"INT8 is not tried on {BUNDLED_NAME}, whose image encoder is small."
        return PreparedModel(folder, image_size, chosen, kept, (note,))
    if not is_installed():
        return PreparedModel(folder, image_size, chosen, kept, (NEEDS_NNCF,))
    folder = quantize_model(
        folder,
        image_size,
        device=device,
        precision=precision,
        clip=calibrate,
        progress=progress,
        cancel=cancel,
    )
    return PreparedModel(folder, image_size, chosen, kept, (_what_came_of_it(folder),))


def size_for(preset: Preset, manifest: Manifest) -> int:
    """The side of the input in pixels that a preset asks for of a model.

    Raises:
        ModelFolderError: the model's folder does not have it.
    """
    return manifest.at(preset.image_size(manifest.image_size)).image_size


def load_model(
    model_id: str | Path,
    *,
    device: str = "CPU",
    precision: Precision | None = None,
    preset: PresetName = "quality",
    memory: PolicyName | None = None,
    calibrate: Path | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> SAM2Model:
    """Prepare a model, log what came of the preset, and compile it.

    Arguments and errors are those of ``prepare_model``, and of ``SAM2Model`` for the device.
    """
    prepared = prepare_model(
        model_id,
        device=device,
        precision=precision,
        preset=preset,
        memory=memory,
        calibrate=calibrate,
        progress=progress,
        cancel=cancel,
    )
    for note in prepared.notes:
        _log.info(note)
    return prepared.compile(device, precision)


def _what_came_of_it(folder: Path) -> str:
    found = read_manifest(folder).quantization
    assert found is not None
    facts = f"{found.time_ratio:.2f} of the time, {100 * found.error:.1f} % off"
    if found.kept:
        return f"The image encoder runs in INT8 ({facts})."
    why = " and ".join(shortcomings(found.error, found.time_ratio))
    return f"INT8 does not pay here: {why} ({facts}). The image encoder stays as it is."
