"""A model folder as it is written: graph by graph, none of which stays in memory."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import openvino as ov

from convert.ops import FloatArray, name_nodes
from convert.storage import halve_weights
from sam2ov.graph_files import GraphWriter
from sam2ov.manifest import (
    CONSTANTS_FILE,
    MANIFEST_FILE,
    FileSpec,
    Manifest,
    NetworkName,
    NetworkSpec,
    TensorSpec,
    file_spec,
)

# Point coordinates go through a matrix product before the sine: 8 bits of mantissa would move
# them by pixels, and the network costs nothing.
_NEEDING_F32: Final[frozenset[NetworkName]] = frozenset({"prompt_encoder"})

_DTYPES: Final[dict[str, Literal["u8", "i32", "f32"]]] = {"u8": "u8", "i32": "i32", "f32": "f32"}


class FolderWriter:
    """Writes what ``sam2ov.manifest`` describes; equal inputs give equal files.

    Args:
        folder: an empty folder.
        weights: how large weights are stored.
    """

    def __init__(self, folder: Path, weights: Literal["f16", "f32"]) -> None:
        self._folder = folder
        self._weights = weights
        self._graphs = GraphWriter(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._graphs.close()

    def add(self, network: NetworkName, image_size: int, graph: ov.Model) -> NetworkSpec:
        """Write a graph, whose large constants are halved in place where weights are f16."""
        inputs = tuple(_tensor(port) for port in graph.inputs)
        outputs = tuple(_tensor(port) for port in graph.outputs)
        if self._weights == "f16":
            halve_weights(graph)
        name_nodes(graph)
        # Beside the others: a disk that is full here would be full there.
        with tempfile.TemporaryDirectory(dir=self._folder) as temporary:
            xml = Path(temporary) / "graph.xml"
            ov.save_model(graph, xml, compress_to_fp16=False)
            written = self._graphs.add(
                network, image_size, xml.read_bytes(), xml.with_suffix(".bin")
            )
        return NetworkSpec(
            graph=written, inputs=inputs, outputs=outputs, needs_f32=network in _NEEDING_F32
        )

    def weights_file(self) -> FileSpec:
        """The file of weights, complete after the last graph."""
        return self._graphs.complete()

    def constants(self, constants: Mapping[str, FloatArray]) -> FileSpec:
        """Write the learned parameters that stay outside the graphs."""
        path = self._folder / CONSTANTS_FILE
        np.savez(path, allow_pickle=False, **constants)
        return file_spec(path)

    def manifest(self, manifest: Manifest) -> None:
        """Write the manifest, which comes last."""
        (self._folder / MANIFEST_FILE).write_text(
            manifest.model_dump_json(indent=1, exclude_none=True), encoding="utf-8"
        )


def _tensor(port: Any) -> TensorSpec:
    return TensorSpec(
        name=port.get_any_name(),
        dtype=_DTYPES[port.get_element_type().to_string()],
        shape=tuple(
            dimension.get_length() if dimension.is_static else -1
            for dimension in port.get_partial_shape()
        ),
    )
