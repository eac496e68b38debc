"""From a model's name and a preset to compiled networks: the one loader of everything."""

from dataclasses import dataclass
from pathlib import Path

from sam2ov.model import Precision, SAM2Model
from sam2ov.presets import Preset, PresetName, find_preset
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.registry import cache_folder, resolve_model, trained_image_size


@dataclass(frozen=True)
class PreparedModel:
    """What a model and a preset come down to: the ``folder`` to compile, and how to run it."""

    folder: Path
    preset: Preset

    def compile(self, device: str = "CPU", precision: Precision | None = None) -> SAM2Model:
        """Compile the networks; compiled graphs are cached beside the converted models.

        Raises:
            ModelFolderError: the folder is damaged.
            DeviceError: the device or precision is not there.
        """
        return SAM2Model(
            self.folder,
            device,
            precision,
            cache_dir=cache_folder() / "compiled",
            memory_frames=self.preset.memory_frames,
        )


def prepare_model(
    model_id: str | Path,
    *,
    preset: PresetName = "quality",
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> PreparedModel:
    """Get everything that takes a network or minutes, without compiling.

    Args:
        model_id: "micro", "sam2.1-hiera-tiny" …, a hub repository or a model folder.
        preset: what may be given up for speed; the resolution of a model folder stays as it is.
        progress: told of downloads (bytes) and conversions (steps).
        cancel: asked often; once it returns true the work stops.

    Raises:
        ModelError: the model cannot be found, fetched, converted or read.
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
    return PreparedModel(folder, chosen)


def load_model(
    model_id: str | Path,
    *,
    device: str = "CPU",
    precision: Precision | None = None,
    preset: PresetName = "quality",
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> SAM2Model:
    """Load a model by name (fetched and converted on first use) or folder.

    Args:
        model_id: see ``prepare_model``.
        device: any OpenVINO device string.
        precision: inside the graphs: "f32", "bf16", "f16", or None for the device's best.
        preset: see ``prepare_model``.
        progress: see ``prepare_model``.
        cancel: see ``prepare_model``.

    Raises:
        ModelError: the model cannot be found, fetched, converted or read.
        DeviceError: the device or precision is not there.
        CancelledError: ``cancel`` returned true.
    """
    prepared = prepare_model(model_id, preset=preset, progress=progress, cancel=cancel)
    return prepared.compile(device, precision)
