"""Masks of everything in an image, without prompts: a grid of clicks, filtered."""

from sam2ov.engine.automatic.finder import MaskFinder
from sam2ov.engine.automatic.found import FoundMask
from sam2ov.engine.automatic.settings import AutomaticSettings

__all__ = ["AutomaticSettings", "FoundMask", "MaskFinder"]
