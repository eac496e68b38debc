"""Graphs that share one file of weights: written once, read back, and refused when hostile."""

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from sam2ov.engine.devices import openvino_core
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.networks import read_graph
from sam2ov.errors import ModelError, ModelFolderError
from sam2ov.graph_files import GraphWriter, graph_file, read_xml
from sam2ov.manifest import read_manifest
from tests.fake_convert import write_model_folder

GRAPH = "mask_decoder-384.xml.gz"


@pytest.fixture
def folder(micro_model: Path, tmp_path: Path) -> Path:
    """A copy of the bundled model."""
    return shutil.copytree(micro_model, tmp_path / "model")


def saved(folder: Path, *weights: np.ndarray) -> tuple[bytes, Path]:
    """An IR that adds constants [4] to its input, as ``GraphWriter.add`` takes it."""
    x = y = ops.parameter([4], np.float32, name="x")
    for each in weights:
        y = ops.add(y, ops.constant(each.astype(np.float32)))
    folder.mkdir()
    ov.save_model(ov.Model([y], [x], "graph"), folder / "graph.xml", compress_to_fp16=False)
    return (folder / "graph.xml").read_bytes(), folder / "graph.bin"


def test_equal_constants_lie_in_the_file_once(tmp_path: Path) -> None:
    a, b, c = (np.full(4, value) for value in (1, 2, 3))
    (tmp_path / "out").mkdir()
    with GraphWriter(tmp_path / "out") as graphs:
        graphs.add("mask_decoder", 64, *saved(tmp_path / "1", a, b, a))
        graphs.add("mask_decoder", 32, *saved(tmp_path / "2", b, c))
        written = graphs.complete()
    assert written.file == "weights.bin"
    content = (tmp_path / "out" / "weights.bin").read_bytes()
    assert [content[at : at + 16] for at in (0, 64, 128)] == [
        each.astype(np.float32).tobytes() for each in (a, b, c)
    ]
    assert len(content) == 128 + 16, "aligned to 64 bytes"
    for size, expected in ((64, 4), (32, 5)):
        xml = gzip.decompress((tmp_path / "out" / f"mask_decoder-{size}.xml.gz").read_bytes())
        (tmp_path / "graph.xml").write_bytes(xml)
        graph = openvino_core().read_model(tmp_path / "graph.xml", tmp_path / "out" / "weights.bin")
        (found,) = openvino_core().compile_model(graph, "CPU")([np.zeros(4, np.float32)]).values()
        np.testing.assert_array_equal(found, np.full(4, expected))


def test_a_graph_without_constants(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with GraphWriter(tmp_path / "out") as graphs:
        graphs.add("mask_decoder", 64, *saved(tmp_path / "1"))
        graphs.complete()
    assert (tmp_path / "out" / "weights.bin").read_bytes() == b""


def test_constants_that_are_told_otherwise_are_not_moved(tmp_path: Path) -> None:
    xml, weights = saved(tmp_path / "1", np.ones(4))
    (tmp_path / "out").mkdir()
    with (
        GraphWriter(tmp_path / "out") as graphs,
        pytest.raises(ModelFolderError, match="does not say where constants are as OpenVINO does"),
    ):
        graphs.add("mask_decoder", 64, xml.replace(b'offset="0"', b"offset='0'"), weights)


def test_equal_graphs_give_equal_files(tmp_path: Path) -> None:
    graph = saved(tmp_path / "1", np.ones(4), np.arange(4))
    for out in ("first", "second"):
        (tmp_path / out).mkdir()
        with GraphWriter(tmp_path / out) as graphs:
            spec = graphs.add("mask_decoder", 64, *graph)
        os.utime(tmp_path / out / spec.file, (0, 0))
    for name in ("mask_decoder-64.xml.gz", "weights.bin"):
        first, second = ((tmp_path / out / name).read_bytes() for out in ("first", "second"))
        assert first == second


def test_a_second_size_of_the_bundled_model_costs_little(micro_model: Path) -> None:
    manifest = read_manifest(micro_model)
    small = manifest.at(256)
    graphs = sum((micro_model / spec.graph.file).stat().st_size for spec in small.networks.values())
    own = _constants(micro_model, 256) - _constants(micro_model, 384)
    assert graphs < 60_000
    assert sum(size for _, size in own) < 100_000
    assert len(own) < 0.2 * len(_constants(micro_model, 384))


def _constants(folder: Path, size: int) -> set[tuple[int, int]]:
    """Where the constants of all graphs of a size lie: offset and size."""
    manifest = read_manifest(folder).at(size)
    return {
        (int(offset), int(length))
        for name in manifest.networks
        for offset, length in re.findall(
            rb'offset="(\d+)" size="(\d+)"', read_xml(folder, manifest, name)
        )
    }


def change(folder: Path, edit: Callable[[bytes], bytes]) -> None:
    """Give the mask decoder other XML."""
    path = folder / GRAPH
    path.write_bytes(gzip.compress(edit(gzip.decompress(path.read_bytes()))))


def last_offset(xml: bytes, to: bytes) -> bytes:
    """The last constant elsewhere."""
    before, after = xml.rsplit(b'offset="', 1)
    return before + b'offset="' + to + after[after.index(b'"') :]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda xml: last_offset(xml, b"16251360"), "its weights at 16251360"),
        (lambda xml: last_offset(xml, b"18446744073709551552"), "is no place of a constant"),
        (lambda xml: last_offset(xml, b"-64"), "'-64' is no place of a constant"),
        (lambda xml: last_offset(xml, b"6_4"), "'6_4' is no place of a constant"),
        (lambda xml: xml.replace(b' size="32"', b"", 1), "'' is no place of a constant"),
        (
            lambda xml: xml.replace(b"<net", b'<!DOCTYPE net [<!ENTITY a "b">]><net', 1),
            "it declares a document type",
        ),
        (lambda xml: xml[:-100], "unclosed token"),
        (lambda xml: xml.decode().encode("utf-16"), "it is not in UTF-8"),
        (lambda xml: b"\0" * (1 << 26) + xml, "it unpacks to more than 64 MiB"),
    ],
)
def test_a_hostile_graph_is_refused_before_openvino_sees_it(
    folder: Path, edit: Callable[[bytes], bytes], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_model(*_: object) -> None:
        raise AssertionError("OpenVINO was asked")

    change(folder, edit)
    monkeypatch.setattr("sam2ov.engine.networks.openvino_core", read_model)
    with pytest.raises(ModelFolderError, match=why) as raised:
        read_graph(folder, read_manifest(folder), "mask_decoder")
    assert GRAPH in str(raised.value)
    assert "convert the checkpoint again" in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"no gzip", b"\x1f\x8b\x08\0truncated"])
def test_a_graph_that_does_not_unpack_is_refused(folder: Path, content: bytes) -> None:
    (folder / GRAPH).write_bytes(content)
    with pytest.raises(ModelFolderError, match=rf"{GRAPH} is damaged"):
        read_xml(folder, read_manifest(folder), "mask_decoder")


def test_shorter_weights_are_refused(folder: Path) -> None:
    with (folder / "weights.bin").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(ModelFolderError, match="its weights at 1000"):
        SAM2Model(folder)


def test_no_room_for_temporary_files_is_said(
    micro_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with (
        pytest.raises(ModelError, match=r"cannot be written to .*nowhere.*TMPDIR"),
        graph_file(micro_model, read_manifest(micro_model), "mask_decoder"),
    ):
        pass


def test_nothing_is_left_among_temporary_files(
    micro_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    read_graph(micro_model, read_manifest(micro_model), "mask_decoder")
    assert list(tmp_path.iterdir()) == []


READ = """
import sys
from pathlib import Path
from sam2ov.engine.devices import openvino_core
from sam2ov.graph_files import WEIGHTS_FILE, graph_file
from sam2ov.manifest import read_manifest

def private() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) << 10

folder = Path(sys.argv[1])
manifest = read_manifest(folder)
openvino_core()
before = private()
graphs = []
for size in (1024, 512):
    with graph_file(folder, manifest.at(size), "mask_decoder") as xml:
        graphs.append(openvino_core().read_model(xml, folder / WEIGHTS_FILE))
print((private() - before) / (folder / WEIGHTS_FILE).stat().st_size)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc is Linux's")
def test_weights_are_mapped_however_many_graphs_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_model_folder(folder, image_sizes=(1024, 512))
    graph = saved(tmp_path / "1", np.ones((1 << 21, 4)))  # 32 MiB
    with GraphWriter(folder) as graphs:
        for size in (1024, 512):
            graphs.add("mask_decoder", size, *graph)
    done = subprocess.run(
        [sys.executable, "-c", READ, folder], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 0.5, "copies would be twice the file"
