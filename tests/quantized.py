"""A model folder as ``quantize_model`` leaves it, without quantising anything."""

import shutil
from pathlib import Path

from sam2ov.manifest import MANIFEST_FILE, Quantization, read_manifest
from sam2ov.zoo.quantization import shortcomings

MEASURED = (
    (0.034, 0.66, "The image encoder runs in INT8 (0.66 of the time, 3.4 % off)."),
    (
        0.034,
        1.02,
        "INT8 does not pay here: it saves less than 5 % of the time (1.02 of the time, 3.4 % off).",
    ),
    (
        0.21,
        0.66,
        "INT8 does not pay here: its features are more than 10 % off (0.66 of the time, 21.0 % off",
    ),
    (
        0.21,
        1.02,
        "INT8 does not pay here: it saves less than 5 % of the time and its features are more than "
        "10 % off (1.02 of the time, 21.0 % off",
    ),
)
"""Errors and time ratios for ``quantized_copy``, and how the note on each begins."""


def quantized_copy(folder: Path, out: Path, error: float, time_ratio: float) -> Path:
    """A copy of a model folder at ``out``, whose manifest says what was measured."""
    shutil.copytree(folder, out, dirs_exist_ok=True)
    found = Quantization(
        network="image_encoder",
        kept=not shortcomings(error, time_ratio),
        error=error,
        time_ratio=time_ratio,
        device="CPU",
        precision="bf16",
        clip="mine.mp4",
    )
    changed = read_manifest(folder).model_copy(update={"quantization": found})
    (out / MANIFEST_FILE).write_text(changed.model_dump_json(), encoding="utf-8")
    return out
