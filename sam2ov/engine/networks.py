"""Graphs of a model folder to networks that run: read, compiled, cached, one caller at a time."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy.typing as npt
import openvino as ov

from sam2ov.engine.devices import OPENVINO_TYPES, Precision, choose_precision, openvino_core
from sam2ov.errors import DeviceError, ModelError, ModelFolderError
from sam2ov.graph_files import graph_file
from sam2ov.locks import Rank, new_lock
from sam2ov.manifest import Manifest, NetworkName, NetworkSpec
from sam2ov.values.masks import FloatArray

# A bank fills up in 16 frames (its pointers); objects that join later pass through other shapes.
_REQUESTS_PER_NETWORK = 32

_Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class NetworkUsage:
    """What a network has done since it was loaded.

    Attributes:
        calls: how often it ran.
        seconds: how long that took, without waiting for its turn.
        shapes: of its inputs at the latest call, by name.
    """

    calls: int
    seconds: float
    shapes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Compiler:
    """Graphs to requests, for one device.

    Attributes:
        device: an OpenVINO device string.
        precision: inside the graphs, but for those that need f32.
        cache_dir: where OpenVINO keeps compiled graphs; None keeps none.
        threads: of the CPU that a network computes with; None for all.
    """

    device: str
    precision: Precision
    cache_dir: Path | None
    threads: int | None = None

    @classmethod
    def for_device(
        cls,
        device: str,
        wanted: Precision | None,
        cache_dir: Path | None,
        threads: int | None = None,
    ) -> Self:
        """For a device of this machine, in ``wanted`` or the best that it has.

        Raises:
            DeviceError: the device is not there, or does not compute in ``wanted``.
        """
        precision = choose_precision(openvino_core(), device, wanted)
        return cls(device, precision, cache_dir, threads)

    def request(
        self, graph: ov.Model, name: NetworkName, *, needs_f32: bool = False
    ) -> ov.InferRequest:
        """Compile a graph, or take it from the cache.

        Args:
            graph: as read, perhaps reshaped.
            name: for errors.
            needs_f32: whatever the precision is.

        Raises:
            DeviceError: the device cannot run it.
        """
        hint = "f32" if needs_f32 else self.precision
        config: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": OPENVINO_TYPES[hint],
        }
        if self.threads is not None and self.device == "CPU":
            config["INFERENCE_NUM_THREADS"] = self.threads
        if self.cache_dir is not None:
            config["CACHE_DIR"] = str(self.cache_dir)
        try:
            compiled = openvino_core().compile_model(graph, self.device, config)
            return compiled.create_infer_request()
        except RuntimeError as error:
            raise DeviceError(
                f"OpenVINO cannot compile {name} for {self.device} in {hint}: "
                f'{_first_line(error)}. Try device="CPU" or another precision.'
            ) from error


def read_graph(folder: Path, manifest: Manifest, name: NetworkName) -> ov.Model:
    """Read a graph of a model folder; its constants are mapped from the weights.

    Args:
        folder: a model folder.
        manifest: of that folder, at the input size that is wanted.
        name: which graph.

    Raises:
        ModelFolderError: its files are missing or damaged.
    """
    with graph_file(folder, manifest, name) as xml:
        try:
            graph = openvino_core().read_model(xml, folder / manifest.weights_file.file)
            _require_ports(graph, manifest.networks[name])
        except (RuntimeError, ValueError) as error:
            raise ModelFolderError(
                f"{folder / manifest.networks[name].graph.file} cannot be read by OpenVINO "
                f"({_first_line(error)}). Delete the folder and convert the checkpoint again."
            ) from error
    return graph


def _graph_for_floats(folder: Path, manifest: Manifest, name: NetworkName) -> ov.Model:
    """A graph as ``read_graph`` gives it, that takes pictures of 0 to 255 in float32.

    So whole values come in as before, and what resizing makes of them needs no rounding.
    """
    graph = read_graph(folder, manifest, name)
    pictures = [port for port in graph.inputs if port.get_element_type() == ov.Type.u8]
    for port in pictures:
        port.get_node().set_element_type(ov.Type.f32)
    if pictures:
        graph.validate_nodes_and_infer_types()
    return graph


def _require_ports(graph: ov.Model, spec: NetworkSpec) -> None:
    """Raise ValueError where a graph has other inputs or outputs than the manifest says."""
    for kind, ports, tensors in (
        ("input", graph.inputs, spec.inputs),
        ("output", graph.outputs, spec.outputs),
    ):
        named = {name: port for port in ports for name in port.get_names()}
        if len(ports) != len(tensors):
            raise ValueError(f"it has {len(ports)} {kind}s instead of {len(tensors)}")
        for tensor in tensors:
            if tensor.name not in named:
                raise ValueError(f"it has no {kind} {tensor.name}")
            port = named[tensor.name]
            shape = tuple(-1 if d.is_dynamic else d.get_length() for d in port.partial_shape)
            if (port.get_element_type().get_type_name(), shape) != (tensor.dtype, tensor.shape):
                raise ValueError(
                    f"its {kind} {tensor.name} is {port.get_element_type().get_type_name()} "
                    f"{list(shape)} instead of {tensor.dtype} {list(tensor.shape)}"
                )


class Network:
    """One graph behind a lock: a request for all shapes, or one for each.

    Args:
        compiler: for the device that it runs on.
        folder: a model folder.
        manifest: of that folder, at the input size that is wanted.
        name: which of its networks.
        static_shapes: compile for each shape of the inputs when it first comes.

    Raises:
        ModelFolderError: its files are missing or damaged.
        DeviceError: the device cannot run it.
    """

    def __init__(
        self,
        compiler: Compiler,
        folder: Path,
        manifest: Manifest,
        name: NetworkName,
        *,
        static_shapes: bool,
    ) -> None:
        spec = manifest.networks[name]
        self._compiler = compiler
        self._name = name
        self._folder = folder
        self._needs_f32 = spec.needs_f32
        self._read = partial(_graph_for_floats, folder, manifest, name)
        self._by_shape = static_shapes and any(-1 in tensor.shape for tensor in spec.inputs)
        self._requests: OrderedDict[_Shapes, ov.InferRequest] = OrderedDict()
        if not self._by_shape:
            self._requests[()] = self._compiled(self._read())
        self._outputs = tuple(output.name for output in spec.outputs)
        self._lock = new_lock(Rank.NETWORK)
        self.usage = NetworkUsage(0, 0.0, {})

    def infer(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, FloatArray]:
        """Run it on inputs by name, pictures in float32; gives copies of its outputs, float32.

        Raises:
            ModelError: the graph does not run, or memory is short.
        """
        with self._lock:
            started = time.perf_counter()
            request = self._request_for(inputs)
            try:
                request.infer(dict(inputs), share_inputs=True)
                # The request overwrites its tensors at the next call.
                outputs = {name: request.get_tensor(name).data.copy() for name in self._outputs}
            except RuntimeError as error:
                raise ModelError(
                    f"OpenVINO cannot run {self._name} of {self._folder} on "
                    f"{self._compiler.device}: {_first_line(error)}. Free memory if there is "
                    "little; if not, delete the folder and convert the checkpoint again."
                ) from error
            self.usage = NetworkUsage(
                self.usage.calls + 1,
                self.usage.seconds + time.perf_counter() - started,
                {name: tensor.shape for name, tensor in inputs.items()},
            )
            return outputs

    def _request_for(self, inputs: Mapping[str, npt.NDArray[Any]]) -> ov.InferRequest:
        if not self._by_shape:
            return self._requests[()]
        shapes = tuple(tensor.shape for tensor in inputs.values())
        if shapes not in self._requests:
            graph = self._read()
            try:
                graph.reshape({name: list(tensor.shape) for name, tensor in inputs.items()})
            except RuntimeError as error:
                raise ModelError(
                    f"OpenVINO cannot give {self._name} of {self._folder} inputs of {shapes}: "
                    f"{_first_line(error)}. Delete the folder and convert the checkpoint again."
                ) from error
            self._requests[shapes] = self._compiled(graph)
            if len(self._requests) > _REQUESTS_PER_NETWORK:
                self._requests.popitem(last=False)
        self._requests.move_to_end(shapes)
        return self._requests[shapes]

    def _compiled(self, graph: ov.Model) -> ov.InferRequest:
        return self._compiler.request(graph, self._name, needs_f32=self._needs_f32)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
