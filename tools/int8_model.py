"""Quantise a model's image encoder whether that is faster here or not; prints the folder.

    sam2ov eval DATASET --model "$(python -m tools.int8_model micro)"

What INT8 costs in quality on a machine where it does not pay, which is where a preset leaves it
out. Needs ``pip install "sam2ov[quantize]"``.
"""

import argparse
import math
from pathlib import Path

from sam2ov.manifest import read_manifest
from sam2ov.zoo.catalogue import resolve_model
from sam2ov.zoo.quantization import quantize_model


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", help="a name or a model folder")
    parser.add_argument("--calibrate", type=Path, help="a clip; without one the sample")
    arguments = parser.parse_args()
    folder = resolve_model(arguments.model)
    size = read_manifest(folder).image_size
    print(quantize_model(folder, size, clip=arguments.calibrate, largest_time=math.inf))


if __name__ == "__main__":
    main()
