"""The error of a compiled graph against what torch answered."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from sam2ov.engine.devices import openvino_core
from sam2ov.engine.networks import read_graph
from sam2ov.manifest import NETWORK_NAMES, Manifest
from tests.reference.record import Array, Case


@dataclass(frozen=True)
class Error:
    """How far an output is from torch's.

    Attributes:
        worst: largest absolute difference, divided by the largest absolute value expected.
        rms: root mean square of the difference, divided by that of the expected values.

    Both divisors are at least ``floor``: an object score alone may happen to be near zero.
    """

    worst: float
    rms: float


def relative_error(found: Array, expected: Array, floor: float = 1e-6) -> Error:
    """Compare an output with the expected one; shapes must agree."""
    assert found.shape == expected.shape, (found.shape, expected.shape)
    difference = found.astype(np.float64) - expected
    return Error(
        worst=float(np.abs(difference).max() / max(floor, np.abs(expected).max())),
        rms=float(
            np.sqrt(np.square(difference).mean()) / max(floor, np.sqrt(np.square(expected).mean()))
        ),
    )


class CompiledFolder:
    """The networks of a model folder on the CPU, by name, at one inference precision."""

    def __init__(
        self, folder: Path, manifest: Manifest, precision: Literal["f32", "bf16"] = "f32"
    ) -> None:
        core = openvino_core()
        self._networks = {
            name: core.compile_model(
                read_graph(folder, manifest, name),
                "CPU",
                {"INFERENCE_PRECISION_HINT": precision},
            )
            for name in NETWORK_NAMES
        }

    def outputs(self, case: Case) -> dict[str, Array]:
        """The outputs of one call."""
        found = self._networks[case.network](dict(case.inputs))
        return {name: found[name] for name in case.expected}

    def errors(self, case: Case) -> dict[str, Error]:
        """The error of each output of one call."""
        found = self.outputs(case)
        return {
            name: relative_error(
                found[name], expected, floor=1.0 if name == "object_score" else 1e-6
            )
            for name, expected in case.expected.items()
        }
