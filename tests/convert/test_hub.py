"""From a model's name to a converted folder, with the real converter and a hub on 127.0.0.1."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

from convert.random_checkpoint import make_checkpoint
from sam2ov.errors import CancelledError, CheckpointError
from sam2ov.manifest import NETWORK_NAMES, read_manifest, sha256_of, verify_files
from sam2ov.progress import Progress
from sam2ov.zoo import catalogue
from sam2ov.zoo.catalogue import list_models, resolve_model
from sam2ov.zoo.checkpoints import _CHUNK_BYTES
from tests.hub_server import HubServer, hub_server

NAME = "sam2.1-hiera-tiny"
FILE = "sam2.1_hiera_tiny.pt"
SIZE = 128
"""Model input in pixels: the smaller, the faster these conversions."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the official tiny configuration, with random weights."""
    path = tmp_path_factory.mktemp("checkpoint") / FILE
    make_checkpoint("sam2.1_hiera_t", path)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SAM2OV_CACHE", os.fspath(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", os.fspath(tmp_path / "hub"))
    return folder


@pytest.fixture
def hub(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with hub_server({f"facebook/{NAME}/{FILE}": checkpoint.read_bytes()}) as server:
        template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.endpoint)
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield server
        huggingface_hub.close_session()


@pytest.fixture
def placed(cache: Path, checkpoint: Path) -> Path:
    """The checkpoint, put into the cache by hand."""
    path = cache / "checkpoints" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(checkpoint.read_bytes())
    return path


def _left(cache: Path) -> list[str]:
    return [path.name for path in (cache / "models").iterdir()]


def test_first_use_downloads_and_converts_and_the_second_does_nothing(
    hub: HubServer, cache: Path, checkpoint: Path
) -> None:
    seen: list[Progress] = []
    folder = resolve_model(NAME, image_sizes=(SIZE,), progress=seen.append)

    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    assert (manifest.name, manifest.family, manifest.image_size) == (NAME, "sam2.1", SIZE)
    assert manifest.source.sha256 == sha256_of(checkpoint)
    assert manifest.source.config == "sam2.1_hiera_t"
    steps = [step for step in seen if step.unit == "items"]
    assert set(NETWORK_NAMES) <= {step.stage for step in steps}
    assert steps[-1].done == steps[-1].total
    assert _left(cache) == [folder.name]

    hub.requests.clear()
    seen.clear()
    assert resolve_model(NAME, image_sizes=(SIZE,), progress=seen.append) == folder
    assert (hub.requests, seen) == ([], [])


def test_an_interrupted_download_is_resumed_and_converted(hub: HubServer, checkpoint: Path) -> None:
    half = checkpoint.stat().st_size // 2
    hub.cut_after = [half]
    folder = resolve_model(NAME, image_sizes=(SIZE,))
    first, second = hub.content_ranges
    assert first is None
    assert second is not None
    # What arrived after the last whole chunk is asked for again.
    kept = int(second.removeprefix("bytes=").removesuffix("-"))
    assert half - _CHUNK_BYTES < kept <= half
    assert read_manifest(folder).source.sha256 == sha256_of(checkpoint)


def test_a_truncated_checkpoint_is_named(placed: Path, cache: Path) -> None:
    placed.write_bytes(placed.read_bytes()[:1_000_000])
    with pytest.raises(CheckpointError, match=rf"{FILE}.* Delete .*{FILE} to fetch it again"):
        resolve_model(NAME, image_sizes=(SIZE,))
    assert _left(cache) == []


@pytest.mark.usefixtures("placed")
def test_a_cancelled_conversion_leaves_nothing(cache: Path) -> None:
    seen: list[str] = []
    with pytest.raises(CancelledError):
        resolve_model(
            NAME,
            image_sizes=(SIZE,),
            progress=lambda step: seen.append(step.stage),
            cancel=lambda: "prompt_encoder" in seen,
        )
    assert _left(cache) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.usefixtures("placed")
def test_a_process_killed_while_converting_leaves_no_folder_that_counts(cache: Path) -> None:
    program = (
        "from sam2ov.zoo.catalogue import resolve_model\n"
        f"resolve_model({NAME!r}, progress=lambda step: print(step.stage, flush=True))"
    )
    root = Path(catalogue.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for stage in process.stdout:
            if stage.strip() == "prompt_encoder":
                os.killpg(process.pid, signal.SIGKILL)  # with the converter that it started
    assert process.returncode == -signal.SIGKILL
    assert next(entry for entry in list_models() if entry.name == NAME).status == "available"
    assert _left(cache) != []

    folder = resolve_model(NAME)
    verify_files(folder, read_manifest(folder))
    assert read_manifest(folder).image_sizes == (1024, 512)
    assert _left(cache) == [folder.name]
