"""``python -m convert.probe DEVICE PRECISION MICRO``: how fast networks run here.

Measuring every architecture would take minutes. What is run are references: for each kind of trunk
a model with a few blocks and a single layer of memory attention, at the full input size and with a
full memory bank; and the bundled model whole. Other models take as much longer as they multiply
more, which ``sam2ov.zoo.speed`` reckons. Weights are made up and nothing is written: the graphs
stay in memory.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import openvino as ov
import typer

from convert.architecture import Architecture, Hiera, PlainViT, RepViT
from convert.export import BUILDERS
from convert.official import OFFICIAL
from convert.ops import FloatArray
from convert.shapes import expected_shapes
from convert.weights import Weights
from sam2ov.graph_files import graph_file
from sam2ov.manifest import NetworkName, read_manifest

PROBED: Final[tuple[NetworkName, ...]] = (
    "image_encoder",
    "memory_attention",
    "mask_decoder",
    "memory_encoder",
)
"""What every tracked frame runs."""

NETWORKS: Final[Mapping[str, tuple[NetworkName, ...]]] = {
    "hiera": PROBED,
    "repvit": ("image_encoder", "memory_attention", "memory_encoder"),
    "plain": ("image_encoder", "memory_attention"),
}
"""Those of each reference that no other one has."""

_MOST_RUNS: Final = 3
_ENOUGH_SECONDS: Final = 0.5
"""A network is run once to prepare things, then until this is spent; the fastest run is told."""
_IMAGE_SIZE: Final = 1024
_POINTERS: Final = 16
_PROMPT_TOKENS: Final = 2
_NICENESS: Final = 5
_MOST_INTERRUPTIONS: Final = 25
"""A second; an idle machine interrupts a run less often."""
_NOISE: Final = np.random.default_rng(0).standard_normal(1 << 18).astype(np.float32)

_TYPES: Final = {"f32": ov.Type.f32, "bf16": ov.Type.bf16, "f16": ov.Type.f16}


# One for the process: see ``sam2ov.engine.devices.openvino_core``.
_core = cache(ov.Core)


def references() -> dict[str, Architecture]:
    """What is measured, by name: published models with fewer blocks and layers."""
    hiera = Hiera(96, 1, (1, 1, 2, 1), (8, 4, 14, 7), global_blocks=(3,), background=7)
    repvit = RepViT(widths=(48, 96, 192, 384), depths=(1, 1, 4, 1))
    plain = PlainViT(192, 3, 3, window=14, global_blocks=(2,), pretrained_grid=14)
    return {
        "hiera": _shortened("sam2.1_hiera_t", trunk=hiera),
        "repvit": _shortened("edgetam", trunk=repvit),
        "plain": _shortened("efficienttam_ti_2", trunk=plain),
    }


def _shortened(name: str, trunk: Hiera | RepViT | PlainViT) -> Architecture:
    whole = OFFICIAL[name]
    one_layer = replace(whole.memory_attention, layers=1)
    return replace(whole, name=f"{name}, shortened", trunk=trunk, memory_attention=one_layer)


def made_up_weights(architecture: Architecture) -> Weights:
    """Values of the right scale for every tensor: one piece of noise again and again."""
    shapes = expected_shapes(architecture)
    return Weights({name: _made_up(name, shape) for name, shape in shapes.items()})


def _made_up(name: str, shape: tuple[int, ...]) -> FloatArray:
    if name.endswith("running_var"):
        return np.ones(shape, np.float32)
    scale = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.1
    return np.resize(_NOISE * np.float32(scale), shape)


def measure(
    graph: ov.Model, device: str, precision: str, sizes: Mapping[str, tuple[int, ...]]
) -> float:
    """Seconds of one run of a graph with one object.

    Args:
        graph: of a network.
        device: an OpenVINO device string.
        precision: inside the graph.
        sizes: of those inputs that leave more than the number of objects open.
    """
    config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": _TYPES[precision]}
    compiled = _core().compile_model(graph, device, config)
    inputs = {port.get_any_name(): _input(port, sizes) for port in compiled.inputs}
    request = compiled.create_infer_request()
    # Where the CPU only waits for another device, the clock alone counts.
    threads = compiled.get_property("INFERENCE_NUM_THREADS") if device == "CPU" else None
    request.infer(inputs, share_inputs=True)
    seconds: list[float] = []
    while len(seconds) < _MOST_RUNS and sum(seconds) < _ENOUGH_SECONDS:
        seconds.append(_seconds_of(lambda: request.infer(inputs, share_inputs=True), threads))
    return min(seconds)


def _seconds_of(run: Callable[[], object], threads: int | None) -> float:
    """What a run takes, or would take if others left it the processor.

    Where the system takes the processor away again and again, the clock tells of those who use it
    meanwhile: what the threads computed counts then.
    """
    interrupted, started, computed = _interruptions(), time.perf_counter(), time.process_time()
    run()
    seconds, computed = time.perf_counter() - started, time.process_time() - computed
    if threads and _interruptions() - interrupted > _MOST_INTERRUPTIONS * max(seconds, 0.1):
        return min(seconds, computed / threads)
    return seconds


def _interruptions() -> int:
    """How often other processes took this one's place; 0 on Windows, which does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _input(port: Any, sizes: Mapping[str, tuple[int, ...]]) -> Any:
    return np.resize(_NOISE, shape_of(port, sizes)).astype(port.get_element_type().to_dtype())


def shape_of(port: Any, sizes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of an input for one object; ``sizes`` as in ``measure``."""
    return sizes.get(port.get_any_name()) or tuple(
        dimension.get_length() if dimension.is_static else 1 for dimension in port.partial_shape
    )


def sizes_with_bank(
    memories: int, memory_tokens: int, mem_dim: int, hidden_dim: int
) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs that grow with the memory bank or the prompts, for one object."""
    return {
        "memory": (1, memories, memory_tokens, mem_dim),
        "memory_tpos": (1, memories, mem_dim),
        "pointers": (1, _POINTERS, hidden_dim),
        "pointer_tpos": (1, _POINTERS, mem_dim),
        "sparse": (1, _PROMPT_TOKENS, hidden_dim),
    }


def measured_references(
    device: str, precision: str, image_size: int = _IMAGE_SIZE
) -> Iterator[tuple[str, NetworkName, float]]:
    """Name, network and seconds of each network of the references; arguments as of ``measure``."""
    for name, short in references().items():
        reference = short.at(image_size)
        weights = made_up_weights(reference)
        sizes = sizes_with_bank(
            reference.num_maskmem,
            reference.memory_tokens,
            reference.mem_dim,
            reference.hidden_dim,
        )
        for network in NETWORKS[name]:
            graph = BUILDERS[network](reference, weights)
            yield name, network, measure(graph, device, precision, sizes)


def measured_folder(
    folder: Path, device: str, precision: str
) -> Iterator[tuple[NetworkName, float]]:
    """Network and seconds of each network of a model folder, at the size it was trained at."""
    manifest = read_manifest(folder)
    sizes = sizes_with_bank(
        manifest.num_maskmem, manifest.memory_tokens, manifest.mem_dim, manifest.hidden_dim
    )
    for network in PROBED:
        with graph_file(folder, manifest, network) as xml:
            graph = _core().read_model(xml, folder / manifest.weights_file.file)
            yield network, measure(graph, device, precision, sizes)


def probe(
    device: Annotated[str, typer.Argument(help="An OpenVINO device string.")],
    precision: Annotated[Literal["f32", "bf16", "f16"], typer.Argument(help="Inside the graphs.")],
    micro: Annotated[Path, typer.Argument(help="The bundled model, which is measured whole.")],
) -> None:
    """Print a line of JSON for each network of each reference: its seconds for a frame."""
    with suppress(AttributeError, OSError):  # not on Windows, and not everywhere allowed
        os.nice(_NICENESS)
    whole = (("micro", *found) for found in measured_folder(micro, device, precision))
    for found in (whole, measured_references(device, precision)):
        for reference, network, seconds in found:
            line = {"reference": reference, "network": network, "seconds": seconds}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    typer.run(probe)
