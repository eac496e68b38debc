"""``python -m sam2ov.zoo.int8_graph FOLDER SIZE FRAMES OUT``: an image encoder in INT8, by NNCF.

NNCF draws progress bars on the streams of its process and takes them over meanwhile, so it has a
process of its own. FRAMES is uint8 RGB [N, S, S, 3] in a .npy file, what to calibrate on; OUT is
the .xml of an IR.
"""

import logging
import sys
from pathlib import Path

import numpy as np
import openvino as ov

from sam2ov.engine.networks import read_graph
from sam2ov.manifest import read_manifest


def main() -> None:
    """Quantise."""
    import nncf

    folder, size, frames_file, out = sys.argv[1:]
    manifest = read_manifest(Path(folder)).at(int(size))
    logging.getLogger("nncf").setLevel(logging.ERROR)
    frames = np.load(frames_file)
    quantized = nncf.quantize(
        read_graph(Path(folder), manifest, "image_encoder"),
        nncf.Dataset([{"image": frame[None]} for frame in frames]),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(frames),
    )
    ov.save_model(quantized, out, compress_to_fp16=False)


if __name__ == "__main__":
    main()
