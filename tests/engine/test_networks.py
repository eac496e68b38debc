"""Compiled graphs: for all shapes or one each, and what is said if that fails."""

import gzip
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.engine.networks import Compiler, Network, read_graph
from sam2ov.errors import DeviceError, ModelFolderError
from sam2ov.manifest import NetworkName, read_manifest
from sam2ov.zoo.catalogue import resolve_model

Inputs = dict[str, npt.NDArray[Any]]


def network(name: NetworkName, *, static_shapes: bool = False) -> Network:
    """A network of the bundled model, for the processor in f32."""
    folder = resolve_model("micro")
    compiler = Compiler.for_device("CPU", "f32", None)
    return Network(compiler, folder, read_manifest(folder), name, static_shapes=static_shapes)


def points(count: int) -> Inputs:
    """Inputs of the prompt encoder: clicks on one object."""
    size = read_manifest(resolve_model("micro")).low_res_size
    return {
        "points": np.full((1, count, 2), 50, np.float32),
        "labels": np.ones((1, count), np.int32),
        "mask_logits": np.zeros((1, 1, size, size), np.float32),
        "has_mask": np.zeros(1, np.float32),
    }


@pytest.fixture(scope="module")
def prompt_encoder() -> Network:
    return network("prompt_encoder")


def test_answers_do_not_change_under_the_callers_hands(prompt_encoder: Network) -> None:
    inputs = points(2)
    first = prompt_encoder.infer(inputs)["sparse"]
    kept = first.copy()
    other = prompt_encoder.infer(inputs | {"points": inputs["points"] + 100})["sparse"]
    np.testing.assert_array_equal(first, kept)
    assert np.abs(other - first).max() > 0.1


def test_usage_tells_what_it_did(prompt_encoder: Network) -> None:
    before = prompt_encoder.usage
    prompt_encoder.infer(points(3))
    after = prompt_encoder.usage
    assert after.calls == before.calls + 1
    assert after.seconds > before.seconds
    assert after.shapes["points"] == (1, 3, 2)


def test_a_shape_is_compiled_once_and_dropped_last(
    prompt_encoder: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2ov.engine.networks._REQUESTS_PER_NETWORK", 2)
    compiled: list[int] = []
    request = Compiler.request

    def noted(self: Compiler, graph: Any, name: NetworkName, **options: bool) -> Any:
        compiled.append(graph.input("points").get_shape()[1])
        return request(self, graph, name, **options)

    monkeypatch.setattr(Compiler, "request", noted)
    fixed = network("prompt_encoder", static_shapes=True)
    assert compiled == [], "nothing is known of its shapes yet"
    for count in (1, 2, 1, 3, 1, 2):
        np.testing.assert_allclose(
            fixed.infer(points(count))["sparse"],
            prompt_encoder.infer(points(count))["sparse"],
            atol=1e-5,
        )
    assert compiled == [1, 2, 3, 2]


def test_a_damaged_graph_says_where_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(resolve_model("micro"), folder)
    (folder / "mask_decoder-384.xml.gz").write_bytes(gzip.compress(b"<net/>"))
    with pytest.raises(
        ModelFolderError, match=r"mask_decoder-384\.xml\.gz cannot be read by OpenVINO"
    ):
        read_graph(folder, read_manifest(folder), "mask_decoder")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'names="sparse"', b'names="spares"', "it has no output sparse"),
        (b'names="labels"', b'names="label"', "it has no input labels"),
    ],
)
def test_a_graph_with_other_ports_than_the_manifest_says(
    tmp_path: Path, old: bytes, new: bytes, said: str
) -> None:
    folder = shutil.copytree(resolve_model("micro"), tmp_path / "model")
    path = folder / "prompt_encoder-384.xml.gz"
    xml = gzip.decompress(path.read_bytes())
    assert old in xml
    path.write_bytes(gzip.compress(xml.replace(old, new)))
    with pytest.raises(ModelFolderError, match=r"prompt_encoder-384.*cannot be read") as caught:
        read_graph(folder, read_manifest(folder), "prompt_encoder")
    assert said in str(caught.value)


def test_a_graph_that_does_not_compile_says_for_what() -> None:
    folder = resolve_model("micro")
    graph = read_graph(folder, read_manifest(folder), "mask_decoder")
    elsewhere = Compiler("GPU.7", "f16", None)
    with pytest.raises(DeviceError, match=r"cannot compile mask_decoder for GPU\.7 in f16: .*Try"):
        elsewhere.request(graph, "mask_decoder")
