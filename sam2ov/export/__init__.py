"""Writing results to files: one module per family of formats, all of them frame by frame."""

from sam2ov.export.masks import export_masks
from sam2ov.export.tracked_masks import ExportedObject, TrackedMasks

__all__ = ["ExportedObject", "TrackedMasks", "export_masks"]
