"""The calibration that goes with a project's results, if there is one."""

import logging
from functools import lru_cache

from sam2ov.errors import ModelError
from sam2ov.manifest import read_manifest
from sam2ov.project.documents import ModelDocument
from sam2ov.zoo.calibration import Calibration, read_calibration
from sam2ov.zoo.catalogue import list_models
from sam2ov.zoo.loading import size_for
from sam2ov.zoo.presets import find_preset

_log = logging.getLogger(__name__)


@lru_cache(maxsize=16)
def calibration_of(model: ModelDocument) -> Calibration | None:
    """The calibration of the model that results are of.

    None where that model has none, is not on this machine any more as it was, or is a folder given
    by its path: what a project says of its model may come from anywhere, so only models that have a
    name here are looked at. A damaged one is logged, and counts as none.
    """
    folder = next((each.path for each in list_models() if each.name == model.model), None)
    if folder is None:
        return None
    try:
        manifest = read_manifest(folder)
        used = manifest.at(size_for(find_preset(model.preset), manifest))
        same = ModelDocument.of(model.model, model.device, model.preset, model.memory, used)
        return read_calibration(folder, manifest) if same.weights == model.weights else None
    except ModelError as error:
        _log.warning("Confidence is not calibrated: %s", error)
        return None
