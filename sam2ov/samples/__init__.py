"""The clip that comes with sam2ov, for trying it out (made by ``tools/make_sample.py``)."""

from pathlib import Path

SAMPLE_PATH = Path(__file__).parent / "sample.mp4"
SAMPLE_NAME = "sample.mp4"
