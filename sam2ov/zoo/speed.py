"""Seconds per frame of every model on this machine: a few networks measured, the rest reckoned.

``convert.probe`` measures in a process of its own, some ten seconds on two cores. What it found is
kept in the cache folder, by what its figures depend on.
"""

import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sam2ov.engine.devices import Precision, available_devices, choose_precision, openvino_core
from sam2ov.errors import ModelError, ModelFolderError
from sam2ov.manifest import NetworkName, read_manifest
from sam2ov.progress import CancelCheck
from sam2ov.unfinished import unfinished_file
from sam2ov.zoo.cache import cache_folder
from sam2ov.zoo.catalogue import BUNDLED_NAME, resolve_model
from sam2ov.zoo.child_process import how_it_ended, json_lines, last_words, running_module
from sam2ov.zoo.network_costs import COSTED, REFERENCES, Reference
from sam2ov.zoo.presets import PresetName, find_preset
from sam2ov.zoo.published import PUBLISHED

PROBE = "convert.probe"
"""The module that is run."""

_FILE: Final = "speed.json"
_MOST_BYTES: Final = 1 << 20
_MOST_KEPT: Final = 32
_FULL_BANK: Final = 7
_NETWORKS: Final[tuple[NetworkName, ...]] = (
    "image_encoder",
    "memory_attention",
    "mask_decoder",
    "memory_encoder",
)

Seconds = Annotated[float, Field(gt=0, lt=86_400, allow_inf_nan=False)]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pace(_Kept):
    """How fast networks run.

    Attributes:
        device: an OpenVINO device string.
        machine: what else the figures depend on: the device's full name, how many processors may be
            used, the precision, OpenVINO's version.
        seconds: of one run, by reference and network.
    """

    device: str
    machine: str
    seconds: dict[Reference, dict[NetworkName, Seconds]]

    def seconds_per_frame(
        self, config: str, trained: int, preset: PresetName = "quality"
    ) -> float | None:
        """What tracking one object takes, with as many memories as the preset keeps.

        INT8 does not count, which makes some models faster. Reading video and what else lies
        outside the networks takes milliseconds more.

        Args:
            config: upstream's name of the model's configuration, or "micro".
            trained: side of the input in pixels that it was trained at.
            preset: what is given up for speed.

        Returns:
            None where nothing is known of the configuration or its size.
        """
        chosen = find_preset(preset)
        model = COSTED.get(config)
        costs = None if model is None else model.at.get(chosen.image_size(trained))
        if model is None or costs is None:
            return None
        memories = min(chosen.memory.frames or _FULL_BANK, _FULL_BANK)
        total = 0.0
        for network in _NETWORKS:
            reference = model.reference(network)
            measured = self.seconds[reference][network]
            ratio = costs.of(network, memories) / REFERENCES[reference].of(network, memories)
            total += measured * ratio
        return total

    def of_model(
        self, name: str, folder: Path | None, preset: PresetName = "quality"
    ) -> float | None:
        """``seconds_per_frame`` of a model as the catalogue lists it.

        Args:
            name: of the model.
            folder: where it lies; None where it is not here.
            preset: what is given up for speed.
        """
        if name in PUBLISHED:
            model = PUBLISHED[name]
            return self.seconds_per_frame(model.config, model.image_size, preset)
        try:
            manifest = None if folder is None else read_manifest(folder)
        except ModelFolderError:
            manifest = None
        if manifest is None:
            return None
        config = BUNDLED_NAME if name == BUNDLED_NAME else manifest.source.config
        return self.seconds_per_frame(config, manifest.image_size, preset)


class _KeptPaces(_Kept):
    paces: Annotated[tuple[Pace, ...], Field(max_length=_MOST_KEPT)]


def known_pace(device: str, precision: Precision | None = None) -> Pace | None:
    """What was measured on this machine before, with the OpenVINO that is installed.

    Args:
        device: an OpenVINO device string.
        precision: inside the graphs; None takes the best of the device.

    Raises:
        DeviceError: the device is not there, or does not compute in ``precision``.
    """
    key = (device, _machine(device, choose_precision(openvino_core(), device, precision)))
    return next((pace for pace in _read() if (pace.device, pace.machine) == key), None)


def measure_pace(
    device: str, precision: Precision | None = None, *, cancel: CancelCheck | None = None
) -> Pace:
    """Measure, and keep what was found.

    Args:
        device: an OpenVINO device string.
        precision: inside the graphs; None takes the best of the device.
        cancel: asked often; once it returns true the work stops.

    Raises:
        DeviceError: the device is not there, or does not compute in ``precision``.
        ModelError: the networks do not run on it, or the result cannot be kept.
        CancelledError: ``cancel`` returned true.
    """
    chosen = choose_precision(openvino_core(), device, precision)
    seconds: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as log:
        with running_module(PROBE, [device, chosen, resolve_model(BUNDLED_NAME)], log) as process:
            for line in json_lines(process, cancel, "Measuring the speed of models"):
                seconds.setdefault(line["reference"], {})[line["network"]] = line["seconds"]
            exit_code = process.wait()
        if exit_code != 0:
            raise ModelError(
                f"How fast models are on {device} cannot be measured: the probe "
                f"{how_it_ended(exit_code)}. The last it wrote:\n{last_words(log)}"
            )
    found = {"device": device, "machine": _machine(device, chosen), "seconds": seconds}
    try:
        pace = Pace.model_validate(found)
    except ValidationError as error:
        raise ModelError(
            f"How fast models are on {device} cannot be measured: the probe says nothing that "
            f"makes sense ({error.errors()[0]['msg']}). Install sam2ov anew."
        ) from error
    _keep(pace)
    return pace


def _machine(device: str, precision: Precision) -> str:
    name = available_devices().get(device, device)
    affinity = getattr(os, "sched_getaffinity", None)
    processors = len(affinity(0)) if affinity else os.cpu_count()
    return f"{name}, {processors} processors, {precision}, OpenVINO {version('openvino')}"


def _read() -> tuple[Pace, ...]:
    """What is kept; nothing where the file is not what was written."""
    path = cache_folder() / _FILE
    try:
        with path.open("rb") as file:
            return _KeptPaces.model_validate_json(file.read(_MOST_BYTES)).paces
    except (OSError, ValidationError):
        return ()


def _keep(pace: Pace) -> None:
    key = (pace.device, pace.machine)
    others = [kept for kept in _read() if (kept.device, kept.machine) != key]
    kept = _KeptPaces(paces=(pace, *others)[:_MOST_KEPT])
    path = cache_folder() / _FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error
    with unfinished_file(path, _cannot_write) as unfinished:
        unfinished.write_text(kept.model_dump_json(indent=1), encoding="utf-8")


def _cannot_write(path: Path, error: OSError) -> ModelError:
    return ModelError(f"{path} cannot be written: {error.strerror or error}. Free some space.")
