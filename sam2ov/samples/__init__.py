"""The clip that comes with sam2ov, for trying it out (made by ``tools/make_sample.py``)."""

from pathlib import Path
from typing import Final

from sam2ov.values.clean_up import CleanUp

SAMPLE_PATH = Path(__file__).parent / "sample.mp4"
SAMPLE_NAME = "sample.mp4"

SAMPLE_CLEAN_UP: Final = CleanUp(fill_holes=600, remove_specks=60, smooth=6)
"""What its objects begin with: what people try first shows clean-up at work, and the bundled model
leaves holes."""
