"""The probe of this machine's speed: what it runs, and that its costs are those of the graphs."""

import time
from collections.abc import Mapping
from pathlib import Path

import openvino as ov
import pytest

from convert import probe
from convert.architecture import Architecture
from convert.export import BUILDERS
from convert.official import OFFICIAL
from sam2ov.bench.device import count_flops
from sam2ov.engine.networks import read_graph
from sam2ov.manifest import NetworkName, read_manifest
from sam2ov.zoo.catalogue import BUNDLED_NAME, resolve_model
from sam2ov.zoo.network_costs import COSTED, REFERENCES

Shapes = Mapping[str, tuple[int, ...]]


def billions(graph: ov.Model, sizes: Shapes) -> float:
    shapes = {port.get_any_name(): probe.shape_of(port, sizes) for port in graph.inputs}
    return count_flops(graph, shapes) / 1e9


def counted(architecture: Architecture, network: NetworkName, memories: int) -> float:
    sizes = probe.sizes_with_bank(
        memories, architecture.memory_tokens, architecture.mem_dim, architecture.hidden_dim
    )
    weights = probe.made_up_weights(architecture)
    return billions(BUILDERS[network](architecture, weights), sizes)


@pytest.mark.parametrize(
    ("name", "size", "memories"),
    [
        ("sam2.1_hiera_t", 512, 2),
        ("edgetam", 512, 3),
        ("efficienttam_ti_2", 512, 7),
        ("efficienttam_s_512x512", 256, 2),
    ],
)
def test_costs_are_those_of_the_graphs(name: str, size: int, memories: int) -> None:
    costs = COSTED[name].at[size]
    architecture = OFFICIAL[name].at(size)
    for network in probe.PROBED:
        expected = counted(architecture, network, memories)
        assert costs.of(network, memories) == pytest.approx(expected, rel=2e-3), network


@pytest.mark.parametrize("name", ["hiera", "repvit", "plain"])
def test_costs_of_the_references_are_those_of_their_graphs(name: str) -> None:
    reference = probe.references()[name]
    for network in probe.NETWORKS[name]:
        expected = counted(reference, network, 7)
        assert REFERENCES[name].of(network, 7) == pytest.approx(expected, rel=2e-3), network  # type: ignore[index]


def test_costs_of_the_bundled_model_are_those_of_its_graphs() -> None:
    folder = resolve_model(BUNDLED_NAME)
    manifest = read_manifest(folder)
    for size in manifest.sizes:
        at = manifest.at(size.image_size)
        sizes = probe.sizes_with_bank(3, at.memory_tokens, at.mem_dim, at.hidden_dim)
        for network in probe.PROBED:
            expected = billions(read_graph(folder, at, network), sizes)
            costs = COSTED[BUNDLED_NAME].at[size.image_size]
            assert costs.of(network, 3) == pytest.approx(expected, rel=2e-3)


def test_every_published_architecture_has_costs() -> None:
    assert COSTED.keys() == {*OFFICIAL, BUNDLED_NAME}


def test_references_run_at_a_small_size() -> None:
    found = list(probe.measured_references("CPU", "f32", image_size=256))
    assert [(name, network) for name, network, _ in found] == [
        (name, network) for name, networks in probe.NETWORKS.items() for network in networks
    ]
    assert all(0 < seconds < 60 for _, _, seconds in found)


def test_the_bundled_model_is_measured_whole(capsys: pytest.CaptureFixture[str]) -> None:
    found = dict(probe.measured_folder(Path(resolve_model(BUNDLED_NAME)), "CPU", "f32"))
    assert tuple(found) == probe.PROBED
    assert all(0 < seconds < 60 for seconds in found.values())
    assert capsys.readouterr().out == ""


def test_others_on_the_processor_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def spun() -> None:
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
        time.sleep(0.3)  # as if others computed

    interruptions = iter([0, 1000, 1000, 1001])
    monkeypatch.setattr(probe, "_interruptions", lambda: next(interruptions))
    assert probe._seconds_of(spun, threads=1) == pytest.approx(0.05, abs=0.04)
    assert probe._seconds_of(spun, threads=1) > 0.3, "waiting by itself counts"
