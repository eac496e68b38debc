"""Writing results to files: one module per family of formats, all of them frame by frame."""

from sam2ov.export.masks import export_masks
from sam2ov.export.matte import export_matte, export_object_mattes
from sam2ov.export.overlay import export_overlay
from sam2ov.export.paint import OverlayStyle
from sam2ov.export.tracked_masks import ExportedObject, TrackedMasks

__all__ = [
    "ExportedObject",
    "OverlayStyle",
    "TrackedMasks",
    "export_masks",
    "export_matte",
    "export_object_mattes",
    "export_overlay",
]
