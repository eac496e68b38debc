"""Stands in for ``python -m convert.random_checkpoint``."""

import sys
from pathlib import Path

if sys.argv[1] == "sam2_hiera_l":
    sys.exit("no memory left, so to speak")
Path(sys.argv[2]).write_text(f"random weights of {sys.argv[1]}")
