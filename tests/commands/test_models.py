"""``sam2ov models``: adding and removing, with a converter that stands in."""

import json
import os
from pathlib import Path

import pytest

from sam2ov.zoo import conversion, speed
from sam2ov.zoo.network_costs import REFERENCES
from sam2ov.zoo.speed import Pace
from tests.commands.conftest import Run

NETWORKS = ("image_encoder", "memory_attention", "mask_decoder", "memory_encoder")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in runs, and the cache is the test's own."""
    monkeypatch.setenv("SAM2OV_CACHE", os.fspath(tmp_path / "cache"))
    monkeypatch.setattr(conversion, "CONVERTER", "tests.fake_convert")
    return tmp_path / "cache"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "Birds.pt"
    path.write_bytes(b"weights")
    return path


def test_a_model_of_ones_own_comes_and_goes(run: Run, checkpoint: Path, cache: Path) -> None:
    added = run("models", "add", checkpoint, "--config", "sam2.1_hiera_s")
    assert (added.exit_code, added.stdout) == (0, "birds\n"), added.output
    assert "Done: 2 of 2" in added.stderr
    assert "birds" in run("models").stdout.splitlines()[-1].split()
    last = json.loads(run("models", "--json").stdout)[-1]
    assert (last["name"], last["status"], last["licence"]) == ("birds", "cached", None)
    assert Path(last["path"]).is_relative_to(cache)
    removed = run("models", "remove", "birds")
    assert (removed.exit_code, removed.stdout) == (0, "")
    assert removed.stderr == "birds is removed; 0 MB are free again.\n"
    assert "birds" not in run("models").stdout


def test_a_name_may_be_chosen(run: Run, checkpoint: Path) -> None:
    assert run("models", "add", checkpoint, "--name", "mine").stdout == "mine\n"
    taken = run("models", "add", checkpoint, "--name", "mine")
    assert taken.exit_code == 1
    assert "There is a model mine already" in taken.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "gone.pt"), "Error: There is no checkpoint at 'gone.pt'. Give a file"),
        (("add", "hf:../x"), "Error: 'hf:../x' names no file of the model hub."),
        (("remove", "../.."), "Error: There is no model '../..' in the cache."),
        (("remove", "micro"), "Error: There is no model 'micro' in the cache."),
    ],
)
def test_what_does_not_go_is_said_in_a_line(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = run("models", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1


def test_what_a_frame_takes_here_is_told_once_it_is_known(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(run("models", "--json").stdout)[0]["seconds_per_frame"] is None
    found = {reference: dict.fromkeys(NETWORKS, 0.01) for reference in REFERENCES}
    pace = Pace.model_validate({"device": "CPU", "machine": "this", "seconds": found})
    monkeypatch.setattr(speed, "measure_pace", lambda device: pace)
    listed = json.loads(run("models", "--json", "--measure").stdout)
    seconds = {entry["name"]: entry["seconds_per_frame"] for entry in listed}
    assert seconds["micro"] == pytest.approx(0.04)
    assert seconds["sam2.1-hiera-large"] > seconds["edgetam"] > 0
    head, first, *_ = run("models", "--measure").stdout.splitlines()
    assert head.index("HERE") == first.index("0.04 s")
