"""A configuration for tests that run in seconds (d_model 64, mem_dim 32, 256 px)."""

from pathlib import Path
from typing import Final

SMALL_CONFIG: Final = Path(__file__).with_name("small.yaml")
