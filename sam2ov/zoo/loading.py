"""From a model's name and a preset to compiled networks: the one loader of everything."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from sam2ov.engine.devices import Precision
from sam2ov.engine.model import SAM2Model
from sam2ov.manifest import read_manifest
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.zoo.cache import cache_folder
from sam2ov.zoo.catalogue import BUNDLED_NAME, resolve_model, trained_image_size
from sam2ov.zoo.presets import Preset, PresetName, find_preset
from sam2ov.zoo.quantization import INSTALL_COMMAND, is_installed, quantize_model, shortcomings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedModel:
    """What a model and a preset come down to.

    Attributes:
        folder: to compile.
        preset: how to run it.
        notes: what came of the preset, for people.
    """

    folder: Path
    preset: Preset
    notes: tuple[str, ...] = ()

    def compile(self, device: str = "CPU", precision: Precision | None = None) -> SAM2Model:
        """Compile the networks as ``SAM2Model`` does, with a cache beside the converted models."""
        return SAM2Model(
            self.folder,
            device,
            precision,
            cache_dir=cache_folder() / "compiled",
            memory=self.preset.memory,
        )


def prepare_model(
    model_id: str | Path,
    *,
    device: str = "CPU",
    precision: Precision | None = None,
    preset: PresetName = "quality",
    calibrate: Path | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> PreparedModel:
    """Get everything that takes a network or minutes, without compiling.

    Args:
        model_id: "micro", "sam2.1-hiera-tiny" …, a hub repository or a model folder.
        device: of ``SAM2Model``; INT8 is used where it is faster there.
        precision: of ``SAM2Model``, for what is not INT8.
        preset: what may be given up for speed; the resolution of a model folder stays as it is.
        calibrate: a clip to calibrate INT8 on; None for the sample.
        progress: told of downloads (bytes) and conversions (items).
        cancel: asked often; once it returns true the work stops.

    Raises:
        ModelError: the model cannot be found, fetched, converted, quantised or read.
        VideoError: ``calibrate`` cannot be read.
        CancelledError: ``cancel`` returned true.
    """
    chosen = find_preset(preset)
    trained = trained_image_size(model_id)
    folder = resolve_model(
        model_id,
        # A folder has one size, which it keeps.
        image_size=None if trained is None else chosen.image_size(trained),
        progress=progress,
        cancel=cancel,
    )
    if not chosen.int8:
        return PreparedModel(folder, chosen)
    if os.fspath(model_id) == BUNDLED_NAME:
        note = f"INT8 is not tried on {BUNDLED_NAME}, whose image encoder is small."
        return PreparedModel(folder, chosen, (note,))
    if not is_installed():
        note = f"The image encoder may be faster in INT8, which needs NNCF: {INSTALL_COMMAND}"
        return PreparedModel(folder, chosen, (note,))
    folder = quantize_model(
        folder,
        device=device,
        precision=precision,
        clip=calibrate,
        progress=progress,
        cancel=cancel,
    )
    return PreparedModel(folder, chosen, (_what_came_of_it(folder),))


def load_model(
    model_id: str | Path,
    *,
    device: str = "CPU",
    precision: Precision | None = None,
    preset: PresetName = "quality",
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
