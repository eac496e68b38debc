"""A configuration for tests that run in seconds (d_model 64, mem_dim 32, 256 px)."""

from pathlib import Path
from typing import Final

from convert.official import OFFICIAL

SMALL_CONFIG: Final = Path(__file__).with_name("small.yaml")

OFFICIAL_CONFIGS: Final = tuple(
    name for name, each in OFFICIAL.items() if each.family in ("sam2", "sam2.1")
)
