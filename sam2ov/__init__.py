"""SAM 2 and SAM 2.1 video segmentation on OpenVINO."""

from sam2ov._version import __version__

__all__ = ["__version__"]
