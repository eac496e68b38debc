"""What OpenVINO's devices can do: which there are, in what they compute, what they ask for."""

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

import openvino as ov

from sam2ov.errors import DeviceError

Precision = Literal["f32", "bf16", "f16"]

OPENVINO_TYPES: Final[Mapping[Precision, ov.Type]] = {
    "f32": ov.Type.f32,
    "bf16": ov.Type.bf16,
    "f16": ov.Type.f16,
}
"""What OpenVINO calls a precision, as its precision hint."""

_CAPABILITIES: Mapping[Precision, str] = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}
_STATIC_DEVICES = frozenset({"NPU"})
_META_DEVICES = frozenset({"AUTO", "MULTI", "HETERO", "BATCH"})


@cache
def openvino_core() -> ov.Core:
    """OpenVINO, once for the process.

    The CPU plugin installs a stack for signal handlers with each core, and frees it with the core.
    Cores that are not freed in reverse order leave a freed stack installed: the next Ctrl-C would
    end the process in a segmentation fault (OpenVINO 2026.4).
    """
    return ov.Core()


def available_devices() -> dict[str, str]:
    """OpenVINO's devices on this machine: device string → full name."""
    core = openvino_core()
    return {name: core.get_property(name, "FULL_DEVICE_NAME") for name in core.available_devices}


def needs_static_shapes(device: str) -> bool:
    """Whether graphs for ``device`` ("NPU", "GPU.1", …) may leave no dimension open."""
    return device.split(".")[0] in _STATIC_DEVICES


def choose_precision(core: ov.Core, device: str, wanted: Precision | None) -> Precision:
    """The precision to compile for: ``wanted``, or the fastest that ``device`` computes natively.

    Where OpenVINO chooses among devices (AUTO …), the one that all of them have: f32.

    Raises:
        DeviceError: the device is not there, or does not compute in ``wanted``.
    """
    base = device.split(":")[0].split(".")[0]
    names = core.available_devices
    if wanted is not None and wanted not in _CAPABILITIES:
        raise DeviceError(f"precision is one of {', '.join(_CAPABILITIES)}, got {wanted!r}.")
    if base in _META_DEVICES:
        return wanted or "f32"
    physical = next((n for n in names if n == device or n.split(".")[0] == device), None)
    if physical is None:
        raise DeviceError(
            f"There is no device {device!r} here. Available: {', '.join(names)}, or AUTO."
        )
    offered = set(core.get_property(physical, "OPTIMIZATION_CAPABILITIES"))
    if wanted is None:
        fastest_first: tuple[Precision, ...] = ("bf16", "f16") if base == "CPU" else ("f16", "bf16")
        return next((p for p in fastest_first if _CAPABILITIES[p] in offered), "f32")
    if wanted != "f32" and _CAPABILITIES[wanted] not in offered:
        raise DeviceError(
            f"{device} does not compute in {wanted}; it offers {', '.join(sorted(offered))}. "
            "Leave precision out to take its best."
        )
    return wanted
