"""A Ray cluster of two nodes on this machine: equal to the local run, lost workers made good."""

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sam2ov.errors import DeviceError
from sam2ov.jobs.batch.cluster import Cluster
from sam2ov.jobs.batch.listing import Defaults, list_jobs
from sam2ov.jobs.batch.machine import Limits
from sam2ov.jobs.batch.place import FolderPlace, StorePlace
from sam2ov.jobs.batch.pool import Pool
from sam2ov.jobs.batch.run import run_batch
from tools.batch_endurance import contents

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Two nodes of one core each."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install sam2ov[ray]")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster as Nodes

        made = Nodes(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "object_store_memory": 100 << 20},
        )
        made.add_node(num_cpus=1, object_store_memory=100 << 20)
        ray.init(address=made.address, log_to_driver=False, logging_level="error")
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def local(clips: Path, defaults: Defaults, tmp_path: Path) -> dict[str, bytes]:
    """The results of this machine alone."""
    (tmp_path / "local").mkdir()
    place = FolderPlace(tmp_path / "local")
    pool = Pool(place, Limits(1, 1, 64 << 30), lambda: False)
    assert not run_batch(list_jobs(clips, defaults), place, pool).failed
    return contents(tmp_path / "local")


def test_a_cluster_gives_what_one_machine_gives(
    nodes: Any, clips: Path, defaults: Defaults, local: dict[str, bytes], tmp_path: Path
) -> None:
    (clips / "broken.mp4").write_bytes(b"no video")
    (clips / "broken.json").write_bytes((clips / "clip0.json").read_bytes())
    (tmp_path / "out").mkdir()
    place = StorePlace(f"file://{tmp_path / 'out'}")
    items = list_jobs(clips, defaults)
    summary = run_batch(items, place, Cluster(place, nodes.address, lambda: False))
    assert sorted(summary.done) == ["clip0", "clip1", "clip2"]
    assert "broken.mp4" in summary.failed["broken"]
    assert contents(tmp_path / "out") == local
    again = run_batch(items, place, Cluster(place, nodes.address, lambda: False))
    assert again.unchanged == 3


def test_a_lost_worker_is_made_good(
    nodes: Any, clips: Path, defaults: Defaults, local: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    place = FolderPlace(tmp_path / "out")
    killed: list[int] = []

    def kill_one(_summary: object, _running: object) -> None:
        busy = [] if killed else busy_workers()
        if busy:
            busy[0].kill()
            killed.append(busy[0].pid)

    items = list_jobs(clips, defaults)
    cluster = Cluster(place, nodes.address, lambda: False)
    summary = run_batch(items, place, cluster, look=kill_one)
    assert killed
    assert len(summary.done) == 3, summary.failed
    assert contents(tmp_path / "out") == local


def test_a_model_folder_goes_through_the_object_store(
    nodes: Any, clips: Path, defaults: Defaults, micro_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    place = FolderPlace(tmp_path / "out")
    settings = defaults.settings.model_copy(update={"model": str(micro_model)})
    item = list_jobs(clips, defaults)[0].model_copy(update={"settings": settings})
    summary = run_batch([item], place, Cluster(place, nodes.address, lambda: False))
    assert summary.done == ["clip0"], summary.failed


def busy_workers() -> list[psutil.Process]:
    """Ray's processes that track a clip now: each names itself after its task."""
    time.sleep(0.3)
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[:1] == ["ray::_track"]:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_cluster_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install sam2ov[ray]")
    if ray.is_initialized():
        ray.shutdown()
    with pytest.raises(DeviceError, match="no Ray cluster"):
        Cluster(FolderPlace(tmp_path), "127.0.0.1:1", lambda: False)
