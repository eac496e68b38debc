"""Conversion of SAM 2 / SAM 2.1 checkpoints to OpenVINO IR (torch and sam2 live here only)."""

from convert import privacy
from convert.export import convert_checkpoint

__all__ = ["convert_checkpoint", "privacy"]
