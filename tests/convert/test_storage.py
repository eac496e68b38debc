import subprocess
import sys

import numpy as np
import openvino as ov
import pytest

from convert import ops
from convert.storage import halve_weights


def test_matrices_are_halved_and_small_or_large_values_are_not() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(128, 64)).astype(np.float32)
    vector = rng.normal(size=128).astype(np.float32)
    beyond_half = np.full((128, 128), 1e5, np.float32)
    x = ops.parameter("x", [-1, 64])
    y = ops.matmul(ops.linear(x, ops.Affine(matrix, vector)), ops.constant(beyond_half))
    graph = ops.model("test", [x], {"y": y})
    halve_weights(graph)
    stored = {
        tuple(node.get_output_shape(0)): node.get_element_type().to_string()
        for node in graph.get_ops()
        if node.get_type_name() == "Constant"
    }
    assert stored == {(128, 64): "f16", (128,): "f32", (128, 128): "f32"}
    inputs = rng.normal(size=(3, 64)).astype(np.float32)
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    found = ov.Core().compile_model(graph, "CPU", config)([inputs])["y"]
    expected = (inputs @ matrix.astype(np.float16).astype(np.float32).T + vector) @ beyond_half
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e3)


MEASURE = """
import resource
import numpy as np
from convert import ops
from convert.storage import halve_weights

x = y = ops.parameter("x", [1024])
for index in range(16):
    y = ops.add(y, ops.constant(np.full((4096, 1024), index, np.float32)))  # 16 MiB each
graph = ops.model("test", [x], {"y": y})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
halve_weights(graph)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kibibytes on Linux alone")
def test_constants_go_as_they_are_halved() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 64, "MiB; all halves beside all wholes would be 128"
