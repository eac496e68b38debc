"""A cache of the test's own, a hub on 127.0.0.1, and a converter that needs no torch."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

from sam2ov.zoo import checkpoints, conversion
from sam2ov.zoo.catalogue import list_models
from tests.hub_server import HubServer, hub_server

NAME = "sam2.1-hiera-tiny"
FILE = "sam2.1_hiera_tiny.pt"
CONTENT = hashlib.shake_256(b"a checkpoint").digest(1_500_000)
ROOT = Path(conversion.__file__).parents[2]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SAM2OV_CACHE", os.fspath(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", os.fspath(tmp_path / "hub"))
    return folder


@pytest.fixture
def converter_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in converter is used; the file it gets a line in for each run."""
    log = tmp_path / "converter.log"
    monkeypatch.setenv("FAKE_CONVERT_LOG", os.fspath(log))
    monkeypatch.setattr(conversion, "CONVERTER", "tests.fake_convert")
    return log


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with one checkpoint."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN_ATTEMPTS", 0.01)
    with hub_server({f"facebook/{NAME}/{FILE}": CONTENT}) as server:
        use_endpoint(server.endpoint, monkeypatch)
        yield server
        huggingface_hub.close_session()


def use_endpoint(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT does when the hub library is imported."""
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def placed(cache: Path) -> Path:
    """The checkpoint, put into the cache by hand."""
    path = cache / "checkpoints" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


def run_count(log: Path) -> int:
    """How often the stand-in converter ran."""
    return len(log.read_text().splitlines()) if log.exists() else 0


def status_of(name: str) -> str:
    """Of a model with a name."""
    return next(entry.status for entry in list_models() if entry.name == name)


def left_in_cache(cache: Path) -> list[str]:
    """What lies beside whole models and whole checkpoints."""
    names = (path.name for path in (*cache.glob("models/*"), *cache.glob("checkpoints/*")))
    return sorted(name for name in names if name not in (NAME, FILE))
