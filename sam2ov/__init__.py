"""SAM 2 and SAM 2.1 video segmentation on OpenVINO.

The names below are loaded on first use, so that ``import sam2ov`` costs nothing.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from sam2ov._version import __version__

if TYPE_CHECKING:
    from sam2ov.engine.session import VideoSession
    from sam2ov.errors import Sam2ovError
    from sam2ov.jobs.live.tracker import LiveTracker
    from sam2ov.upstream.automatic_mask_generator import SAM2AutomaticMaskGenerator
    from sam2ov.upstream.sam2_image_predictor import SAM2ImagePredictor
    from sam2ov.upstream.sam2_video_predictor import SAM2VideoPredictor
    from sam2ov.values.detections import masks_to_detections

# OpenVINO reports every import of it to an analytics service, unasked; without this package it
# falls back to a stub of its own.
sys.modules.setdefault("openvino_telemetry", cast(ModuleType, None))

__all__ = [
    "LiveTracker",
    "SAM2AutomaticMaskGenerator",
    "SAM2ImagePredictor",
    "SAM2VideoPredictor",
    "Sam2ovError",
    "VideoSession",
    "__version__",
    "masks_to_detections",
]

_MODULES = {
    "LiveTracker": "sam2ov.jobs.live.tracker",
    "SAM2AutomaticMaskGenerator": "sam2ov.upstream.automatic_mask_generator",
    "SAM2ImagePredictor": "sam2ov.upstream.sam2_image_predictor",
    "SAM2VideoPredictor": "sam2ov.upstream.sam2_video_predictor",
    "Sam2ovError": "sam2ov.errors",
    "VideoSession": "sam2ov.engine.session",
    "masks_to_detections": "sam2ov.values.detections",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
