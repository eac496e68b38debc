"""The list of models as the page gets it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2ov.ui.pool.speeds import Speeds
from sam2ov.ui.routes.models import make_model_routes
from sam2ov.ui.settings import Settings
from sam2ov.zoo import speed
from sam2ov.zoo.catalogue import BUNDLED_NAME, MODEL_NAMES
from sam2ov.zoo.presets import PRESETS
from tests.fake_convert import write_model_folder
from tests.ui.conftest import Tab

OWN = "mine"


@pytest.fixture(autouse=True)
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and the probe's stand-in, which writes this log."""
    log = tmp_path / "probe.log"
    monkeypatch.setenv("SAM2OV_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_PROBE_LOG", str(log))
    monkeypatch.setattr(speed, "PROBE", "tests.fake_probe")
    return log


@pytest.fixture
def speeds() -> Iterator[Speeds]:
    made = Speeds("f32")
    yield made
    made.close()


@pytest.fixture
def client(tab: Tab, speeds: Speeds, tmp_path: Path) -> Iterator[TestClient]:
    write_model_folder(tmp_path / OWN, name=OWN)
    own = str(tmp_path / OWN)
    routes = make_model_routes(
        tab.workspaces, tab.models._models, speeds, own, takes_checkpoints=True
    )
    with TestClient(Starlette(routes=routes)) as made:
        yield made


def ask(client: TestClient, tab: Tab, **query: str) -> dict[str, Any]:
    answer = client.get(f"/media/{tab.workspace.token}/models", params=query)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    return told


def cards(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {card["title"]: card for card in told["models"]}


def test_every_model_is_told_with_what_is_published(client: TestClient, tab: Tab) -> None:
    told = ask(client, tab)
    assert {card["name"] for card in told["models"]} > {*MODEL_NAMES}
    edgetam = cards(told)["EdgeTAM"]
    assert (edgetam["sa_v_test"], edgetam["licence"]) == (71.7, "Apache-2.0")
    assert not edgetam["is_here"]
    assert edgetam["download_bytes"] > 1e7
    assert "Put edgetam.pt of facebook/EdgeTAM" in edgetam["by_hand"]
    assert [preset["name"] for preset in told["presets"]] == [*PRESETS]
    assert "CPU" in told["devices"]
    assert cards(told)[BUNDLED_NAME]["is_here"]


def test_looking_measures_nothing_unless_asked(client: TestClient, tab: Tab, probe: Path) -> None:
    told = ask(client, tab, device="CPU")
    assert not told["is_measuring"]
    assert all(card["seconds"] is None for card in told["models"])
    assert not probe.exists()


def test_speeds_are_measured_once_and_told(
    client: TestClient, tab: Tab, speeds: Speeds, probe: Path
) -> None:
    assert ask(client, tab, device="CPU", measure="1")["is_measuring"]
    ask(client, tab, device="CPU", measure="1")
    speeds._measuring.join(60)  # type: ignore[union-attr]
    told = cards(ask(client, tab, device="CPU", measure="1"))
    assert told[BUNDLED_NAME]["seconds"] == pytest.approx(0.04)
    assert told[BUNDLED_NAME]["is_measured"]
    assert 0 < told["EdgeTAM"]["seconds"] < told["SAM 2.1 large"]["seconds"]
    assert not told["EdgeTAM"]["is_measured"]
    fast = cards(ask(client, tab, device="CPU", preset="fast"))
    assert fast["EdgeTAM"]["seconds"] < told["EdgeTAM"]["seconds"]
    assert told[OWN]["seconds"] == told["SAM 2.1 tiny"]["seconds"], "by its configuration"
    assert probe.read_text() == "CPU f32\n"


def test_a_failure_is_told_and_not_repeated(
    client: TestClient, tab: Tab, speeds: Speeds, probe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PROBE", "crash")
    ask(client, tab, device="CPU", measure="1")
    speeds._measuring.join(60)  # type: ignore[union-attr]
    told = ask(client, tab, device="CPU", measure="1")
    assert "cannot be measured" in told["speed_problem"]
    assert not told["is_measuring"]
    assert probe.read_text() == "CPU f32\n"


def test_while_others_compute_nothing_is_measured(probe: Path) -> None:
    busy = Speeds("f32", lambda: True)
    busy.want("CPU")
    measuring = [busy.is_measuring]
    busy.close()
    measuring.append(busy.is_measuring)
    assert measuring == [True, False]
    assert not probe.exists()


def test_closing_stops_a_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PROBE", "hang")
    speeds = Speeds("f32")
    speeds.want("CPU")
    speeds.close()
    assert not speeds.is_measuring


def test_what_a_preset_lacks_is_told(client: TestClient, tab: Tab) -> None:
    told = ask(client, tab, preset="fast")
    assert "INT8, which needs NNCF: pip install" in told["needs"]
    assert "has no networks for 512 px" in cards(told)[OWN]["problem"]
    assert "--image-size 1024,512" in cards(told)[OWN]["problem"]
    told = ask(client, tab, preset="quality")
    assert told["needs"] == cards(told)[OWN]["problem"] == ""


def test_strangers_are_told_nothing(client: TestClient, tab: Tab) -> None:
    assert client.get("/media/no-such-token/models").status_code == 404
    path = f"/media/{tab.workspace.token}/models"
    assert client.get(path, params={"preset": "best"}).status_code == 422
    assert client.get(path, params={"device": "C" * 101}).status_code == 422
    unknown = client.get(path, params={"device": "../etc", "measure": "1"})
    assert unknown.status_code == 200
    assert unknown.json()["models"][0]["seconds"] is None


def test_a_server_that_fetches_nothing_says_so(client: TestClient, tab: Tab) -> None:
    tab.workspaces.settings = Settings(downloads=False)
    assert ask(client, tab)["may_fetch"] is False


def test_a_checkpoint_is_taken_and_no_more_than_that(client: TestClient, tab: Tab) -> None:
    path = f"/media/{tab.workspace.token}/checkpoint"
    answer = client.put(path, params={"name": "../../My birds (2).pt"}, content=b"abc")
    assert answer.status_code == 201
    first = tab.workspace.checkpoint
    assert first is not None
    assert first.is_relative_to(tab.workspace.folder)
    assert (first.name, first.read_bytes()) == ("My-birds-2-.pt", b"abc")
    client.put(path, params={"name": "..."}, content=b"abcd")
    second = tab.workspace.checkpoint
    assert second is not None
    assert second.name == "file"
    assert not first.exists()
    tab.workspaces.settings = Settings(max_checkpoint_gb=10 / 2**30)
    refused = client.put(path, params={"name": "large.pt"}, content=b"x" * 11)
    assert refused.status_code == 413
    assert tab.workspace.checkpoint == second
    assert client.put("/media/no-such-token/checkpoint", content=b"abc").status_code == 404


def test_servers_for_others_take_no_checkpoints(tab: Tab, speeds: Speeds) -> None:
    routes = make_model_routes(
        tab.workspaces, tab.models._models, speeds, "micro", takes_checkpoints=False
    )
    with TestClient(Starlette(routes=routes)) as client:
        path = f"/media/{tab.workspace.token}/checkpoint"
        assert client.put(path, content=b"abc").status_code == 404
        assert ask(client, tab)["most_bytes"] == 0
