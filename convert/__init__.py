"""Conversion of checkpoints of SAM 2's family to OpenVINO IR."""

from convert import privacy
from convert.export import convert_checkpoint

__all__ = ["convert_checkpoint", "privacy"]
