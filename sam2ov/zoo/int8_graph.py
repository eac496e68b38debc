"""``python -m sam2ov.zoo.int8_graph GRAPH FRAMES OUT``: a graph in INT8, by NNCF.

NNCF draws progress bars on the streams of its process and takes them over meanwhile, so it has a
process of its own. FRAMES is uint8 RGB [N, S, S, 3] in a .npy file, what to calibrate on.
"""

import logging
import sys

import numpy as np
import openvino as ov


def main() -> None:
    """Quantise."""
    import nncf

    graph, frames_file, out = sys.argv[1:]
    logging.getLogger("nncf").setLevel(logging.ERROR)
    frames = np.load(frames_file)
    quantized = nncf.quantize(
        ov.Core().read_model(graph),
        nncf.Dataset([{"image": frame[None]} for frame in frames]),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(frames),
    )
    ov.save_model(quantized, out, compress_to_fp16=False)


if __name__ == "__main__":
    main()
