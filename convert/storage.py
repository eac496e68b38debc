"""How weights are stored in a model folder; what is computed with them is float32 again."""

from typing import Final

import numpy as np
from openvino import Model
from openvino import opset13 as ov_ops

_SMALLEST_HALVED: Final = 4096
"""Biases, norms, tokens and point frequencies are small, and exact; matrices are halved."""


def halve_weights(graph: Model) -> None:
    """Store the large float32 constants of a graph as float16, in place.

    OpenVINO's own ``compress_to_fp16`` halves everything: point frequencies too, which are
    multiplied by 2π and coordinates, and each small vector gets a conversion node, which takes
    more bytes in the XML than the halving saves.
    """
    largest = float(np.finfo(np.float16).max)
    nodes = graph.get_ordered_ops()[::-1]
    while nodes:
        node = nodes.pop()  # of the others alone: with the last name of a constant its memory goes
        if node.get_type_name() != "Constant" or node.get_element_type().to_string() != "f32":
            continue
        values = node.get_data()
        if values.size < _SMALLEST_HALVED or np.abs(values).max() > largest:
            continue
        halved = ov_ops.constant(values.astype(np.float16))
        restored = ov_ops.convert(halved, "f32")
        for target in node.output(0).get_target_inputs():
            target.replace_source_output(restored.output(0))
