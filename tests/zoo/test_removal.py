"""Removing models: all that the cache holds of one, and nothing else."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sam2ov.errors import CancelledError, ModelNotFoundError
from sam2ov.zoo.catalogue import add_model, list_models, resolve_model
from sam2ov.zoo.removal import remove_model
from tests.hub_server import HubServer
from tests.zoo.conftest import CONTENT, NAME, ROOT, status_of

pytestmark = pytest.mark.usefixtures("cache", "converter_log")


def _files(cache: Path) -> set[str]:
    found = (path for path in cache.rglob("*") if path.is_file())
    return {os.fspath(path.relative_to(cache)) for path in found if "locks" not in path.parts}


def _bytes(cache: Path) -> int:
    return sum((cache / name).stat().st_size for name in _files(cache))


def test_a_published_model_goes_with_its_checkpoint_and_variants(placed: Path, cache: Path) -> None:
    (placed.parent / f"{placed.name}.{'0' * 16}.part").write_bytes(b"part")
    resolve_model(NAME)
    resolve_model(NAME, weights="f32")
    resolve_model(NAME, image_sizes=(768, 512))
    (cache / "models" / f"{NAME}-int8-0123456789ab").mkdir()
    there = _bytes(cache)
    assert remove_model(NAME) == there > len(CONTENT)
    assert _files(cache) == set()
    assert status_of(NAME) == "available"
    with pytest.raises(ModelNotFoundError, match=f"no model '{NAME}' in the cache"):
        remove_model(NAME)


def test_models_whose_names_begin_alike_stay(cache: Path) -> None:
    (cache / "checkpoints").mkdir(parents=True)
    for suffix in ("", "_1", "_512x512"):
        (cache / "checkpoints" / f"efficienttam_s{suffix}.pt").write_bytes(b"weights")
    for name in ("efficienttam-s", "efficienttam-s-1", "efficienttam-s-512"):
        resolve_model(name)
    remove_model("efficienttam-s")
    left = {path.name for path in (cache / "models").iterdir()}
    assert left == {"efficienttam-s-1", "efficienttam-s-512"}
    assert len([*(cache / "checkpoints").iterdir()]) == 2


def test_a_model_of_ones_own_goes_with_what_was_fetched_for_it(
    hub: HubServer, tmp_path: Path, cache: Path
) -> None:
    hub.files["me/birds/best.pt"] = CONTENT
    hub.files["me/birds/other.pt"] = CONTENT[::-1]
    add_model("hf:me/birds/best.pt", "birds")
    add_model("hf:me/birds/other.pt", "others")
    (tmp_path / "mine.pt").write_bytes(b"weights")
    add_model(tmp_path / "mine.pt")
    assert remove_model("birds") > len(CONTENT)
    remove_model("mine")
    assert (tmp_path / "mine.pt").is_file()
    assert [entry.name for entry in list_models() if entry.licence is None] == ["others"]
    assert {path.name for path in cache.rglob("*.pt")} == {"other.pt"}


@pytest.mark.parametrize(
    "name", ["micro", "..", "../checkpoints", "a/b", "", "own", "*", "x" * 500]
)
def test_nothing_else_is_touched(placed: Path, cache: Path, name: str) -> None:
    resolve_model(NAME)
    before = _files(cache)
    with pytest.raises(ModelNotFoundError, match="in the cache"):
        remove_model(name)
    assert _files(cache) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows wants rights to make links")
def test_what_a_link_in_the_cache_points_at_stays(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(b"weights")
    add_model(tmp_path / "mine.pt")
    elsewhere = tmp_path / "elsewhere"
    folder = resolve_model("mine").rename(elsewhere)
    (cache / "models" / "own" / "mine").symlink_to(elsewhere)
    remove_model("mine")
    assert (folder / "manifest.json").is_file()
    assert not (cache / "models" / "own" / "mine").exists()


def test_a_model_that_is_being_made_is_waited_for(placed: Path, cache: Path) -> None:
    program = (
        "from sam2ov.zoo import catalogue, conversion\n"
        "conversion.CONVERTER = 'tests.fake_convert'\n"
        f"catalogue.resolve_model({NAME!r})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"FAKE_CONVERT": "hang"}
    ) as other:
        while not any(cache.glob("models/.*/*/half-written.bin")):
            assert other.poll() is None
            time.sleep(0.02)
        with pytest.raises(CancelledError, match=f"Waiting for {NAME}"):
            remove_model(NAME, cancel=lambda: True)
        other.kill()
    assert placed.is_file()
