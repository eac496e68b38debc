"""Writing results to files: a registry of formats, one module per family, all frame by frame.

``FORMATS`` says what there is; ``sam2ov.export.run.run_export`` writes.
"""

from sam2ov.export.format import ExportFormat, ExportSettings, FormatOptions
from sam2ov.export.formats import FORMATS

__all__ = ["FORMATS", "ExportFormat", "ExportSettings", "FormatOptions"]
