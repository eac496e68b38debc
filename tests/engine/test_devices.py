"""What devices can do, by OpenVINO's account of this machine and of made-up ones."""

import subprocess
import sys
from typing import Any, cast

import pytest

from sam2ov.engine.devices import available_devices, choose_precision, needs_static_shapes
from sam2ov.errors import DeviceError


class Machine:
    """OpenVINO's view of a machine with a CPU, two GPUs and an NPU."""

    available_devices = ("CPU", "GPU.0", "GPU.1", "NPU")

    def __init__(self, **offers: str) -> None:
        self.offers = offers

    def get_property(self, device: str, name: str) -> list[str]:
        assert name == "OPTIMIZATION_CAPABILITIES"
        return self.offers[device.split(".")[0]].split()


def test_this_machine_has_a_processor() -> None:
    assert available_devices()["CPU"]


def test_ctrl_c_is_no_crash_after_models_were_dropped() -> None:
    """Plain OpenVINO ends here with a segmentation fault, see ``openvino_core``."""
    program = """
import signal
from sam2ov.engine.networks import Compiler
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
first, second = (Compiler.for_device("CPU", None, None) for _ in range(2))
del first
del second
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


@pytest.mark.parametrize(
    ("device", "offered", "expected"),
    [
        ("CPU", "FP32 INT8 BIN", "f32"),
        ("CPU", "FP32 BF16 INT8", "bf16"),
        ("GPU", "FP32 FP16 INT8", "f16"),
        ("GPU.1", "FP32 FP16", "f16"),
        ("NPU", "FP16 INT8", "f16"),
    ],
)
def test_the_default_precision_is_the_fastest(device: str, offered: str, expected: str) -> None:
    machine = cast(Any, Machine(**{device.split(".")[0]: offered}))
    assert choose_precision(machine, device, None) == expected


@pytest.mark.parametrize("device", ["AUTO", "AUTO:CPU,GPU", "MULTI:GPU.0,GPU.1", "HETERO:GPU,CPU"])
def test_devices_that_openvino_chooses_have_f32_in_common(device: str) -> None:
    machine = cast(Any, Machine())
    assert choose_precision(machine, device, None) == "f32"
    assert choose_precision(machine, device, "f16") == "f16"


def test_a_precision_that_the_device_lacks_is_refused() -> None:
    machine = cast(Any, Machine(CPU="FP32 INT8"))
    assert choose_precision(machine, "CPU", "f32") == "f32"
    with pytest.raises(DeviceError, match="does not compute in bf16"):
        choose_precision(machine, "CPU", "bf16")
    with pytest.raises(DeviceError, match="one of f32, bf16, f16"):
        choose_precision(machine, "CPU", cast(Any, "f8"))


def test_an_absent_device_is_named_with_those_that_are_there() -> None:
    machine = cast(Any, Machine())
    with pytest.raises(DeviceError, match=r"no device 'GPU\.7'.*: CPU, GPU\.0, GPU\.1, NPU, or"):
        choose_precision(machine, "GPU.7", None)


def test_some_devices_leave_no_dimension_open() -> None:
    asked = ("CPU", "GPU.1", "NPU", "NPU.0", "AUTO")
    assert [device for device in asked if needs_static_shapes(device)] == ["NPU", "NPU.0"]
